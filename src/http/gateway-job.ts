/**
 * One HTTP request as a client of the job server: submits its job on a connection of its own and answers with the
 * result. If the HTTP client disconnects, its job is dropped, as for any client. Rule: exactly one answer; when its
 * first byte has been sent, a failure can only be reported by ending the connection in the middle of the answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { latin1 } from '../base/bytes.ts';
import { argumentEnd } from '../link/arguments.ts';
import { Connection } from '../link/connection.ts';
import type { Endpoint } from '../link/endpoint.ts';
import { ORDER_BYTES_MAX, readOrder } from '../policy/failure-order.ts';
import { Packet } from '../protocol/packets.ts';
import type { JobRequest } from './gateway-request.ts';

const EXCEPTIONS = Buffer.from('exceptions');
/** The job server is in this process, so if it does not answer in this time, it is shutting down. */
const CONNECT_MS = 5_000;
const ALIVE_MS = 60_000;

/** HTTP statuses of the codes in ERROR packets. */
const STATUSES: Readonly<Record<string, number>> = { QUEUE_ERROR: 503, NOT_ALLOWED: 403 };
const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i;

/** The token of a request, for the job server's access rules. */
function tokenOf(request: IncomingMessage): string | null {
  return BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

/** What a worker said for people: its order to the server is not shown. */
function withoutOrderOf(exception: Buffer): Buffer {
  if (readOrder(latin1(exception, 0, Math.min(exception.length, ORDER_BYTES_MAX))) === null)
    return exception;
  const lineEnd = exception.indexOf('\n');
  return exception.subarray(lineEnd < 0 ? exception.length : lineEnd + 1);
}

/** A copy of packet bytes, which are valid only until the callback returns. */
const copyOf = (bytes: Uint8Array, start: number, end: number): Buffer =>
  Buffer.from(bytes.subarray(start, end));

export interface GatewayJobOptions {
  /** The job server itself. */
  readonly endpoint: Endpoint;
  /** Unsent bytes of one streamed answer; beyond that it is broken off. */
  readonly outputBytesMax: number;
  /** How long a request may wait for its result; 0 = without limit. */
  readonly timeoutMs: number;
  /** `gearmand`: always 200, the command header has the result. */
  readonly statuses: 'http' | 'gearmand';
}

/** The body of a request; `release` is called when the job server has it. */
export interface Workload {
  readonly bytes: Uint8Array;
  release(): void;
}

export class GatewayJob {
  readonly #options: GatewayJobOptions;
  readonly #response: ServerResponse;
  readonly #isHead: boolean;
  readonly #job: JobRequest;
  /** Null once the job server has it. */
  #workload: Workload | null;
  readonly #connection: Connection;
  #timer: NodeJS.Timeout | null = null;
  #handle = '';
  #isDone = false;

  constructor(
    options: GatewayJobOptions,
    request: IncomingMessage,
    response: ServerResponse,
    job: JobRequest,
    workload: Workload,
  ) {
    this.#options = options;
    this.#response = response;
    this.#isHead = request.method === 'HEAD';
    this.#job = job;
    this.#workload = workload;
    const settings = {
      connectTimeoutMs: CONNECT_MS,
      keepaliveMs: ALIVE_MS,
      answerTimeoutMs: ALIVE_MS,
    };
    this.#connection = new Connection(
      options.endpoint,
      {
        ...settings,
        endpoints: [],
        id: null,
        token: tokenOf(request),
        backoffMinMs: 1,
        backoffMaxMs: 1,
      },
      {
        greet: (writer) => {
          if (options.statuses === 'gearmand') return;
          writer.open(Packet.OPTION_REQ, EXCEPTIONS.length);
          writer.put(EXCEPTIONS);
          writer.close();
        },
        onReady: () => this.#submit(),
        onPacket: (type, bytes, start, end) => this.#onPacket(type, bytes, start, end),
        onDrained: () => {},
        onClosed: (error) => {
          const isUnknown = error.code === 'ERR_GEARMAN_ACCESS';
          const text = isUnknown ? 'the token is not known' : 'the job server takes no requests';
          this.#finish(isUnknown ? 401 : 503, 'ERROR', Buffer.from(`${text}\n`));
        },
      },
    );
    response.once('close', () => this.#leave());
    if (options.timeoutMs > 0) {
      const late = Buffer.from(`no result within ${options.timeoutMs} ms\n`);
      this.#timer = setTimeout(() => this.#finish(504, 'ERROR', late), options.timeoutMs);
    }
  }

  #submit(): void {
    const { writer } = this.#connection;
    const workload = this.#workload?.bytes ?? new Uint8Array(0);
    const { type, functionName, unique } = this.#job;
    writer.open(type, functionName.length + unique.length + 2 + workload.length);
    writer.put(functionName);
    writer.nul();
    writer.put(unique);
    writer.nul();
    writer.closeWith(workload);
    this.#connection.flushSoon();
  }

  #onPacket(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === Packet.JOB_CREATED) {
      this.#handle = latin1(bytes, start, end);
      this.#workload?.release();
      this.#workload = null;
      if (this.#job.isBackground) this.#finish(200, 'JOB_CREATED');
      return;
    }
    const stop = argumentEnd(bytes, start, end);
    const data = copyOf(bytes, Math.min(end, stop + 1), end);
    if (type === Packet.ERROR) {
      const code = latin1(bytes, start, stop);
      const text = Buffer.concat([Buffer.from(`${code} `), data, Buffer.from('\n')]);
      this.#finish(STATUSES[code] ?? 400, 'ERROR', text);
    } else if (type === Packet.WORK_DATA) this.#stream(data);
    else if (type === Packet.WORK_COMPLETE) this.#complete(data);
    else if (type === Packet.WORK_FAIL) this.#finish(500, 'WORK_FAIL');
    else if (type === Packet.WORK_EXCEPTION)
      this.#finish(500, 'WORK_EXCEPTION', withoutOrderOf(data));
  }

  /** Sends a part of the result at once, in a chunk of its own. */
  #stream(data: Buffer): void {
    const response = this.#response;
    if (this.#isHead || this.#isDone) return;
    if (!response.headersSent) {
      response.writeHead(200, {
        'X-Gearman-Job-Handle': this.#handle,
        Trailer: 'X-Gearman-Command',
      });
    }
    response.write(data);
    if (response.writableLength > this.#options.outputBytesMax) response.destroy();
  }

  #complete(data: Buffer): void {
    const response = this.#response;
    if (!response.headersSent) {
      this.#finish(200, 'WORK_COMPLETE', data);
      return;
    }
    response.addTrailers({ 'X-Gearman-Command': 'WORK_COMPLETE' });
    response.end(data);
    this.#leave();
  }

  /** Sends the whole answer; an answer in progress is broken off instead. */
  #finish(status: number, command: string, body: Buffer = Buffer.alloc(0)): void {
    if (this.#isDone) return;
    const response = this.#response;
    if (response.headersSent) {
      response.destroy();
      this.#leave();
      return;
    }
    const isGearmand = this.#options.statuses === 'gearmand';
    const isResult = command === 'WORK_COMPLETE';
    const shown = isGearmand && !isResult ? Buffer.alloc(0) : body;
    const handle = this.#handle === '' && isGearmand ? 'QUEUE_ERROR' : this.#handle;
    if (handle !== '') response.setHeader('X-Gearman-Job-Handle', handle);
    if (!this.#isHead) response.setHeader('X-Gearman-Command', command);
    if (status === 503) response.setHeader('Retry-After', '1');
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    response.writeHead(isGearmand && status !== 504 ? 200 : status, {
      'Content-Length': shown.length,
    });
    response.end(this.#isHead ? undefined : shown);
    this.#leave();
  }

  #leave(): void {
    this.#isDone = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#connection.destroy('ERR_GEARMAN_CLOSED', 'was disconnected');
  }
}

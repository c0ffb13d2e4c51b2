/**
 * gearmand's HTTP protocol (`--protocol http`): a request is a job, its answer the result. It uses node:http without a
 * framework, because there is only one route, and its target must be taken byte for byte. Keep-alive and chunked bodies
 * are HTTP's own. Rule: bodies are limited one by one and together, and so are headers and the time they take.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Account } from '../base/account.ts';
import { Bodies } from './bodies.ts';
import { GatewayJob, type GatewayJobOptions, type Workload } from './gateway-job.ts';
import { hasBody, type JobRequest, type Refusal, readRequest } from './gateway-request.ts';
import {
  HttpConnectionLimits,
  type HttpConnectionLimitsOptions,
} from './http-connection-limits.ts';
import { type FirstMessageQueues, HttpListener } from './http-listener.ts';

const HEADER_BYTES_MAX = 8_192;
const HEADERS_MS = 10_000;
const BODY_MS = 300_000;
/** Limit of all request bodies that are being read or that the job server has not taken yet. */
const BODIES_BYTES_MAX = 256 * 1024 * 1024;
const FULL = 'too many bodies at a time';
/** How long a peer whose body was dropped may take to read the answer. */
const PUSHED_OUT_MS = 1_000;

export interface GatewayOptions
  extends GatewayJobOptions,
    Omit<HttpConnectionLimitsOptions, 'name'> {
  /** The account of this thread. */
  readonly account: Account;
  readonly bodyBytesMax: number;
  /** The `Server` header. */
  readonly serverName: string;
  /** Length of the queue of connections to be accepted. */
  readonly backlog: number;
  /** Where connections wait for their first request. */
  readonly firstMessageQueues: FirstMessageQueues;
}

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #listeners: HttpListener[] = [];
  readonly #limits: HttpConnectionLimits;
  readonly #bodies: Bodies;
  #isClosing = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#bodies = new Bodies(BODIES_BYTES_MAX, options.account);
    this.#limits = new HttpConnectionLimits({ name: 'HTTP', ...options });
  }

  /** Binds one more address; rejects with the system's error. */
  async listen(host: string, port: number): Promise<HttpAddress> {
    const server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_MS,
        requestTimeout: BODY_MS,
        connectionsCheckingInterval: HEADERS_MS / 4,
      },
      (request, response) => this.#handle(request, response),
    );
    const { backlog, firstMessageQueues } = this.#options;
    const { listener, port: bound } = await HttpListener.open(server, this.#limits, {
      ...{ host, port, backlog, v6Only: isIPv6(host), firstMessageQueues },
      ...{ awaits: 'http', timeoutMs: HEADERS_MS },
    });
    this.#listeners.push(listener);
    return { host, port: bound };
  }

  /** Takes no more jobs; running ones are still answered. */
  drain(): void {
    this.#isClosing = true;
    for (const listener of this.#listeners) void listener.stop();
  }

  /** Closes at once. */
  close(): void {
    this.#isClosing = true;
    for (const listener of this.#listeners) void listener.close();
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.httpVersion === '1.0') speakHttp10(response);
    response.setHeader('Server', this.#options.serverName);
    response.on('error', () => {});
    const job = readRequest(request);
    if ('status' in job) this.#refuse(request, response, job);
    else if (this.#isClosing)
      this.#refuse(request, response, { status: 503, text: 'the server is ending' });
    else if (hasBody(request)) this.#readBody(request, response, job);
    else {
      request.resume();
      this.#run(request, response, job, { bytes: new Uint8Array(0), release: () => {} });
    }
  }

  #readBody(request: IncomingMessage, response: ServerResponse, job: JobRequest): void {
    const { bodyBytesMax } = this.#options;
    const announced = Number(request.headers['content-length'] ?? 0);
    const tooLarge = (bytes: number): Refusal => ({
      status: 413,
      text: `the body is ${bytes} bytes or more, limit ${bodyBytesMax}`,
    });
    if (announced > bodyBytesMax) {
      this.#refuse(request, response, tooLarge(announced));
      return;
    }
    let chunks: Buffer[] = [];
    const body = this.#bodies.begin(performance.now(), () => {
      chunks = [];
      this.#pushOut(request, response);
    });
    response.once('close', () => this.#bodies.release(body));
    request.on('data', (chunk: Buffer) => {
      if (response.writableEnded) return;
      const hasRoom = this.#bodies.take(body, chunk.length, performance.now());
      if (body.bytes > bodyBytesMax) this.#refuse(request, response, tooLarge(body.bytes));
      else if (!hasRoom) this.#refuse(request, response, { status: 503, text: FULL });
      else chunks.push(chunk);
    });
    request.once('end', () => {
      this.#bodies.complete(body);
      const bytes = Buffer.concat(chunks);
      chunks = [];
      const release = () => this.#bodies.release(body);
      if (!response.writableEnded) this.#run(request, response, job, { bytes, release });
    });
  }

  /** Drops a request whose body is the slowest. If the peer does not read the answer, the connection is ended. */
  #pushOut(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const { remoteAddress: address = 'unknown', remotePort: port = 0 } = socket;
    const text = 'its body came too slowly while others were waiting';
    this.#options.refused('unfinished', address, port, `refuse ${address}:${port}: HTTP: ${text}`);
    this.#refuse(request, response, { status: 408, text });
    setTimeout(() => socket.destroy(), PUSHED_OUT_MS).unref();
  }

  #run(
    request: IncomingMessage,
    response: ServerResponse,
    job: JobRequest,
    workload: Workload,
  ): void {
    this.#limits.requestIsWhole(request.socket);
    new GatewayJob(this.#options, request, response, job, workload);
  }

  /** Answers without a job, and without waiting for the rest of the body. */
  #refuse(request: IncomingMessage, response: ServerResponse, { status, text }: Refusal): void {
    if (response.writableEnded) return;
    const body = text === '' ? '' : `${text}\n`;
    if (status === 405) response.setHeader('Allow', 'GET, HEAD, POST, PUT');
    if ((hasBody(request) && !request.complete) || this.#isClosing)
      response.setHeader('Connection', 'close');
    response.writeHead(status, { 'Content-Length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
    request.resume();
  }
}

/** Node's server answers every request as HTTP/1.1; only this method can change the status line. */
interface WithStoredHeader {
  _storeHeader(firstLine: string, headers: unknown): void;
}

/** Makes the answer begin with the HTTP version of its request, as gearmand's does. */
function speakHttp10(response: ServerResponse): void {
  const open = response as ServerResponse & WithStoredHeader;
  const store = open._storeHeader;
  open._storeHeader = (firstLine, headers) =>
    store.call(response, firstLine.replace(/^HTTP\/1\.1/, 'HTTP/1.0'), headers);
}

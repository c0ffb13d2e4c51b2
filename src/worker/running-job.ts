/**
 * One job from its assignment to its end, as its handler sees it; sends the packets of the job. Rule: exactly one
 * WORK_COMPLETE or WORK_FAIL is sent, and nothing after it. Handlers that do not use the signal cost no
 * AbortController.
 */
import { utf8 } from '../link/arguments.ts';
import type { Codec, Workload } from '../link/codec.ts';
import { ArgumentError } from '../link/errors.ts';
import { ATTACH_BYTES } from '../link/request-writer.ts';
import { Packet } from '../protocol/packets.ts';
import { splitHandle } from '../protocol/run-suffix.ts';
import type { JobContext, WorkerJob } from './types.ts';

/** The connection to the server. */
export interface JobSink {
  /** Sends one WORK_ packet of a handle as it was assigned; without data when null. Nothing after the end of the connection. */
  sendWork(type: number, wireHandle: string, data: Workload | null): void;
}

const STATUS_MAX = 0xffffffff;

export class RunningJob implements WorkerJob<unknown>, JobContext {
  readonly functionName: string;
  readonly handle: string;
  readonly attempt: number;
  readonly unique: string;
  readonly reducer: string;
  readonly data: Uint8Array;
  timer: NodeJS.Timeout | null = null;
  /** Position of the job in the list of its channel. */
  place = 0;
  readonly #wireHandle: string;
  readonly #sink: JobSink;
  readonly #codec: Codec | null;
  #controller: AbortController | null = null;
  #abortReason: { readonly reason: unknown } | null = null;
  #input: { readonly value: unknown } | null = null;
  #hasEnded = false;

  /** `wireHandle`: as it was assigned, maybe with the number of the run. */
  constructor(
    functionName: string,
    wireHandle: string,
    unique: string,
    reducer: string,
    data: Uint8Array,
    codec: Codec | null,
    sink: JobSink,
  ) {
    this.functionName = functionName;
    this.#wireHandle = wireHandle;
    const { handle, attempt } = splitHandle(wireHandle);
    this.handle = handle;
    this.attempt = attempt;
    this.unique = unique;
    this.reducer = reducer;
    this.data = data;
    this.#codec = codec;
    this.#sink = sink;
  }

  /** The job's end has been sent, or cannot be sent any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get input(): unknown {
    if (this.#codec === null) return this.data;
    this.#input ??= { value: this.#codec.decode(this.data) };
    return this.#input.value;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#abortReason !== null) this.#controller.abort(this.#abortReason.reason);
    }
    return this.#controller.signal;
  }

  text(): string {
    return utf8(this.data);
  }

  json<V = unknown>(): V {
    return JSON.parse(this.text());
  }

  sendData(data: Workload): void {
    const part = checked('sendData', data);
    // Large bytes are sent later without a copy, but handlers often reuse the memory of a part.
    const isLent = typeof part !== 'string' && part.length >= ATTACH_BYTES;
    this.#send(Packet.WORK_DATA, isLent ? new Uint8Array(part) : part);
  }

  warn(text: Workload): void {
    this.#send(Packet.WORK_WARNING, checked('warn', text));
  }

  progress(numerator: number, denominator: number): void {
    for (const number of [numerator, denominator])
      if (!Number.isInteger(number) || number < 0 || number > STATUS_MAX)
        throw new ArgumentError(`progress: ${String(number)}, allowed is 0 to ${STATUS_MAX}`);
    this.#send(Packet.WORK_STATUS, `${numerator}\0${denominator}`);
  }

  /** Sends the result; no effect when the job has ended before. */
  complete(result: Workload): void {
    this.#send(Packet.WORK_COMPLETE, result);
    this.#finish();
  }

  /** Sends the failure of the job, after its exception if it has one. */
  fail(exception: Workload | null): void {
    if (exception !== null) this.#send(Packet.WORK_EXCEPTION, exception);
    this.#send(Packet.WORK_FAIL, null);
    this.#finish();
  }

  /** Aborts the job's signal. */
  abort(reason: unknown): void {
    if (this.#abortReason !== null) return;
    this.#abortReason = { reason };
    this.#controller?.abort(reason);
  }

  /** The connection has ended: packets of the job can no longer reach the server. */
  lose(reason: unknown): void {
    this.#finish();
    this.abort(reason);
  }

  #finish(): void {
    this.#hasEnded = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  #send(type: number, data: Workload | null): void {
    if (!this.#hasEnded) this.#sink.sendWork(type, this.#wireHandle, data);
  }
}

function checked(what: string, data: Workload): Workload {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  throw new ArgumentError(`${what}: ${typeof data} is neither Uint8Array nor text`);
}

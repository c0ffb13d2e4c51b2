/**
 * One job from its assignment to its end: what the handler sees, and what it sends. Rule: exactly one WORK_COMPLETE or
 * WORK_FAIL leaves, and nothing behind it. No AbortController is made for handlers that do not look at the signal.
 */
import { utf8 } from '../link/arguments.ts';
import type { Codec, Workload } from '../link/codec.ts';
import { ArgumentError } from '../link/errors.ts';
import { ATTACH_BYTES } from '../link/request-writer.ts';
import { Packet } from '../protocol/packets.ts';
import type { JobContext, WorkerJob } from './types.ts';

/** The way back to the server. */
export interface JobSink {
  /** One WORK_ packet of `handle`; null writes none. False when the connection is gone. */
  sendWork(type: number, handle: string, data: Workload | null): void;
}

const STATUS_MAX = 0xffffffff;

export class RunningJob implements WorkerJob<unknown>, JobContext {
  readonly functionName: string;
  readonly handle: string;
  readonly unique: string;
  readonly reducer: string;
  readonly data: Uint8Array;
  timer: NodeJS.Timeout | null = null;
  /** Where its channel lists it. */
  place = 0;
  readonly #sink: JobSink;
  readonly #codec: Codec | null;
  #controller: AbortController | null = null;
  #abortReason: { readonly reason: unknown } | null = null;
  #input: { readonly value: unknown } | null = null;
  #hasEnded = false;

  constructor(
    functionName: string,
    handle: string,
    unique: string,
    reducer: string,
    data: Uint8Array,
    codec: Codec | null,
    sink: JobSink,
  ) {
    this.functionName = functionName;
    this.handle = handle;
    this.unique = unique;
    this.reducer = reducer;
    this.data = data;
    this.#codec = codec;
    this.#sink = sink;
  }

  /** Its end has been sent, or cannot be sent any more. */
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
    // Large bytes leave later from where they lie, and who sends parts tends to fill the same memory again.
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

  /** Sends the result; nothing when the job has ended before. */
  complete(result: Workload): void {
    this.#send(Packet.WORK_COMPLETE, result);
    this.#finish();
  }

  /** Sends the end of a job that failed, its exception before it. */
  fail(exception: Workload | null): void {
    if (exception !== null) this.#send(Packet.WORK_EXCEPTION, exception);
    this.#send(Packet.WORK_FAIL, null);
    this.#finish();
  }

  /** Tells the handler to stop. */
  abort(reason: unknown): void {
    if (this.#abortReason !== null) return;
    this.#abortReason = { reason };
    this.#controller?.abort(reason);
  }

  /** Nothing that it sends can reach the server any more. */
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
    if (!this.#hasEnded) this.#sink.sendWork(type, this.handle, data);
  }
}

function checked(what: string, data: Workload): Workload {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  throw new ArgumentError(`${what}: ${typeof data} is neither Uint8Array nor text`);
}

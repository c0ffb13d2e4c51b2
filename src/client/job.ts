/**
 * One submitted job from submit to its end. Nothing refers to it after its end, and promises are made only on request,
 * so that a program that does not want an answer gets no unhandled rejection.
 *
 *   queued offline -> sent -> created -> ended        background jobs end at JOB_CREATED
 */
import { handleText, keep, utf8 } from '../link/arguments.ts';
import type { Codec } from '../link/codec.ts';
import {
  type ConnectionError,
  JobFailed,
  JobLostError,
  MaybeQueuedError,
  type ServerError,
} from '../link/errors.ts';
import { splitStack } from '../link/remote-stack.ts';
import { withoutOrder } from '../policy/failure-order.ts';
import { Packet } from '../protocol/packets.ts';
import type { Channel, ChannelJob, Expectation } from './channel.ts';
import { JobEvents } from './job-events.ts';
import { type Submission, writeSubmission } from './submission.ts';
import type { JobEvent, SubmittedJob } from './types.ts';

/**
 * When so many connections have ended at the submit of a job, the job is probably the cause, for example because it is
 * too large for the server.
 */
const STRIKES_MAX = 5;

/** The parts of the client that a job needs. */
export interface JobOwner {
  /** Limit of the bytes of unread events of one job. */
  readonly unreadBytesMax: number;
  /** The job's connection ended before JOB_CREATED: submit it again. */
  resubmit(job: Job): void;
  /** The job has ended, at least here. */
  forget(job: Job): void;
}

interface Settle {
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** How the job ended: result bytes, handle, or an error. */
type Outcome = { readonly value: Uint8Array | string } | { readonly error: unknown };

export class Job implements SubmittedJob<unknown>, Expectation, ChannelJob {
  /** The request. Null when the server has the job, because the workload is not kept. */
  submission: Submission | null;
  readonly functionName: string;
  readonly isBackground: boolean;
  readonly mayRetry: boolean;
  requestNumber = 0;
  /** The job waits for a server. */
  isQueuedOffline = false;
  timer: NodeJS.Timeout | null = null;
  signal: AbortSignal | null = null;
  /** Called when the job has ended, so that a caller can count. */
  onEnd: ((job: Job) => void) | null = null;
  handleText: string | null = null;
  readonly #owner: JobOwner;
  readonly #codec: Codec | null;
  /** The channel of its packets; null before JOB_CREATED and after the end. */
  #channel: Channel | null = null;
  #outcome: Outcome | null = null;
  #exception: Uint8Array | null = null;
  /** Number of connections that ended while the answer to this job was due. */
  #strikes = 0;
  #raw: Promise<Uint8Array | string> | null = null;
  #settleRaw: Settle | null = null;
  #value: Promise<unknown> | null = null;
  #handle: Promise<string> | null = null;
  #settleHandle: Settle | null = null;
  /** Made at the first event or the first read. */
  #events: JobEvents | null = null;
  #isIterated = false;

  constructor(submission: Submission, mayRetry: boolean, codec: Codec | null, owner: JobOwner) {
    this.submission = submission;
    this.functionName = submission.functionName;
    this.isBackground = submission.isBackground;
    this.mayRetry = mayRetry && submission.unique !== '';
    this.#codec = codec;
    this.#owner = owner;
  }

  get [Symbol.toStringTag](): string {
    return 'SubmittedJob';
  }

  get hasEnded(): boolean {
    return this.#outcome !== null;
  }

  /** Why the job failed; null otherwise. */
  get failure(): { readonly error: unknown } | null {
    const outcome = this.#outcome;
    return outcome !== null && 'error' in outcome ? outcome : null;
  }

  /** The result (the handle of a background job) of a job that succeeded. Throws the codec's errors. */
  get result(): unknown {
    const outcome = this.#outcome;
    return outcome !== null && 'value' in outcome ? this.#decode(outcome.value) : undefined;
  }

  // biome-ignore lint/suspicious/noThenProperty: a job can be awaited
  // biome-ignore lint/suspicious/noExplicitAny: the types are those of Promise
  then(onValue?: any, onError?: any): Promise<any> {
    return this.#valuePromise().then(onValue, onError);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the types are those of Promise
  catch(onError?: any): Promise<any> {
    return this.#valuePromise().catch(onError);
  }

  finally(onEnd?: (() => void) | null): Promise<unknown> {
    return this.#valuePromise().finally(onEnd);
  }

  async text(): Promise<string> {
    const raw = await this.#rawPromise();
    return typeof raw === 'string' ? raw : utf8(raw);
  }

  async json<V = unknown>(): Promise<V> {
    return JSON.parse(await this.text());
  }

  get handle(): Promise<string> {
    if (this.#handle === null) {
      if (this.handleText !== null) this.#handle = Promise.resolve(this.handleText);
      else if (this.failure !== null) this.#handle = Promise.reject(this.failure.error);
      else
        this.#handle = new Promise((resolve, reject) => {
          this.#settleHandle = { resolve, reject };
        });
    }
    return this.#handle;
  }

  [Symbol.asyncIterator](): AsyncIterator<JobEvent<unknown>> {
    this.#isIterated = true;
    this.#events ??= new JobEvents(this.#owner.unreadBytesMax);
    if (this.#outcome !== null) this.#endEvents(this.#outcome);
    return this.#events;
  }

  /** Writes the request. */
  write(channel: Channel): void {
    writeSubmission(
      channel.link.writer as NonNullable<typeof channel.link.writer>,
      this.submission as Submission,
    );
  }

  onReply(type: number, bytes: Uint8Array, start: number, end: number, channel: Channel): boolean {
    if (type !== Packet.JOB_CREATED) return false;
    if (this.hasEnded) return true;
    this.submission = null;
    const handle = handleText(bytes, start, end);
    this.handleText = handle;
    this.#settleHandle?.resolve(handle as never);
    this.#settleHandle = null;
    if (this.isBackground) this.#end({ value: handle });
    else {
      this.#channel = channel;
      channel.watch(handle, this);
    }
    return true;
  }

  onRefused(error: ServerError): void {
    this.#end({ error });
  }

  /** The connection ended before JOB_CREATED; `hasLeft`: the server may have read the request. */
  onLost(error: ConnectionError, hasLeft: boolean, isFirst: boolean): void {
    if (this.hasEnded) return;
    if (isFirst) this.#strikes++;
    const isOver = error.code === 'ERR_GEARMAN_CLOSED' || this.#strikes >= STRIKES_MAX;
    if ((!hasLeft && this.#strikes < STRIKES_MAX) || (this.mayRetry && !isOver))
      this.#owner.resubmit(this);
    else if (!hasLeft) this.#end({ error });
    else this.#end({ error: new MaybeQueuedError(this.functionName, error) });
  }

  /** The connection ended after JOB_CREATED. */
  onResultLost(error: ConnectionError): void {
    this.#end({ error: new JobLostError(this.functionName, this.handleText as string, error) });
  }

  /** One WORK_ packet; its data is `bytes[start, end)`. */
  onWork(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    if (this.hasEnded) return;
    switch (type) {
      case Packet.WORK_COMPLETE:
        this.#end({ value: keep(bytes, start, end, isOwn) });
        return;
      case Packet.WORK_FAIL:
        this.#end({ error: this.#jobFailed() });
        return;
      case Packet.WORK_EXCEPTION:
        this.#exception = keep(bytes, start, end, isOwn);
        this.#push({ type: 'exception', data: this.#exception });
        this.#end({ error: this.#jobFailed() });
        return;
      case Packet.WORK_STATUS: {
        const [numerator, denominator] = statusOf(bytes, start, end);
        this.#push({ type: 'status', numerator, denominator });
        return;
      }
      default:
        if (this.#mustKeepEvents())
          this.#push({
            type: type === Packet.WORK_DATA ? 'data' : 'warning',
            data: keep(bytes, start, end, isOwn),
          });
    }
  }

  /** Ends the job here, whatever the server does. */
  fail(error: unknown): void {
    if (this.hasEnded) return;
    const channel = this.#channel;
    this.#end({ error });
    if (channel !== null) channel.unwatch(this.handleText as string, this);
  }

  /** Its signal aborted. */
  abort(reason: unknown): void {
    this.fail(reason);
  }

  #jobFailed(): JobFailed {
    const exception = this.#exception;
    const text = exception === null ? null : withoutOrder(utf8(exception.subarray(0, 1000)));
    const why = text === null ? 'failed' : `failed: ${splitStack(text).message}`;
    const handle = this.handleText as string;
    return new JobFailed(`job ${handle} of ${this.functionName} ${why}`, handle, exception);
  }

  #end(outcome: Outcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.submission = null;
    this.#channel = null;
    if ('error' in outcome) {
      this.#settleRaw?.reject(outcome.error);
      this.#settleHandle?.reject(outcome.error);
    } else this.#settleRaw?.resolve(outcome.value as never);
    this.#settleRaw = null;
    this.#settleHandle = null;
    if (this.#events !== null) this.#endEvents(outcome);
    this.#owner.forget(this);
    this.onEnd?.(this);
  }

  #endEvents(outcome: Outcome): void {
    const events = this.#events as JobEvents;
    if ('error' in outcome) {
      events.end(outcome);
      return;
    }
    try {
      events.push({ type: 'complete', result: this.#decode(outcome.value) });
      events.end(null);
    } catch (error) {
      events.end({ error });
    }
  }

  /** A program that awaits the result without iterating needs no events. */
  #mustKeepEvents(): boolean {
    return this.#isIterated || this.#raw === null;
  }

  #push(event: JobEvent<unknown>): void {
    if (!this.#mustKeepEvents()) return;
    this.#events ??= new JobEvents(this.#owner.unreadBytesMax);
    this.#events.push(event);
  }

  #decode(value: Uint8Array | string): unknown {
    return typeof value === 'string' || this.#codec === null ? value : this.#codec.decode(value);
  }

  #rawPromise(): Promise<Uint8Array | string> {
    if (this.#raw !== null) return this.#raw;
    const outcome = this.#outcome;
    if (outcome === null)
      this.#raw = new Promise((resolve, reject) => {
        this.#settleRaw = { resolve, reject };
      });
    else if ('error' in outcome) this.#raw = Promise.reject(outcome.error);
    else this.#raw = Promise.resolve(outcome.value);
    return this.#raw;
  }

  #valuePromise(): Promise<unknown> {
    if (this.#codec === null) return this.#rawPromise();
    this.#value ??= this.#rawPromise().then((raw) => this.#decode(raw));
    return this.#value;
  }
}

/** Numerator and denominator of WORK_STATUS; invalid numbers are 0. */
function statusOf(bytes: Uint8Array, start: number, end: number): [number, number] {
  const [numerator, denominator] = utf8(bytes.subarray(start, end)).split('\0').map(Number);
  return [numerator || 0, denominator || 0];
}

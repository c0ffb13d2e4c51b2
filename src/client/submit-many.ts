/**
 * Submits the jobs of an iterable, pipelined: the next job is taken when there is room, so that neither a million jobs
 * nor large ones are in memory at once. Rule: the iterable is always closed at the end of the run.
 */
import type { FunctionMap } from '../link/codec.ts';
import { checkKnown, type Known } from '../link/known-options.ts';
import { checkWhole } from '../link/settings.ts';
import type { Job } from './job.ts';
import type { SubmitOptions } from './types.ts';

/** One job of `submitMany`: function, input and its submit options. */
export type ManyJob<F extends FunctionMap<F>> = {
  [N in keyof F & string]: { readonly functionName: N; readonly input: F[N]['input'] };
}[keyof F & string] &
  SubmitOptions;

/** Progress of a run. `submitted >= completed + failed`. */
export interface ManyProgress {
  /** Number of jobs taken from the iterable. */
  readonly submitted: number;
  /** Number of jobs that ended with a result, or as a background job with a handle. */
  readonly completed: number;
  /** Number of jobs that ended with an error; see `ManyResult.errors`. */
  readonly failed: number;
}

/** Counts at the end of a run. */
export interface ManyResult extends ManyProgress {
  /** Errors of the first 100 jobs that failed. */
  readonly errors: readonly unknown[];
}

/** How one job of a run ended. `index` is its position in the iterable, from 0. */
export type ManyOutcome<F extends FunctionMap<F>> =
  | { readonly job: ManyJob<F>; readonly index: number; readonly result: unknown }
  | { readonly job: ManyJob<F>; readonly index: number; readonly error: unknown };

/** Options of `submitMany`. */
export interface ManyOptions<F extends FunctionMap<F>> {
  /** Jobs that may be pending at a time, 1 to 2^31. Default: 4096. */
  readonly inFlightMax?: number;
  /**
   * Bytes of workloads (characters of text) that may be pending at a time, 1 to 2^53 - 1; a single larger job may
   * exceed it. Default: 16 MiB.
   */
  readonly inFlightBytesMax?: number;
  /** Called with the counts, at most once a turn of the event loop, and at the end. */
  readonly onProgress?: (progress: ManyProgress) => void;
  /**
   * Called at the end of every job: `result` is its result, or the handle of a background job; `error` the reason of
   * its failure.
   */
  readonly onJob?: (outcome: ManyOutcome<F>) => void;
  /** Ends the run with the signal's reason; jobs that have been sent stay with the servers. */
  readonly signal?: AbortSignal;
}

const MANY_OPTIONS: Known<ManyOptions<never>> = {
  inFlightMax: true,
  inFlightBytesMax: true,
  onProgress: true,
  onJob: true,
  signal: true,
};
const ERRORS_MAX = 100;

/** `submit` sends one job and calls back when it has ended; `untilDrained` resolves when little is unsent. */
export async function submitMany<F extends FunctionMap<F>>(
  jobs: Iterable<ManyJob<F>> | AsyncIterable<ManyJob<F>>,
  options: ManyOptions<F>,
  submit: (job: ManyJob<F>, onEnd: (job: Job) => void) => void,
  untilDrained: () => Promise<void>,
): Promise<ManyResult> {
  const run = new Run(options);
  // For a synchronous iterable no job needs a promise.
  if (Symbol.iterator in jobs) {
    for (const job of jobs) if (run.submit(job, submit)) await run.untilRoom(untilDrained);
  } else {
    for await (const job of jobs) if (run.submit(job, submit)) await run.untilRoom(untilDrained);
  }
  await run.untilDone();
  return run.result;
}

/** Unsent output is checked after so many jobs. */
const DRAIN_STEP = 256;

class Run<F extends FunctionMap<F>> {
  #submitted = 0;
  #completed = 0;
  #failed = 0;
  #bytes = 0;
  readonly #errors: unknown[] = [];
  readonly #options: ManyOptions<F>;
  readonly #inFlightMax: number;
  readonly #bytesMax: number;
  #wake: (() => void) | null = null;
  #isTold = true;
  /** The error of a callback. */
  #error: { readonly error: unknown } | null = null;

  constructor(options: ManyOptions<F>) {
    checkKnown('submitMany', options, MANY_OPTIONS);
    this.#options = options;
    options.signal?.throwIfAborted();
    this.#inFlightMax = checkWhole('inFlightMax', options.inFlightMax ?? 4096, 1, 2 ** 31);
    this.#bytesMax = checkWhole(
      'inFlightBytesMax',
      options.inFlightBytesMax ?? 16 * 1024 * 1024,
      1,
      2 ** 53 - 1,
    );
  }

  get result(): ManyResult {
    return { ...this.#progress, errors: this.#errors };
  }

  /** Returns whether to wait before the next job. Throws the error that ends the run. */
  submit(job: ManyJob<F>, submit: (job: ManyJob<F>, onEnd: (job: Job) => void) => void): boolean {
    const index = this.#submitted++;
    const byteCount = sizeOf(job.input);
    this.#bytes += byteCount;
    submit(job, (ended) => {
      this.#bytes -= byteCount;
      this.#ended(job, index, ended);
    });
    this.#check();
    return this.#isFull || this.#submitted % DRAIN_STEP === 0;
  }

  /**
   * Resolves when there is room for another job and little output is unsent. Rejects with the error that ends the run.
   */
  async untilRoom(untilDrained: () => Promise<void>): Promise<void> {
    while (this.#isFull) await this.#untilEnd();
    if (this.#submitted % DRAIN_STEP === 0) await untilDrained();
    this.#check();
  }

  async untilDone(): Promise<void> {
    while (this.#inFlight > 0) {
      await this.#untilEnd();
      this.#throwError();
    }
    this.#tell();
    this.#throwError();
  }

  get #isFull(): boolean {
    return this.#inFlight >= this.#inFlightMax || this.#bytes >= this.#bytesMax;
  }

  #check(): void {
    this.#options.signal?.throwIfAborted();
    this.#throwError();
  }

  #throwError(): void {
    if (this.#error !== null) throw this.#error.error;
  }

  get #inFlight(): number {
    return this.#submitted - this.#completed - this.#failed;
  }

  get #progress(): ManyProgress {
    return { submitted: this.#submitted, completed: this.#completed, failed: this.#failed };
  }

  /** Resolves at the end of the next job, rejects when the signal aborts. */
  #untilEnd(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject((signal as AbortSignal).reason);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
    });
  }

  #ended(job: ManyJob<F>, index: number, ended: Job): void {
    const { failure } = ended;
    if (failure === null) this.#completed++;
    else {
      this.#failed++;
      if (this.#errors.length < ERRORS_MAX) this.#errors.push(failure.error);
    }
    try {
      if (this.#options.onJob !== undefined) this.#tellJob(job, index, ended);
    } catch (error) {
      this.#error ??= { error };
    }
    if (this.#isTold) {
      this.#isTold = false;
      setImmediate(() => this.#tell());
    }
    this.#wake?.();
    this.#wake = null;
  }

  #tellJob(job: ManyJob<F>, index: number, ended: Job): void {
    const { failure } = ended;
    if (failure !== null) {
      this.#options.onJob?.({ job, index, error: failure.error });
      return;
    }
    let outcome: { readonly result: unknown } | { readonly error: unknown };
    try {
      outcome = { result: ended.result };
    } catch (error) {
      outcome = { error };
    }
    this.#options.onJob?.({ job, index, ...outcome });
  }

  #tell(): void {
    if (this.#isTold && this.#inFlight > 0) return;
    this.#isTold = true;
    try {
      this.#options.onProgress?.(this.#progress);
    } catch (error) {
      this.#error ??= { error };
    }
  }
}

function sizeOf(input: unknown): number {
  return typeof input === 'string' || input instanceof Uint8Array ? input.length : 0;
}

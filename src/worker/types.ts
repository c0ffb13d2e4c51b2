/** The public types of a worker and its jobs. */

import type { Workload } from '../link/codec.ts';
import type { ServerError } from '../link/errors.ts';
import type { ConnectionChange } from '../link/link.ts';
import type { ConnectionOptions } from '../link/settings.ts';

/** Options of a worker; all are optional. An invalid option makes the constructor throw ArgumentError. */
export interface WorkerOptions extends ConnectionOptions {
  /** Jobs that run at a time, of all functions and servers together, 1 to 1,000,000. Default: 1. */
  readonly concurrency?: number;
  /**
   * Whether to send a handler's error (WORK_EXCEPTION) before WORK_FAIL, to the clients that asked for exceptions. With
   * `'stack'` the text of an Error ends with its stack, at most 4,096 characters: it names files of the worker to everybody
   * who may submit. Default: true.
   */
  readonly exceptions?: boolean | 'stack';
}

/** Options of one function. */
export interface FunctionOptions {
  /**
   * Time limit of a job in milliseconds, 1 to 2^31 - 1. The job's `signal` aborts shortly before and the job fails.
   * The server knows the limit too (CAN_DO_TIMEOUT) and gives the job to another worker when this one hangs; the C
   * gearmand takes at least 1000. Default: no limit.
   */
  readonly timeoutMs?: number;
  /**
   * Jobs of this function that run at a time, 1 to 1,000,000. A function with its own limit has its own connection to
   * every server. Default: limited by the worker only.
   */
  readonly concurrency?: number;
}

/** A handler in a file of its own, run in threads so that heavy computation does not block the connection. */
export interface ThreadHandler {
  /** A module with the handler as its default export: a file URL or an absolute path. */
  readonly file: URL | string;
  /** Number of threads, at least 1; each runs one job at a time. Default: 1. */
  readonly threads?: number;
}

/** A job that a server has assigned to this worker. */
export interface WorkerJob<I = Uint8Array> {
  /** The function of the job. */
  readonly functionName: string;
  /** The server's name for the job. */
  readonly handle: string;
  /**
   * 1 for the first attempt, 1 more after each run that failed under a policy with `attempts`; a lost connection does not
   * count, and a dead job that is queued again begins with 1. Always 1 on servers without policies.
   */
  readonly attempt: number;
  /** The client's unique key; empty without one. */
  readonly unique: string;
  /** Name of the reducer of SUBMIT_REDUCE_JOB; empty for other jobs. */
  readonly reducer: string;
  /** The workload; its bytes belong to the handler. */
  readonly data: Uint8Array;
  /** The workload decoded by the worker's codec; without a codec the same as `data`. Throws the codec's errors. */
  readonly input: I;
  /** The workload as UTF-8 text. */
  text(): string;
  /** The workload parsed as JSON; throws SyntaxError. */
  json<V = unknown>(): V;
  /**
   * Sends a part of the result (WORK_DATA); no effect after the job's end. The bytes may be reused when the call
   * returns.
   */
  sendData(data: Workload): void;
  /**
   * Sends the progress of the job (WORK_STATUS). Both are whole numbers from 0 to 2^32 - 1, otherwise it throws
   * ArgumentError. No effect after the job's end.
   */
  progress(numerator: number, denominator: number): void;
  /**
   * Sends a warning (WORK_WARNING); no effect after the job's end. Bytes of 32 KiB and more must not change until they
   * have been sent.
   */
  warn(text: Workload): void;
}

/** The second argument of a handler. */
export interface JobContext {
  /**
   * Aborts when the job's time is over (TimeoutError), when its connection is lost (ConnectionError: the result can no
   * longer be delivered), or when the worker stops without waiting. Made at first use.
   */
  readonly signal: AbortSignal;
}

/**
 * Runs one job. The return value is the result (undefined: an empty one). An error fails the job and is sent as its
 * exception: the message of an Error, or a thrown string or Uint8Array. A thrown JobFailed fails the job without an
 * exception; Retry and Dead say whether and when a function with attempts tries the job again.
 */
export type Handler<I, O> = (job: WorkerJob<I>, context: JobContext) => O | Promise<O>;

/** Events of a worker. */
export interface WorkerEventMap {
  /** A connection to a server has changed its state. */
  connection: [change: ConnectionChange];
  /** A handler threw, exceeded its time, or returned a value that cannot be sent. */
  jobError: [error: unknown, job: WorkerJob<unknown>];
  /** A server answered with ERROR; `JOB_NOT_FOUND` means that it gave up the job before its result arrived. */
  serverError: [error: ServerError];
}

/** The result of a drain. */
export interface DrainResult {
  /** Jobs that were still running at the end of the time limit; their servers give them to other workers. */
  readonly abandoned: number;
}

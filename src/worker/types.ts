/** What a program sees of a worker and its jobs. */

import type { Workload } from '../link/codec.ts';
import type { ServerError } from '../link/errors.ts';
import type { ConnectionChange } from '../link/link.ts';
import type { ConnectionOptions } from '../link/settings.ts';

/** Options of a worker; each has a default. */
export interface WorkerOptions extends ConnectionOptions {
  /** Jobs that run at a time, of all functions and servers together. Default 1. */
  readonly concurrency?: number;
  /**
   * Tell the clients that asked for exceptions what a handler threw (WORK_EXCEPTION) before WORK_FAIL. Default true.
   */
  readonly exceptions?: boolean;
}

/** Options of one function. */
export interface FunctionOptions {
  /**
   * How long a job may take. The server hears of it (CAN_DO_TIMEOUT) and gives the job to another worker when this one
   * hangs. Here the job's `signal` aborts shortly before and the job fails. The C gearmand takes at least 1000 ms.
   */
  readonly timeoutMs?: number;
  /** Jobs of this function that run at a time. Such a function has a connection of its own. Default: no limit but the worker's. */
  readonly concurrency?: number;
}

/** A handler in a file of its own, run in threads so that heavy work does not stop the connection. */
export interface ThreadHandler {
  /** A module whose default export is the handler: a file URL or an absolute path. */
  readonly file: URL | string;
  /** Threads; each runs one job at a time. Default 1. */
  readonly threads?: number;
}

/** A job that was given to this worker. */
export interface WorkerJob<I = Uint8Array> {
  /** The function that it was submitted to. */
  readonly functionName: string;
  /** The server's name for it. */
  readonly handle: string;
  /** The client's key; empty without one. */
  readonly unique: string;
  /** Name of the reducer of SUBMIT_REDUCE_JOB; empty for other jobs. */
  readonly reducer: string;
  /** The workload. */
  readonly data: Uint8Array;
  /** The workload read by the worker's codec; without one the same as `data`. */
  readonly input: I;
  /** The workload as UTF-8 text. */
  text(): string;
  /** The workload read as JSON. */
  json<V = unknown>(): V;
  /** Sends a part of the result (WORK_DATA). Nothing behind the job's end. */
  sendData(data: Workload): void;
  /** Sends how far the job is (WORK_STATUS): whole numbers from 0 to 2^32 - 1. */
  progress(numerator: number, denominator: number): void;
  /** Sends a warning (WORK_WARNING). */
  warn(text: Workload): void;
}

/** What a handler may look at besides its job. */
export interface JobContext {
  /**
   * Aborts when the job's time is over (TimeoutError), when its connection is lost (ConnectionError: its result can no
   * longer be delivered), or when the worker stops without waiting. Made when it is first read.
   */
  readonly signal: AbortSignal;
}

/**
 * Runs one job. What it returns is the result (nothing: an empty one); what it throws fails the job and is sent as its
 * exception: the message of an Error, or the text or bytes thrown. A thrown JobFailed fails it without an exception.
 */
export type Handler<I, O> = (job: WorkerJob<I>, context: JobContext) => O | Promise<O>;

/** Events of a worker. */
export interface WorkerEventMap {
  /** A connection to a server has changed its state. */
  connection: [change: ConnectionChange];
  /** A handler threw, ran out of time, or returned what cannot be sent. */
  jobError: [error: unknown, job: WorkerJob<unknown>];
  /** A server answered with ERROR; `JOB_NOT_FOUND` means that it had given up the job before its result came. */
  serverError: [error: ServerError];
}

/** How a drain ended. */
export interface DrainResult {
  /** Jobs that were still running when the time was over; their servers give them to other workers. */
  readonly abandoned: number;
}

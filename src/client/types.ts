/** What a program sees of a client and its jobs. */

import type { ConnectionChange, LinkState } from '../link/link.ts';
import type { ConnectionOptions } from '../link/settings.ts';

/** Options of a client; each has a default. */
export interface ClientOptions extends ConnectionOptions {
  /** Ask servers for exceptions, so that JobFailed carries them. Default true. */
  readonly exceptions?: boolean;
  /** While no server is reachable: `queue` submits and wait, or `fail` them with `ERR_GEARMAN_OFFLINE`. Default `queue`. */
  readonly whenOffline?: 'queue' | 'fail';
  /** Submits that may wait for a server; further ones fail with `ERR_GEARMAN_OFFLINE`. Default 100,000. */
  readonly offlineQueueMax?: number;
  /**
   * Bytes of events of one job that may wait to be read (about 100 an event, and its data); above them iterating the job
   * ends with `ERR_GEARMAN_UNREAD`, and its result can still be awaited. Default 64 MiB.
   */
  readonly unreadBytesMax?: number;
  /** Default of `timeoutMs` of submits, status requests and pings. Default: no limit. */
  readonly timeoutMs?: number;
  /** Default of `retry` of submits. Default true. */
  readonly retry?: boolean;
}

/** How a job is submitted. */
export interface SubmitOptions {
  /**
   * Jobs of one function with the same key that are queued or running at the same time become one. At most 64 bytes
   * without NUL (63 for the C gearmand); `-` means: the workload is the key. Default: none.
   */
  readonly unique?: string;
  /** Which jobs of a function are run first. Default `normal`. */
  readonly priority?: 'high' | 'normal' | 'low';
  /** Nobody waits for the result: awaiting gives the handle. Default false. */
  readonly background?: boolean;
  /** Run as a background job, not before this instant (a Date, or ms since 1970), in whole seconds rounded up. */
  readonly runAt?: Date | number;
  /** Name of a reducer for the worker (SUBMIT_REDUCE_JOB), at most 64 bytes. */
  readonly reducer?: string;
  /** Until the result, or the handle of a background job: the job then fails with TimeoutError here. It may still run. */
  readonly timeoutMs?: number;
  /** Fails the job here with the signal's reason. The job may still run: Gearman cannot call jobs back. */
  readonly signal?: AbortSignal;
  /**
   * Submit again when the connection ended before JOB_CREATED and there is a `unique`. The job may then run twice, if
   * its first run ended in between. False: MaybeQueuedError. Default true.
   */
  readonly retry?: boolean;
}

/** What a foreground job tells, in the order in which its worker sent it. `complete` is the last. */
export type JobEvent<T> =
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'warning'; readonly data: Uint8Array }
  | { readonly type: 'status'; readonly numerator: number; readonly denominator: number }
  /** Iteration then ends with JobFailed. */
  | { readonly type: 'exception'; readonly data: Uint8Array }
  | { readonly type: 'complete'; readonly result: T };

/**
 * A job that was submitted. Awaiting it gives its result (the handle of a background job); iterating it gives its
 * events. A job that fails ends both with its error: JobFailed, JobLostError, MaybeQueuedError, ServerError,
 * ConnectionError, TimeoutError, ArgumentError or the reason of its signal. Who only iterates, or does neither, meets no
 * unhandled rejection. Events are kept until they are read, at most `unreadBytesMax` of them, unless the job was awaited
 * before and is not iterated.
 */
export interface SubmittedJob<T> extends Promise<T>, AsyncIterable<JobEvent<T>> {
  /** The function that it was submitted to. */
  readonly functionName: string;
  /** The server's name for the job; rejects when it was not queued. */
  readonly handle: Promise<string>;
  /** The result as UTF-8 text, whatever the codec. */
  text(): Promise<string>;
  /** The result read as JSON, whatever the codec. */
  json<V = unknown>(): Promise<V>;
}

/** Where a job stands. */
export interface JobStatus {
  /** False: finished, or never heard of. */
  readonly isKnown: boolean;
  /** A worker has it. */
  readonly isRunning: boolean;
  /** As its worker said last; 0 of 0 before that. Whole numbers up to 2^32 - 1. */
  readonly numerator: number;
  /** What `numerator` counts up to. */
  readonly denominator: number;
}

/** The same, asked by unique key. */
export interface UniqueStatus extends JobStatus {
  /** Clients that wait for it. */
  readonly clientCount: number;
}

/** One server's answer to a ping; either `roundTripMs` or `error` is null. */
export interface Ping {
  /** `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
  /** Milliseconds from ECHO_REQ to ECHO_RES. */
  readonly roundTripMs: number | null;
  /** Why it did not answer. */
  readonly error: Error | null;
}

/** A server and the state of the connection to it. */
export interface ServerState {
  /** `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
  /** Of the connection, now. */
  readonly state: LinkState;
}

/** Events of a client and of a worker. */
export interface ConnectionEventMap {
  connection: [change: ConnectionChange];
}

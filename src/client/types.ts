/** The public types of a client and its jobs. */

import type { ConnectionChange, LinkState } from '../link/link.ts';
import type { ConnectionOptions } from '../link/settings.ts';

/** Options of a client; all are optional. An invalid option makes the constructor throw ArgumentError. */
export interface ClientOptions extends ConnectionOptions {
  /** Whether to ask servers for exceptions, so that JobFailed has them. Default: true. */
  readonly exceptions?: boolean;
  /**
   * While no server is reachable, submits wait (`queue`) or fail with `ERR_GEARMAN_OFFLINE` (`fail`). Default:
   * `queue`.
   */
  readonly whenOffline?: 'queue' | 'fail';
  /** Submits that may wait for a server, 0 to 2^31; further ones fail with `ERR_GEARMAN_OFFLINE`. Default: 100,000. */
  readonly offlineQueueMax?: number;
  /**
   * Bytes of unread events of one job (about 100 for each event, and its data), 0 to 2^53 - 1. Beyond that, iterating
   * the job ends with UnreadError (`ERR_GEARMAN_UNREAD`); its result can still be awaited. Default: 64 MiB.
   */
  readonly unreadBytesMax?: number;
  /** Default `timeoutMs` of submits, status requests and pings, in milliseconds, 1 to 2^31 - 1. Default: no limit. */
  readonly timeoutMs?: number;
  /** Default `retry` of submits. Default: true. */
  readonly retry?: boolean;
}

/** Options of one submit. */
export interface SubmitOptions {
  /**
   * Unique key: jobs of one function with the same key that are queued or running at the same time become one. At most
   * 64 bytes of UTF-8 without NUL (63 for the C gearmand); `-` makes the workload the key. Default: none.
   */
  readonly unique?: string;
  /** Workers get jobs of a higher priority first. Default: `normal`. */
  readonly priority?: 'high' | 'normal' | 'low';
  /** A background job: the server does not report its result, and awaiting it gives its handle. Default: false. */
  readonly background?: boolean;
  /**
   * Start time of a background job: a Date or milliseconds since 1970, rounded up to whole seconds. Excludes
   * `priority` other than `normal`, and `reducer`. Default: at once.
   */
  readonly runAt?: Date | number;
  /**
   * Name of a reducer for the worker (SUBMIT_REDUCE_JOB), at most 64 bytes of UTF-8 without NUL. Excludes `runAt` and
   * priority `low`. Default: none.
   */
  readonly reducer?: string;
  /**
   * Milliseconds until the job fails here with TimeoutError, 1 to 2^31 - 1, unless its result (the handle of a
   * background job) has arrived. The job may still run. Default: that of the client.
   */
  readonly timeoutMs?: number;
  /**
   * Fails the job here with the signal's reason when it aborts. The job may still run: Gearman cannot call jobs back.
   * Default: none.
   */
  readonly signal?: AbortSignal;
  /**
   * Whether to submit again when the connection ends before JOB_CREATED and the job has a `unique`. The job may then
   * run twice, if its first run ended in between. False: it fails with MaybeQueuedError. Default: that of the client.
   */
  readonly retry?: boolean;
}

/**
 * An event of a foreground job, in the order in which its worker sent them. `complete` is the last one. The program
 * owns `data`.
 */
export type JobEvent<T> =
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'warning'; readonly data: Uint8Array }
  | { readonly type: 'status'; readonly numerator: number; readonly denominator: number }
  /** The last event of the job: iteration then ends with JobFailed. */
  | { readonly type: 'exception'; readonly data: Uint8Array }
  | { readonly type: 'complete'; readonly result: T };

/**
 * A submitted job. Awaiting it gives its result (the handle of a background job); iterating it gives its events. If
 * the job fails, both end with its error: JobFailed, JobLostError, MaybeQueuedError, ServerError, ConnectionError,
 * TimeoutError, ArgumentError, or the reason of its signal. If the program only iterates, or does neither, there is no
 * unhandled rejection. Unread events are kept up to `unreadBytesMax`, unless the job was awaited first and is not
 * iterated.
 */
export interface SubmittedJob<T> extends Promise<T>, AsyncIterable<JobEvent<T>> {
  /** The function of the job. */
  readonly functionName: string;
  /** The server's name for the job, once it was queued; rejects with the job's error when it was not. */
  readonly handle: Promise<string>;
  /** The result as UTF-8 text, without the codec. */
  text(): Promise<string>;
  /** The result parsed as JSON, without the codec. */
  json<V = unknown>(): Promise<V>;
}

/** The status of a job. */
export interface JobStatus {
  /** False when the job has ended or never existed on the asked servers. */
  readonly isKnown: boolean;
  /** Whether a worker runs it. */
  readonly isRunning: boolean;
  /** Progress as last sent by the worker, of `denominator`; 0 of 0 before that. Whole numbers up to 2^32 - 1. */
  readonly numerator: number;
  /** The value of `numerator` at the end. */
  readonly denominator: number;
}

/** The status of a job that was asked for by its unique key. */
export interface UniqueStatus extends JobStatus {
  /** Number of clients that wait for the job. */
  readonly clientCount: number;
}

/** One server's result of a ping; either `roundTripMs` or `error` is null. */
export interface Ping {
  /** The job server: `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
  /** Milliseconds from ECHO_REQ to ECHO_RES. */
  readonly roundTripMs: number | null;
  /** Why the server did not answer. */
  readonly error: Error | null;
}

/** A job server and the state of its connection. */
export interface ServerState {
  /** The job server: `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
  /** State of the connection, now. */
  readonly state: LinkState;
}

/** Events of a client and of a worker. `connection`: a connection to a job server has changed its state. */
export interface ConnectionEventMap {
  connection: [change: ConnectionChange];
}

/**
 * What can go wrong for clients and workers, one class a kind. Rule: `code` is stable, the text may change.
 */

/** Base of every error that clients and workers make. `code` begins with `ERR_GEARMAN_`. */
export class GearmanError extends Error {
  override readonly name: string = 'GearmanError';
  /** Stable: `ERR_GEARMAN_...`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The caller asked for something that is not allowed. `code` is `ERR_GEARMAN_ARGUMENT`. */
export class ArgumentError extends GearmanError {
  override readonly name = 'ArgumentError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_GEARMAN_ARGUMENT', message, options);
  }
}

/**
 * No connection, or it ended. `code` tells which; `cause` is the system's error where there is one:
 * - `ERR_GEARMAN_CONNECT`: it could not be made,
 * - `ERR_GEARMAN_ACCESS`: the job server does not know the token,
 * - `ERR_GEARMAN_LOST`: it ended before the answer,
 * - `ERR_GEARMAN_SILENT`: the job server answers nothing, not even an ECHO,
 * - `ERR_GEARMAN_PROTOCOL`: what came is not what Gearman's protocol allows there,
 * - `ERR_GEARMAN_OFFLINE`: no job server is reachable, and waiting for one is not wanted or the queue is full,
 * - `ERR_GEARMAN_CLOSED`: the client or worker was closed.
 */
export class ConnectionError extends GearmanError {
  override readonly name = 'ConnectionError';
  /** Why, see ConnectionErrorCode. */
  declare readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Codes of ConnectionError. */
export type ConnectionErrorCode =
  | 'ERR_GEARMAN_CONNECT'
  | 'ERR_GEARMAN_ACCESS'
  | 'ERR_GEARMAN_LOST'
  | 'ERR_GEARMAN_SILENT'
  | 'ERR_GEARMAN_PROTOCOL'
  | 'ERR_GEARMAN_OFFLINE'
  | 'ERR_GEARMAN_CLOSED';

/** The job server answered with an ERROR packet. `code` is `ERR_GEARMAN_SERVER`. */
export class ServerError extends GearmanError {
  override readonly name = 'ServerError';
  /** As the server spells it: `QUEUE_ERROR`, `ARGUMENT_TOO_LARGE` ... */
  readonly serverCode: string;

  constructor(serverCode: string, text: string) {
    super('ERR_GEARMAN_SERVER', `the job server refused: ${serverCode} ${text}`);
    this.serverCode = serverCode;
  }
}

/** Something took longer than its `timeoutMs`. `code` is `ERR_GEARMAN_TIMEOUT`. */
export class TimeoutError extends GearmanError {
  override readonly name = 'TimeoutError';

  /** `cause`: why no job server could be reached meanwhile, where that is so. */
  constructor(what: string, timeoutMs: number, cause: Error | null = null) {
    const why = cause === null ? '' : `: ${cause.message}`;
    super(
      'ERR_GEARMAN_TIMEOUT',
      `${what}: not done within ${timeoutMs} ms${why}`,
      cause === null ? {} : { cause },
    );
  }
}

/**
 * A job's events came faster than they were read, and more of them waited than `unreadBytesMax` allows. Iteration ends
 * with it; the job goes on, and its result can be awaited. `code` is `ERR_GEARMAN_UNREAD`.
 */
export class UnreadError extends GearmanError {
  override readonly name = 'UnreadError';

  constructor(bytesMax: number) {
    super('ERR_GEARMAN_UNREAD', `events of a job: more than ${bytesMax} bytes wait to be read`);
  }
}

/**
 * The job failed in its worker, or was cancelled. `code` is `ERR_GEARMAN_JOB_FAILED`. A handler that throws one makes
 * its job fail without an exception.
 */
export class JobFailed extends GearmanError {
  override readonly name = 'JobFailed';
  /** Empty in one that a handler makes. */
  readonly handle: string;
  /** What the worker sent with WORK_EXCEPTION, or null. */
  readonly exception: Uint8Array | null;

  constructor(message = 'the job failed', handle = '', exception: Uint8Array | null = null) {
    super('ERR_GEARMAN_JOB_FAILED', message);
    this.handle = handle;
    this.exception = exception;
  }
}

/**
 * The connection ended behind a submit and before its JOB_CREATED: the job may have been queued, and may run.
 * `code` is `ERR_GEARMAN_MAYBE_QUEUED`; `cause` is the ConnectionError. Submits with a unique key are sent again instead.
 */
export class MaybeQueuedError extends GearmanError {
  override readonly name = 'MaybeQueuedError';

  constructor(functionName: string, cause: Error) {
    super(
      'ERR_GEARMAN_MAYBE_QUEUED',
      `submit ${functionName}: ${cause.message}, before the job server confirmed it: it may have been queued`,
      { cause },
    );
  }
}

/**
 * The connection ended behind JOB_CREATED and before the result of a foreground job: it may have run or may still run.
 * `code` is `ERR_GEARMAN_JOB_LOST`; `cause` is the ConnectionError.
 */
export class JobLostError extends GearmanError {
  override readonly name = 'JobLostError';
  /** The server's name for the job. */
  readonly handle: string;

  constructor(functionName: string, handle: string, cause: Error) {
    super(
      'ERR_GEARMAN_JOB_LOST',
      `job ${handle} of ${functionName}: ${cause.message}, before its result came`,
      { cause },
    );
    this.handle = handle;
  }
}

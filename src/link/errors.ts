/**
 * Errors of clients and workers, one class for each kind. Rule: `code` never changes, texts may change.
 */
import { DELAY_MS_MAX } from '../policy/failure-order.ts';
import { utf8 } from './arguments.ts';
import { splitStack } from './remote-stack.ts';

/** Base of all errors of clients and workers. `code` begins with `ERR_GEARMAN_`. */
export class GearmanError extends Error {
  override readonly name: string = 'GearmanError';
  /** Never changes between versions: `ERR_GEARMAN_...`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An argument or option is invalid. `code` is `ERR_GEARMAN_ARGUMENT`. */
export class ArgumentError extends GearmanError {
  override readonly name = 'ArgumentError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_GEARMAN_ARGUMENT', message, options);
  }
}

/**
 * The connection failed. `cause` is the system's error where there is one. `code` gives the reason:
 * - `ERR_GEARMAN_CONNECT`: the connection could not be made,
 * - `ERR_GEARMAN_ACCESS`: the job server does not know the token,
 * - `ERR_GEARMAN_LOST`: the connection ended before the answer,
 * - `ERR_GEARMAN_SILENT`: the job server does not answer, not even an ECHO,
 * - `ERR_GEARMAN_PROTOCOL`: the job server's bytes are not what Gearman's protocol allows there,
 * - `ERR_GEARMAN_OFFLINE`: no job server is reachable, and the job may not wait for one or the queue is full,
 * - `ERR_GEARMAN_CLOSED`: the client or worker was closed.
 */
export class ConnectionError extends GearmanError {
  override readonly name = 'ConnectionError';
  /** The reason, see ConnectionErrorCode. */
  declare readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Codes of ConnectionError, explained there. */
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
  /** The code in the packet, as the server spells it: `QUEUE_ERROR`, `ARGUMENT_TOO_LARGE` ... */
  readonly serverCode: string;

  constructor(serverCode: string, text: string) {
    super('ERR_GEARMAN_SERVER', `the job server refused: ${serverCode} ${text}`);
    this.serverCode = serverCode;
  }
}

/**
 * A job server refused a text command of `client.admin`. `code` gives the reason:
 * - `ERR_GEARMAN_COMMAND`: the command is not possible or not allowed; the message has the server's sentence,
 * - `ERR_GEARMAN_NO_COMMAND`: the server does not know the command; another job server than geartrain has neither
 *   policies nor dead jobs.
 */
export class CommandError extends GearmanError {
  override readonly name = 'CommandError';
  /** The reason, see the class. */
  declare readonly code: 'ERR_GEARMAN_COMMAND' | 'ERR_GEARMAN_NO_COMMAND';
  /** The job server that refused: `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
  /** The code in the answer, as the server spells it: `INVALID_POLICY`, `REFUSED`, `UNKNOWN_COMMAND` ... */
  readonly serverCode: string;

  constructor(code: CommandError['code'], server: string, serverCode: string, sentence: string) {
    super(code, `job server ${server} ${sentence}`);
    this.server = server;
    this.serverCode = serverCode;
  }
}

/**
 * A wait took longer than its `timeoutMs`. `code` is `ERR_GEARMAN_TIMEOUT`. `cause` is the ConnectionError when no job
 * server was reachable.
 */
export class TimeoutError extends GearmanError {
  override readonly name = 'TimeoutError';

  /** `cause`: why no job server was reachable, where that is the case. */
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
 * Events of a job came faster than the program read them, and exceeded `unreadBytesMax`. Iteration ends with this
 * error; the job continues, and its result can be awaited. `code` is `ERR_GEARMAN_UNREAD`.
 */
export class UnreadError extends GearmanError {
  override readonly name = 'UnreadError';

  constructor(bytesMax: number) {
    super('ERR_GEARMAN_UNREAD', `events of a job: more than ${bytesMax} bytes wait to be read`);
  }
}

/**
 * The job failed in its worker, or was cancelled. `code` is `ERR_GEARMAN_JOB_FAILED`. A handler may throw one to fail
 * its job without an exception.
 */
export class JobFailed extends GearmanError {
  override readonly name = 'JobFailed';
  /** The job's handle; empty when a handler made the error. */
  readonly handle: string;
  /** Bytes of the worker's WORK_EXCEPTION, which the program owns, or null. */
  readonly exception: Uint8Array | null;

  constructor(message = 'the job failed', handle = '', exception: Uint8Array | null = null) {
    super('ERR_GEARMAN_JOB_FAILED', message);
    this.handle = handle;
    this.exception = exception;
  }

  /**
   * The stack of the handler's error, one line for each frame, when its worker sends it (`exceptions: 'stack'`); else
   * null. It is the end of `exception`.
   */
  get remoteStack(): string | null {
    return this.exception === null ? null : splitStack(utf8(this.exception)).stack;
  }
}

/**
 * A handler throws it: the run has failed, and the next one starts after `delayMs` instead of the time of the
 * function's policy. It counts as an attempt. Without a policy with `attempts`, and on servers that have none, the job
 * fails. `code` is `ERR_GEARMAN_RETRY`.
 */
export class Retry extends GearmanError {
  override readonly name = 'Retry';
  /** Milliseconds, 0 to 30 days. */
  readonly delayMs: number;

  /** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`) for a delay that is not allowed. */
  constructor(given: { delayMs: number; message?: string }) {
    const { delayMs, message = 'try again later' } = given ?? {};
    if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > DELAY_MS_MAX)
      throw new ArgumentError(
        `new Retry: delayMs ${delayMs}, allowed is { delayMs: 0 to ${DELAY_MS_MAX} }`,
      );
    super('ERR_GEARMAN_RETRY', message);
    this.delayMs = delayMs;
  }
}

/**
 * A handler throws it: the job has failed and is not tried again, however many attempts its function's policy leaves.
 * The server keeps it among the dead jobs. `code` is `ERR_GEARMAN_DEAD`.
 */
export class Dead extends GearmanError {
  override readonly name = 'Dead';

  /** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`) when the reason is not text. */
  constructor(reason = 'the job cannot succeed') {
    if (typeof reason !== 'string') throw new ArgumentError('new Dead: the reason is not text');
    super('ERR_GEARMAN_DEAD', reason);
  }
}

/**
 * The connection ended after a submit and before its JOB_CREATED: the job may have been queued, and may run. `code` is
 * `ERR_GEARMAN_MAYBE_QUEUED`; `cause` is the ConnectionError. Submits with a unique key are sent again instead of
 * failing.
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
 * The connection ended after JOB_CREATED and before the result of a foreground job: the job may have run or may still
 * run. `code` is `ERR_GEARMAN_JOB_LOST`; `cause` is the ConnectionError.
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

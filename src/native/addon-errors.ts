/** How calls of the addon fail: the system refused (SystemError), or the caller was wrong (ReactorError). */
import { getSystemErrorName } from 'node:util';

/** A system call of the addon failed: `code` as EADDRINUSE, `errno` negative, `syscall` the attempt. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, what: string, errno: number) {
    const code = getSystemErrorName(errno);
    super(`${syscall} ${what}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** A connection or blob was asked for something that its state does not allow; a fault of the caller. */
export class ReactorError extends Error {
  override readonly name = 'ReactorError';
  readonly code = 'ERR_GEARTRAIN_REACTOR';
}

/** The addon was demanded and does not load; `cause` says why. */
export class NoAddonError extends Error {
  override readonly name = 'NoAddonError';
  /** Stable. */
  readonly code = 'ERR_GEARTRAIN_NO_ADDON';
}

/** `result`, or SystemError when it is a negated errno. `what`: of what, on what. */
export function checked(result: number, syscall: string, what: string): number {
  if (result < 0) throw new SystemError(syscall, what, result);
  return result;
}

/** The error of a call of the addon, which says what was wrong; `errno` 0: it was the caller. */
export function fail(syscall: string, what: string, errno: number): never {
  throw errno === 0 ? new ReactorError(what) : new SystemError(syscall, what, errno);
}

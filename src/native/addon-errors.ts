/** Errors of addon calls: the system refused (SystemError), or the caller made a mistake (ReactorError). */
import { getSystemErrorName } from 'node:util';

/** A system call of the addon failed: `code` as EADDRINUSE, `errno` negative, `syscall` the name of the call. */
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

/** The state of a connection or blob does not allow the call; a bug of the caller. */
export class ReactorError extends Error {
  override readonly name = 'ReactorError';
  readonly code = 'ERR_GEARTRAIN_REACTOR';
}

/** Option `native` is `on` and the addon does not load; `cause` is the reason. `code` is `ERR_GEARTRAIN_NO_ADDON`. */
export class NoAddonError extends Error {
  override readonly name = 'NoAddonError';
  /** Never changes. */
  readonly code = 'ERR_GEARTRAIN_NO_ADDON';
}

/** Returns `result`; throws SystemError when it is a negated errno. `what`: the object of the call. */
export function checked(result: number, syscall: string, what: string): number {
  if (result < 0) throw new SystemError(syscall, what, result);
  return result;
}

/** Throws the error of an addon call; `errno` 0 means a mistake of the caller. */
export function fail(syscall: string, what: string, errno: number): never {
  throw errno === 0 ? new ReactorError(what) : new SystemError(syscall, what, errno);
}

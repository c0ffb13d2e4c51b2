/** The error of a server that has ended. */

/**
 * The server is closed or closing. `code` is `ERR_GEARTRAIN_CLOSED`; `cause` is the error that ended the server, if
 * there was one.
 */
export class ServerClosedError extends Error {
  /** Never changes. */
  readonly code = 'ERR_GEARTRAIN_CLOSED';
  override readonly name = 'ServerClosedError';

  constructor(what: string, failure: Error | null) {
    super(`${what}: the server is closed`, failure === null ? {} : { cause: failure });
  }
}

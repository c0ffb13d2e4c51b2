/** What a server answers that has ended. */

/**
 * Something was asked of a server that is closed or closes. `code` is `ERR_GEARTRAIN_CLOSED`; `cause` is the error
 * that ended the server, if one did.
 */
export class ServerClosedError extends Error {
  /** Stable. */
  readonly code = 'ERR_GEARTRAIN_CLOSED';
  override readonly name = 'ServerClosedError';

  constructor(what: string, failure: Error | null) {
    super(`${what}: the server is closed`, failure === null ? {} : { cause: failure });
  }
}

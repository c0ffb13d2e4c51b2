/** The library's own connection failed. `code` is stable. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: 'ERR_GEARMAN_PROTOCOL' | 'ERR_GEARMAN_CLOSED';

  constructor(code: LinkError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

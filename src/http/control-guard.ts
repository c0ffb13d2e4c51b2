/**
 * Decides which requests may use the control port beyond its probes: those with the token, and over TLS those with a
 * client certificate that is trusted and whose common name may administrate. Rule: a refusal says what is missing, and
 * is reported.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { tokenCheck } from './token.ts';

export type ControlRefusal = 'unknownToken' | 'clientCertificate' | 'notAllowed';

export interface ControlAccess {
  /** The current token, which may change; null when there is none. */
  token(): string | null;
  /** Whether clients are asked for certificates. */
  readonly asksForCertificate: boolean;
  /** Whether the owner of a certificate with this common name may administrate. */
  mayControl(commonName: string): boolean;
  /** Called for every refusal. */
  refused(reason: ControlRefusal, address: string, port: number, text: string): void;
}

/** The answer to a request that is refused. */
export interface Denial {
  readonly status: 401 | 403;
  readonly text: string;
}

export class ControlGuard {
  readonly #access: ControlAccess;

  constructor(access: ControlAccess) {
    this.#access = access;
  }

  /**
   * Null when the request is allowed. When neither a token nor certificates are configured, every request is allowed.
   */
  check(request: IncomingMessage): Denial | null {
    const { asksForCertificate } = this.#access;
    const { authorization } = request.headers;
    const token = this.#access.token();
    if (token === null && !asksForCertificate) return null;
    if (token !== null && tokenCheck(token)(authorization)) return null;
    if (asksForCertificate && request.socket instanceof TLSSocket) {
      const shown = this.#checkCertificate(request, request.socket);
      if (shown !== undefined) return shown;
    }
    if (token !== null && authorization !== undefined)
      return this.#deny(request, 'unknownToken', 401, 'its token is not known');
    return this.#deny(request, 'notAllowed', 401, this.#needed());
  }

  /** The answer to a peer with a certificate; undefined when it has shown none. */
  #checkCertificate(request: IncomingMessage, socket: TLSSocket): Denial | null | undefined {
    if (socket.getPeerX509Certificate() === undefined) return undefined;
    if (!socket.authorized) {
      const text = `certificate of the client: ${socket.authorizationError}`;
      return this.#deny(request, 'clientCertificate', 403, text);
    }
    const name = socket.getPeerCertificate().subject?.CN;
    if (typeof name === 'string' && this.#access.mayControl(name)) return null;
    const text = `certificate ${JSON.stringify(name ?? null)} may not administrate`;
    return this.#deny(request, 'notAllowed', 403, text);
  }

  #needed(): string {
    const token = 'a token is needed: Authorization: Bearer TOKEN';
    if (!this.#access.asksForCertificate) return token;
    return this.#access.token() === null
      ? 'a client certificate is needed'
      : `${token}; or a client certificate`;
  }

  #deny(
    { socket }: IncomingMessage,
    reason: ControlRefusal,
    status: Denial['status'],
    text: string,
  ): Denial {
    const { remoteAddress: address = 'unknown', remotePort: port = 0 } = socket;
    this.#access.refused(reason, address, port, `refuse ${address}:${port}: control port: ${text}`);
    return { status, text };
  }
}

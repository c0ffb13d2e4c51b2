/**
 * Decides who sends a request to the control port: the owner of the control token, of a token of --token-file, of a
 * trusted client certificate, or nobody known. Rule: a caller that may do nothing is refused; a refusal says what is
 * missing, and is reported.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Identity, Rights } from '../session/access.ts';
import { ALL_RIGHTS, type Caller, mayCall, VIEW_ONLY } from './api/caller.ts';
import type { Sessions } from './api/sessions.ts';
import { FailedLogins } from './failed-logins.ts';
import { tokenCheck } from './token.ts';

export type ControlRefusal = 'unknownToken' | 'clientCertificate' | 'notAllowed';

export interface ControlAccess {
  /** The current control token, which may change; null when there is none. */
  token(): string | null;
  /** The name of a token of --token-file; null for an unknown one. */
  nameOfToken(token: string): string | null;
  /** Whether clients are asked for certificates. */
  readonly asksForCertificate: boolean;
  /** What the access rules give to an identity; null without rules. */
  rightsOf(identity: Identity): Rights | null;
  /** Called for every refusal. */
  refused(reason: ControlRefusal, address: string, port: number, text: string): void;
}

/** The answer to a request that is refused. */
export interface Denial {
  readonly status: 401 | 403 | 429;
  readonly text: string;
  /** Seconds that the sender must wait, with 429. */
  readonly waitS?: number;
}

export class ControlGuard {
  readonly #access: ControlAccess;
  readonly #failedLogins = new FailedLogins();

  constructor(access: ControlAccess) {
    this.#access = access;
  }

  /** The sender of a request to the JSON API. */
  callerOfApi(request: IncomingMessage, path: string, sessions: Sessions): Caller | Denial {
    if (request.method === 'POST' && path === '/v1/session') return this.#callerOfLogin(request);
    const session = request.headers.authorization === undefined ? sessions.of(request) : null;
    if (session === null) return this.callerOf(request);
    const { name, rights } = session.owner;
    return { ...callerWith(request, name, rights, false), session };
  }

  /** The owner of a token that is swapped for a session. */
  #callerOfLogin(request: IncomingMessage): Caller | Denial {
    const { remoteAddress = 'unknown' } = request.socket;
    const waitS = this.#failedLogins.waitS(remoteAddress);
    if (waitS > 0) {
      const text = `too many failed logins, wait ${waitS} s`;
      return { ...this.#deny(request, 'notAllowed', 429, text), waitS };
    }
    const caller = this.callerOf(request);
    const isKnown = !('status' in caller) && caller.isBearer;
    if (isKnown || request.headers.authorization === undefined) return caller;
    this.#failedLogins.failed(remoteAddress);
    return 'status' in caller
      ? caller
      : this.#deny(request, 'unknownToken', 401, 'its token is not known');
  }

  /**
   * The sender of a request, or why it is refused. When neither a control token nor certificates are configured, only
   * this machine reaches the port, and everybody there may view.
   */
  callerOf(request: IncomingMessage): Caller | Denial {
    const { asksForCertificate } = this.#access;
    const { authorization } = request.headers;
    const token = this.#access.token();
    if (token !== null && tokenCheck(token)(authorization))
      return callerWith(request, 'the control token', ALL_RIGHTS, true);
    const ofToken = this.#callerOfToken(request, authorization);
    if (ofToken !== null) return ofToken;
    if (asksForCertificate && request.socket instanceof TLSSocket) {
      const shown = this.#callerOfCertificate(request, request.socket);
      if (shown !== null) return shown;
    }
    if (token !== null && authorization !== undefined)
      return this.#deny(request, 'unknownToken', 401, 'its token is not known');
    if (token === null && !asksForCertificate)
      return callerWith(request, 'anonymous', VIEW_ONLY, false);
    const rights = this.#access.rightsOf({ tokenName: null, commonName: null });
    if (rights !== null && mayCall(rights)) return callerWith(request, 'anonymous', rights, false);
    return this.#deny(request, 'notAllowed', 401, this.#needed());
  }

  /** The owner of a token of --token-file that the access rules let in; null for others. */
  #callerOfToken(request: IncomingMessage, authorization: string | undefined): Caller | null {
    const word = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
    const tokenName = word === undefined ? null : this.#access.nameOfToken(word);
    if (tokenName === null) return null;
    const rights = this.#access.rightsOf({ tokenName, commonName: null });
    if (rights === null || !mayCall(rights)) return null;
    return callerWith(request, `token ${tokenName}`, rights, true);
  }

  /** The owner of a certificate; null when the peer has shown none. */
  #callerOfCertificate(request: IncomingMessage, socket: TLSSocket): Caller | Denial | null {
    if (socket.getPeerX509Certificate() === undefined) return null;
    if (!socket.authorized) {
      const text = `certificate of the client: ${socket.authorizationError}`;
      return this.#deny(request, 'clientCertificate', 403, text);
    }
    const name = socket.getPeerCertificate().subject?.CN;
    const shown = `certificate ${JSON.stringify(name ?? null)}`;
    if (typeof name === 'string') {
      const identity = { tokenName: null, commonName: name };
      const rights = this.#access.rightsOf(identity) ?? ALL_RIGHTS;
      if (mayCall(rights)) return callerWith(request, shown, rights, false);
    }
    return this.#deny(request, 'notAllowed', 403, `${shown} may not use the control port`);
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

function callerWith(
  { socket }: IncomingMessage,
  name: string,
  rights: Rights,
  isBearer: boolean,
): Caller {
  const { remoteAddress: address = 'unknown', remotePort: port = 0 } = socket;
  return { name, isAnonymous: name === 'anonymous', rights, isBearer, address, port };
}

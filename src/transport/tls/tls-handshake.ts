/**
 * One peer on a TLS port from its first byte until it is known or refused: bytes are kept until its ClientHello is
 * whole, then it waits for its turn, then the handshake runs. Rule: it ends by exactly one of `known` and `refused`.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { FirstMessagePeer } from '../../native/contract.ts';
import { type Look, lookAtHello, wordsOf } from './client-hello.ts';

/** What is read away after a refusal, so that the peer sees an end and no reset. */
const REFUSED_MS = 1_000;

/** Why a peer is refused; each is counted. */
export type Refusal =
  | 'not_tls'
  | 'handshake_failed'
  | 'handshake_timeout'
  | 'handshake_limit'
  | 'client_certificate'
  | 'descriptors';

/** What is said of those who are refused before their handshake. */
export const REFUSED = {
  left: 'the peer left before its TLS handshake',
  leftWithin: 'the peer left in its TLS handshake, as those do who do not trust the certificate',
  notTls: (wrong: number, detail: number) => `${wordsOf(wrong, detail)} on a TLS port`,
  late: (timeoutMs: number) => `no TLS handshake within ${timeoutMs / 1000} s`,
  pushedOut: (limit: number) => `${limit} TLS handshakes are open, the limit`,
  noDescriptor: (code: string) => `no descriptor is left for it: ${code}`,
} as const;

export interface TlsHandshakeEvents {
  /** The ClientHello is whole: calls `start` when it is its turn. */
  ready(): void;
  /** `stream` carries what the peer sends in clear, from the first byte on. */
  known(stream: TLSSocket): void;
  refused(reason: Refusal, text: string): void;
}

export class TlsHandshake {
  readonly peer: FirstMessagePeer;
  readonly #socket: Socket;
  readonly #events: TlsHandshakeEvents;
  readonly #timer: NodeJS.Timeout;
  #first: Buffer[] = [];
  #tls: TLSSocket | null = null;
  #isOver = false;

  constructor(
    socket: Socket,
    peer: FirstMessagePeer,
    timeoutMs: number,
    events: TlsHandshakeEvents,
  ) {
    this.peer = peer;
    this.#socket = socket;
    this.#events = events;
    this.#timer = setTimeout(() => {
      this.refuse('handshake_timeout', REFUSED.late(timeoutMs));
    }, timeoutMs);
    socket.on('data', this.#onData);
    socket.on('error', this.#onLost);
    socket.on('end', this.#onLost);
    socket.on('close', this.#onLost);
  }

  /** Runs the handshake: the dear step. Nothing when the peer has left meanwhile. */
  start(context: SecureContext, asksForCertificate: boolean): void {
    if (this.#isOver) return;
    const socket = this.#socket;
    socket.removeListener('end', this.#onLost);
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: asksForCertificate,
      // Who is not trusted is refused by us, with a line in the log.
      rejectUnauthorized: false,
    });
    this.#tls = tls;
    let failure = '';
    tls.on('_tlsError', (error: Error) => {
      failure = reasonOf(error);
    });
    tls.on('error', (error) => {
      failure ||= reasonOf(error);
    });
    // Half an end is a whole one here: nobody shakes hands after it. An alert before it says why.
    tls.once('end', () => this.refuse('handshake_failed', failure || REFUSED.leftWithin));
    tls.once('close', () => this.#end('handshake_failed', failure || REFUSED.leftWithin));
    tls.once('secure', () => {
      if (this.#isOver) return;
      this.#leave();
      this.#events.known(tls);
    });
  }

  /** Ends the connection, because of `text`. */
  refuse(reason: Refusal, text: string): void {
    if (this.#isOver) return;
    this.#end(reason, text);
    if (this.#tls !== null || reason !== 'not_tls') {
      this.#tls?.destroy();
      this.#socket.destroy();
      return;
    }
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), REFUSED_MS).unref();
  }

  /** The server ends: nobody is told. */
  abandon(): void {
    if (!this.#isOver) this.#leave();
    this.#tls?.destroy();
    this.#socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#first.push(bytes);
    const all = this.#first.length === 1 ? bytes : Buffer.concat(this.#first);
    this.#first = [all];
    const look: Look = lookAtHello(all);
    if (look === 'more') return;
    this.#socket.removeListener('data', this.#onData);
    this.#first = [];
    if (look !== 'whole') {
      this.refuse('not_tls', REFUSED.notTls(look.wrong, look.detail));
      return;
    }
    // TLS reads from here on, beginning with what was looked at.
    this.#socket.pause();
    this.#socket.unshift(all);
    this.#events.ready();
  };

  /** Before its handshake; whoever says nothing at all looks whether the port is open. */
  readonly #onLost = (): void => {
    if (this.#tls === null) {
      this.#end('handshake_failed', REFUSED.left);
      this.#socket.destroy();
    }
  };

  #end(reason: Refusal, text: string): void {
    if (this.#isOver) return;
    this.#leave();
    this.#events.refused(reason, text);
  }

  #leave(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#first = [];
    this.#socket.removeListener('data', this.#onData);
  }
}

/** OpenSSL's reason without its file and line: `error:0A00010B:SSL routines::wrong version number` ... */
function reasonOf(error: Error): string {
  const { reason, code } = error as Error & { reason?: string; code?: string };
  return reason ?? code ?? error.message;
}

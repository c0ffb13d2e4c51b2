/**
 * One peer on a TLS port, from its first byte until its handshake is complete or it is refused: its bytes are kept
 * until its ClientHello is complete, then it waits for its turn, then the handshake runs. Rule: it ends by exactly one
 * of `known` and `refused`.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { FirstMessagePeer } from '../../native/contract.ts';
import { type Look, lookAtHello, wordsOf } from './client-hello.ts';

/** How long bytes are read and dropped after a refusal, so that the peer sees an end and not a reset. */
const REFUSED_MS = 1_000;

/** Why a peer is refused; each reason is counted. */
export type Refusal =
  | 'not_tls'
  | 'handshake_failed'
  | 'handshake_timeout'
  | 'handshake_limit'
  | 'client_certificate'
  | 'descriptors';

/** Texts for refusals before the handshake. */
export const REFUSED = {
  left: 'the peer left before its TLS handshake',
  leftWithin: 'the peer left in its TLS handshake, as those do who do not trust the certificate',
  notTls: (wrong: number, detail: number) => `${wordsOf(wrong, detail)} on a TLS port`,
  late: (timeoutMs: number) => `no TLS handshake within ${timeoutMs / 1000} s`,
  pushedOut: (limit: number) => `${limit} TLS handshakes are open, the limit`,
  noDescriptor: (code: string) => `no descriptor is left for it: ${code}`,
} as const;

export interface TlsHandshakeEvents {
  /** The ClientHello is complete: call `start` when it is its turn. */
  ready(): void;
  /** `stream` carries the peer's decrypted bytes, from the first one on. */
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

  /** Runs the handshake: the expensive step. No effect when the peer has left meanwhile. */
  start(context: SecureContext, asksForCertificate: boolean): void {
    if (this.#isOver) return;
    const socket = this.#socket;
    socket.removeListener('end', this.#onLost);
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: asksForCertificate,
      // Untrusted clients are refused by us, with a line in the log.
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
    // A half-closing peer has left: no client completes a handshake after that. An alert before it gives the reason.
    tls.once('end', () => this.refuse('handshake_failed', failure || REFUSED.leftWithin));
    tls.once('close', () => this.#end('handshake_failed', failure || REFUSED.leftWithin));
    tls.once('secure', () => {
      if (this.#isOver) return;
      this.#leave();
      this.#events.known(tls);
    });
  }

  /** Ends the connection for the reason in `text`. */
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

  /** The server ends: drops the peer without a report. */
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
    // TLS reads from here on, beginning with the bytes that were checked.
    this.#socket.pause();
    this.#socket.unshift(all);
    this.#events.ready();
  };

  /**
   * The peer left before its handshake began. A peer that sent no bytes may only have tested whether the port is open.
   */
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

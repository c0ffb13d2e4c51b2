/**
 * The TLS ports of one thread: peers wait here until their handshake is complete; then their decrypted streams become
 * connections.
 * Rules: one pass of the event loop begins handshakes for at most a millisecond, so that no peer waits for more than
 * that and one handshake. The number of open handshakes is limited, and beyond that the oldest is closed, so that
 * silent peers do not block others. A pass takes fewer peers than may be open, so that each has been read at least once
 * before it is closed.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FirstMessagePeer } from '../../native/contract.ts';
import { contextOf, type TlsMaterial } from './material.ts';
import { REFUSED, type Refusal, TlsHandshake } from './tls-handshake.ts';

/** How long one pass of the event loop begins handshakes. */
const PASS_MS = 1;
/** Peers taken in one pass; also at most a quarter of those that may be open. */
const TAKEN_MAX = 64;

export interface TlsAcceptorOptions {
  readonly handshakeTimeoutMs: number;
  /** Limit of the peers of this thread whose handshake is not complete. */
  readonly handshakesMax: number;
}

export interface TlsAcceptorEvents {
  /**
   * The handshake is complete. `commonName` is that of the certificate that the peer has proved to own; null without
   * one.
   */
  known(stream: TLSSocket, peer: FirstMessagePeer, commonName: string | null): void;
  refused(reason: Refusal, peer: FirstMessagePeer, text: string): void;
}

export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #events: TlsAcceptorEvents;
  readonly #takenMax: number;
  #material: TlsMaterial;
  #context: ReturnType<typeof contextOf>;
  /** Accepted and not read yet. */
  #waiting: { open(): Socket; readonly peer: FirstMessagePeer }[] = [];
  #taking: NodeJS.Immediate | null = null;
  readonly #handshakes = new Set<TlsHandshake>();
  /** Peers whose ClientHello is incomplete. */
  readonly #silent = new Set<TlsHandshake>();
  #ready: TlsHandshake[] = [];
  #isStarting = false;
  #immediate: NodeJS.Immediate | null = null;

  constructor(material: TlsMaterial, options: TlsAcceptorOptions, events: TlsAcceptorEvents) {
    this.#material = material;
    this.#context = contextOf(material);
    this.#options = options;
    this.#takenMax = Math.min(TAKEN_MAX, Math.ceil(options.handshakesMax / 4));
    this.#events = events;
  }

  /** Number of peers whose handshake is not complete. */
  get count(): number {
    return this.#handshakes.size;
  }

  /** Takes an accepted peer; `open` is called once and returns its socket, made with `allowHalfOpen`. */
  take(peer: FirstMessagePeer, open: () => Socket): void {
    this.#waiting.push({ open, peer });
    this.#taking ??= setImmediate(() => this.#takeSome());
  }

  #takeSome(): void {
    this.#taking = null;
    for (const { open, peer } of this.#waiting.splice(0, this.#takenMax))
      this.#welcome(open(), peer);
    if (this.#waiting.length > 0) this.#taking = setImmediate(() => this.#takeSome());
  }

  #welcome(socket: Socket, peer: FirstMessagePeer): void {
    const { handshakeTimeoutMs, handshakesMax } = this.#options;
    const handshake: TlsHandshake = new TlsHandshake(socket, peer, handshakeTimeoutMs, {
      ready: () => this.#queue(handshake),
      known: (stream) => this.#known(handshake, stream),
      refused: (reason, text) => {
        this.#forget(handshake);
        this.#events.refused(reason, peer, text);
      },
    });
    this.#handshakes.add(handshake);
    this.#silent.add(handshake);
    if (this.#handshakes.size <= handshakesMax) return;
    // A peer that has sent bytes is known soon; the newest of the silent ones have not been read yet.
    const [oldest] = this.#silent.size > this.#takenMax ? this.#silent : this.#handshakes;
    oldest?.refuse('handshake_limit', REFUSED.pushedOut(handshakesMax));
  }

  /** Changes the certificates for later handshakes; connections and sessions stay. */
  renew(material: TlsMaterial): void {
    this.#context = contextOf(material);
    this.#material = material;
  }

  /** Drops all peers whose handshake is not complete. */
  close(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#taking !== null) clearImmediate(this.#taking);
    for (const { open } of this.#waiting) open().destroy();
    this.#waiting = [];
    this.#ready = [];
    for (const handshake of this.#handshakes) handshake.abandon();
    this.#handshakes.clear();
    this.#silent.clear();
  }

  #forget(handshake: TlsHandshake): void {
    this.#handshakes.delete(handshake);
    this.#silent.delete(handshake);
  }

  #queue(handshake: TlsHandshake): void {
    this.#silent.delete(handshake);
    this.#ready.push(handshake);
    if (this.#isStarting) return;
    this.#isStarting = true;
    this.#startSoon();
  }

  #startSoon(): void {
    this.#immediate = setImmediate(() => this.#startNext(performance.now()));
  }

  #startNext(begunAtMs: number): void {
    this.#ready.shift()?.start(this.#context, this.#material.clientCa !== null);
    if (this.#ready.length === 0) {
      this.#isStarting = false;
      return;
    }
    // A stream begins to read in the next tick: its cost is over when this callback runs.
    process.nextTick(() => {
      if (performance.now() - begunAtMs < PASS_MS) this.#startNext(begunAtMs);
      else this.#startSoon();
    });
  }

  #known(handshake: TlsHandshake, stream: TLSSocket): void {
    this.#forget(handshake);
    const { peer } = handshake;
    const { clientCa, isClientCertRequired } = this.#material;
    const certificate = clientCa === null ? undefined : stream.getPeerX509Certificate();
    if (clientCa !== null && (certificate !== undefined || isClientCertRequired)) {
      const wrong = certificate === undefined ? 'it has none' : verifyErrorOf(stream);
      if (wrong !== null) {
        this.#events.refused('client_certificate', peer, `certificate of the client: ${wrong}`);
        stream.on('error', () => {});
        stream.destroy();
        return;
      }
    }
    const commonName = certificate === undefined ? null : commonNameOf(stream);
    this.#events.known(stream, peer, commonName);
  }
}

/** The problem with the peer's certificate, or null. */
function verifyErrorOf(stream: TLSSocket): string | null {
  const handle = stream as unknown as { _handle?: { verifyError(): Error | null } };
  const error = handle._handle?.verifyError();
  if (error == null) return null;
  return (error as Error & { code?: string }).code ?? error.message;
}

function commonNameOf(stream: TLSSocket): string | null {
  const name = stream.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? name : null;
}

/**
 * Makes peers of a TLS port connections of this thread by attaching their decrypted streams. Rule: after that, they are
 * handled like plain connections, except that a TLS peer has the rights of its certificate.
 */
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FirstMessagePeer } from '../native/contract.ts';
import { shortageOf } from '../native/shortage.ts';
import { left } from '../session/connection-limits.ts';
import { Incident } from '../session/incidents.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import { TlsAcceptor, type TlsAcceptorOptions } from '../transport/tls/tls-acceptor.ts';
import { REFUSED, type Refusal } from '../transport/tls/tls-handshake.ts';
import { attach, type StreamHost } from './attach.ts';

const INCIDENTS: Readonly<Record<Refusal, Incident>> = {
  not_tls: Incident.notTls,
  handshake_failed: Incident.handshakeFailed,
  handshake_timeout: Incident.handshakeTimeout,
  handshake_limit: Incident.handshakeLimit,
  client_certificate: Incident.clientCertificate,
  descriptors: Incident.descriptors,
};

export class TlsConnections {
  readonly #host: StreamHost;
  readonly #acceptor: TlsAcceptor;
  readonly #streams = new Set<TLSSocket>();

  constructor(host: StreamHost, material: TlsMaterial, options: TlsAcceptorOptions) {
    this.#host = host;
    this.#acceptor = new TlsAcceptor(material, options, {
      known: (stream, peer, commonName) => this.#known(stream, peer, commonName),
      refused: (reason, peer, text) => reportRefusal(host.table, reason, peer, text),
    });
  }

  /** Takes an accepted descriptor. */
  takeDescriptor(fd: number, address: string, port: number): void {
    this.#acceptor.take(
      { address, port },
      () => new Socket({ fd, allowHalfOpen: true, readable: true, writable: true }),
    );
  }

  /** Takes an accepted socket, made with `allowHalfOpen`. */
  takeSocket(socket: Socket, address: string, port: number): void {
    // Until the acceptor listens for errors.
    socket.on('error', () => {});
    this.#acceptor.take({ address, port }, () => socket);
  }

  renew(material: TlsMaterial): void {
    this.#acceptor.renew(material);
  }

  /**
   * Drops peers whose handshake is not complete. Connections that the reactor has closed may send and receive TLS's
   * close messages for `lingerMs`.
   */
  async close(lingerMs: number): Promise<void> {
    this.#acceptor.close();
    const ending = [...this.#streams].filter(({ writableEnded }) => writableEnded);
    await Promise.all(ending.map((stream) => finished(stream, lingerMs)));
  }

  #known(stream: TLSSocket, { address, port }: FirstMessagePeer, commonName: string | null): void {
    const { table } = this.#host;
    const peer = { address, port, commonName, isTrusted: false, isAdmitted: true };
    stream.setNoDelay(true);
    let isServed = false;
    try {
      isServed = attach(this.#host, stream, peer);
      if (!isServed) left(table, address);
    } catch (error) {
      const code = shortageOf(error);
      if (code === null) throw error;
      reportRefusal(table, 'descriptors', peer, REFUSED.noDescriptor(code));
    }
    if (isServed) {
      this.#streams.add(stream);
      stream.once('close', () => this.#streams.delete(stream));
      return;
    }
    stream.on('error', () => {});
    stream.destroy();
  }
}

/** Resolves when the end of `stream` has been sent, or after `lingerMs`. */
async function finished(stream: TLSSocket, lingerMs: number): Promise<void> {
  if (stream.writableFinished || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    stream.once('finish', resolve);
    stream.once('close', resolve);
    setTimeout(resolve, lingerMs).unref();
  });
}

/** Counts and logs a peer that was accepted and is refused before its session. Call outside of a turn. */
export function reportRefusal(
  table: SessionTable,
  reason: Refusal,
  { address, port }: FirstMessagePeer,
  text: string,
): void {
  table.incidents.nowMs = performance.now();
  left(table, address);
  table.incidents.report(INCIDENTS[reason], `refuse ${address}:${port}: ${text}`, {
    address,
    port,
  });
  // A turn logs reports that were not logged at once.
  table.reactor.requestTurn();
}

/**
 * Where peers of a TLS port become connections of this thread. With the addon the decrypted bytes go through a
 * connected pair of descriptors of which the reactor owns one, as those of peers inside the process do; with the TypeScript core
 * the decrypted stream itself is the connection. Rule: from the session on nothing differs from a plain connection.
 */
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FirstMessagePeer, NativeFunctions } from '../native/contract.ts';
import { shortageOf } from '../native/shortage.ts';
import { hasRoom, left } from '../session/connection-limits.ts';
import { Incident } from '../session/incidents.ts';
import type { SessionTable } from '../session/session-table.ts';
import { NodeReactor } from '../transport/node-reactor.ts';
import { Bridge } from '../transport/tls/bridge.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import { TlsAcceptor, type TlsAcceptorOptions } from '../transport/tls/tls-acceptor.ts';
import { REFUSED, type Refusal } from '../transport/tls/tls-handshake.ts';

const NOTHING = new Uint8Array(0);

const INCIDENTS: Readonly<Record<Refusal, Incident>> = {
  not_tls: Incident.notTls,
  handshake_failed: Incident.handshakeFailed,
  handshake_timeout: Incident.handshakeTimeout,
  handshake_limit: Incident.handshakeLimit,
  client_certificate: Incident.clientCertificate,
  descriptors: Incident.descriptors,
};

export class TlsConnections {
  readonly #table: SessionTable;
  readonly #functions: NativeFunctions;
  readonly #acceptor: TlsAcceptor;
  readonly #bridges = new Set<Bridge>();

  constructor(
    table: SessionTable,
    functions: NativeFunctions,
    material: TlsMaterial,
    options: TlsAcceptorOptions,
  ) {
    this.#table = table;
    this.#functions = functions;
    this.#acceptor = new TlsAcceptor(material, options, {
      known: (stream, peer, commonName) => this.#known(stream, peer, commonName),
      refused: (reason, peer, text) => reportRefusal(table, reason, peer, text),
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
    // Until the door listens for it.
    socket.on('error', () => {});
    this.#acceptor.take({ address, port }, () => socket);
  }

  renew(material: TlsMaterial): void {
    this.#acceptor.renew(material);
  }

  /** Drops who is not known yet. Behind the end of the reactor: what it has sent may leave for `lingerMs`. */
  async close(lingerMs: number): Promise<void> {
    this.#acceptor.close();
    await Promise.all([...this.#bridges].map((bridge) => bridge.finish(lingerMs)));
  }

  #known(stream: TLSSocket, { address, port }: FirstMessagePeer, commonName: string | null): void {
    const table = this.#table;
    const { reactor } = table;
    stream.setNoDelay(true);
    table.incidents.nowMs = performance.now();
    if (!hasRoom(table, address, port)) {
      left(table, address);
      stream.on('error', () => {});
      stream.destroy();
      return;
    }
    try {
      const conn =
        reactor instanceof NodeReactor ? reactor.adoptStream(stream) : this.#join(stream);
      table.open(conn, address, port).commonName = commonName;
    } catch (error) {
      const code = shortageOf(error);
      if (code === null) throw error;
      reportRefusal(table, 'descriptors', { address, port }, REFUSED.noDescriptor(code));
      stream.on('error', () => {});
      stream.destroy();
    }
  }

  /** Returns the conn of the reactor's end. Throws SystemError without keeping a descriptor when there are none left. */
  #join(stream: TLSSocket): number {
    const { reactor } = this.#table;
    const [ours, theirs] = this.#functions.socketPair();
    let plain: Socket;
    try {
      plain = new Socket({ fd: theirs, allowHalfOpen: true, readable: true, writable: true });
    } catch (error) {
      for (const fd of [ours, theirs]) this.#functions.closeDescriptor(fd);
      throw error;
    }
    let conn: number;
    try {
      conn = reactor.adopt(ours, NOTHING, NOTHING);
    } catch (error) {
      this.#functions.closeDescriptor(ours);
      plain.destroy();
      throw error;
    }
    const bridge: Bridge = new Bridge(stream, plain, () => this.#bridges.delete(bridge));
    this.#bridges.add(bridge);
    return conn;
  }
}

/** Counts and logs a peer that had been let in and is refused before its session. Outside of a turn. */
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
  // What is not said at once is said by a turn.
  table.reactor.requestTurn();
}

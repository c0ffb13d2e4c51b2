/**
 * Makes streams connections of this thread: peers inside the process, and decrypted TLS peers. They have no descriptor
 * in the reactor and stay in the thread. Rule: the caller says whether the peer is trusted, because only the caller
 * knows where it comes from. Call outside of a turn.
 */
import type { Duplex } from 'node:stream';
import { shortageOf } from '../native/shortage.ts';
import { admit, hasRoom } from '../session/connection-limits.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { InProcessStream } from '../transport/in-process/stream.ts';
import type { StreamReactor } from '../transport/stream-connection.ts';

/** The thread to which streams are attached. */
export interface StreamHost {
  readonly table: SessionTable;
  readonly reactor: StreamReactor;
}

export interface StreamPeer {
  readonly address: string;
  readonly port: number;
  /** Common name of the certificate that the peer has proved to own; null without one. */
  readonly commonName: string | null;
  /** The peer need not authenticate: it has all rights. */
  readonly isTrusted: boolean;
  /** The peer was accepted, and counted for its address, before. */
  readonly isAdmitted: boolean;
}

/** Address of peers inside the process: listings and `--admin-from` treat them like peers of a Unix socket. */
const INSIDE = { address: 'localhost', port: 0, commonName: null, isAdmitted: false } as const;

/**
 * Makes `stream` a session. False: there is no room, which is reported; the caller keeps the stream. Throws the
 * system's error when no connection is free; the peer of an admitted stream is still counted then.
 */
export function attach({ table, reactor }: StreamHost, stream: Duplex, peer: StreamPeer): boolean {
  const { address, port } = peer;
  table.incidents.nowMs = performance.now();
  // A turn publishes counts, and logs reports that were not logged at once.
  reactor.requestTurn();
  const hasEntered = peer.isAdmitted ? hasRoom : admit;
  if (!hasEntered(table, address, port)) return false;
  const session = table.open(reactor.attach(stream, null), address, port);
  session.commonName = peer.commonName;
  session.isTrusted = peer.isTrusted;
  session.stays = true;
  return true;
}

/**
 * Connects a stream of this process; if there is no room, its peer sees the end of the connection. `isTrusted`: true
 * for the program that embeds the server, false for a stream that carries requests of other peers.
 */
export function attachInProcess(
  host: StreamHost,
  stream: InProcessStream,
  isTrusted: boolean,
): void {
  if (stream.destroyed) return;
  try {
    if (!attach(host, stream, { ...INSIDE, isTrusted })) stream.refuse();
  } catch (error) {
    if (shortageOf(error) === null) throw error;
    stream.refuse();
  }
}

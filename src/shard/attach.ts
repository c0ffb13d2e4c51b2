/**
 * Streams become connections of this thread: peers inside the process, and those whose bytes TLS protects. They have no
 * descriptor of the reactor and stay in the thread. Rule: whether a peer is trusted is said by the caller that knows where
 * it comes from; nothing about the stream says it. Outside of a turn.
 */
import type { Duplex } from 'node:stream';
import { shortageOf } from '../native/shortage.ts';
import { admit, hasRoom } from '../session/connection-limits.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { InProcessStream } from '../transport/in-process/stream.ts';
import type { StreamReactor } from '../transport/stream-connection.ts';

/** Where streams are attached. */
export interface StreamHost {
  readonly table: SessionTable;
  readonly reactor: StreamReactor;
}

export interface StreamPeer {
  readonly address: string;
  readonly port: number;
  /** Of the certificate that the peer has proved; null without one. */
  readonly commonName: string | null;
  /** It need not show who it is: it has all rights. */
  readonly isTrusted: boolean;
  /** It was let in, and counted for its address, when it was accepted. */
  readonly isAdmitted: boolean;
}

/** How peers inside the process are listed, and seen by `--admin-from`: as those of a Unix socket. */
const INSIDE = { address: 'localhost', port: 0, commonName: null, isAdmitted: false } as const;

/**
 * Makes the other end of `stream` a session. False: there is no room for it, which is reported; the stream is the
 * caller's. Throws the system's error when no connection is free; the peer of an admitted stream still counts then.
 */
export function attach({ table, reactor }: StreamHost, stream: Duplex, peer: StreamPeer): boolean {
  const { address, port } = peer;
  table.incidents.nowMs = performance.now();
  // Counts, and what is not reported at once, are published by a turn.
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
 * Gives a stream of this process its other end; its peer sees an end where there is no room for it. `isTrusted`: the
 * program that embeds the server; not so when it carries requests of strangers.
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

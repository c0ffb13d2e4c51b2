/** Counts the memory that a thread holds for its peers from all of its state: the account must have the same value. */
import { Kept, nameCost } from '../../src/broker/kept.ts';
import type { Peer } from '../../src/broker/peer.ts';
import { SESSION_BYTES, type Session } from '../../src/session/session.ts';
import type { SessionTable } from '../../src/session/session-table.ts';
import { reactorBytes } from '../../src/shard/thread-core.ts';

/** In bytes; the account has `home.account.held` after its `refresh()`. */
export function keptBytes(table: SessionTable): number {
  const { broker } = table;
  let bytes = reactorBytes(table.reactor.control);
  for (let slot = 0; slot < table.slotEnd; slot++) {
    const session = table.atSlot(slot);
    if (session === null) continue;
    bytes += bytesOfSession(session);
    if (session.peer !== null) bytes += bytesOfPeer(session.peer);
  }
  for (const peer of table.crossThreadPeers.values()) bytes += bytesOfPeer(peer);
  if (broker === null) return bytes;
  for (let index = 1; index < broker.functions.indexEnd; index++) {
    const fn = broker.functions.at(index);
    if (fn !== null) bytes += Kept.FUNCTION + nameCost(fn.name.length);
  }
  return bytes + broker.jobs.keptBytes + broker.uniques.bytes;
}

function bytesOfSession(session: Session): number {
  const idBytes = session.clientId?.length ?? 0;
  const bytes =
    SESSION_BYTES + idBytes + (session.abilities?.bytes ?? 0) + (session.replies?.keptBytes ?? 0);
  if (session.held !== bytes)
    throw new Error(`a session holds ${bytes} bytes, counted ${session.held}`);
  return bytes;
}

function bytesOfPeer(peer: Peer): number {
  const bytes =
    Kept.PEER +
    peer.name.length +
    (peer.abilities?.size ?? 0) * Kept.ABILITY +
    (peer.extraWatches?.size ?? 0) * Kept.WATCH;
  if (peer.held !== bytes) throw new Error(`a peer holds ${bytes} bytes, counted ${peer.held}`);
  return bytes;
}

/**
 * Which connections are let in: at most so many in all, and so many of one address. Rule: the acceptor alone counts
 * addresses; whoever ends a connection that it let in says so there. Peers of this machine's own sockets have none.
 */
import { bytesOf } from '../base/bytes.ts';
import { RecordKind } from './cross-thread/records.ts';
import { Incident } from './incidents.ts';
import type { Home } from './session-table.ts';

/** How peers without an address are listed. */
const LOCAL = 'localhost';

/** Lets a peer in that the acceptor has accepted, and counts it. If not, that is reported. */
export function admit(home: Home, address: string, port: number): boolean {
  if (!hasRoom(home, address, port)) return false;
  const { addressCounts: counts } = home;
  if (counts === null || address === LOCAL) return true;
  const limit = home.options.addressConnectionsMax ?? 0;
  if (counts.of(address) >= limit) {
    const text = `refuse ${address}: it has ${limit} connections, the limit of one address`;
    home.incidents.report(Incident.addressLimit, text, { address, port });
    return false;
  }
  counts.add(address, home.options.thread);
  return true;
}

/** Whether there may be one more connection; if not, that is reported. */
export function hasRoom(home: Home, address: string, port: number): boolean {
  const { connectionsMax } = home.options;
  if (connectionsMax === 0) return true;
  const count = Math.max(home.connectionCount, home.hooks.connectionTotal());
  if (count < connectionsMax) return true;
  const text = `refuse ${address}: ${connectionsMax} connections, the limit`;
  home.incidents.report(Incident.connectionLimit, text, { address, port });
  return false;
}

/** A connection goes on in another thread. */
export function moved(home: Home, address: string, thread: number): void {
  const { addressCounts: counts } = home;
  if (counts === null || address === LOCAL) return;
  counts.remove(address, home.options.thread);
  counts.add(address, thread);
}

/** A peer that was let in has gone, or is refused after all. */
export function left(home: Home, address: string): void {
  if ((home.options.addressConnectionsMax ?? 0) === 0 || address === LOCAL) return;
  const { addressCounts: counts } = home;
  if (counts !== null) counts.remove(address, home.options.thread);
  else home.links[0]?.send(RecordKind.LEFT, 0, 0, 0, 0, bytesOf(address));
}

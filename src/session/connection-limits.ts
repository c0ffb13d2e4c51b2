/**
 * Which connections are let in: at most so many in all, and so many of one address. Rule: the acceptor alone counts
 * addresses; whoever ends a connection that it let in says so there. Peers of this machine's own sockets have none.
 */
import type { RingWriter } from '../ring/writer.ts';
import type { AddressCounts } from './address-counts.ts';
import { writeLeft } from './cross-thread/records.ts';
import { Incident, type Incidents } from './incidents.ts';

/** What the limits need of the session table. */
interface LimitHost {
  readonly options: {
    readonly thread: number;
    readonly connectionsMax: number;
    readonly addressConnectionsMax?: number;
  };
  readonly hooks: { connectionTotal(): number };
  readonly addressCounts: AddressCounts | null;
  readonly connectionCount: number;
  readonly incidents: Incidents;
  readonly writers: readonly (RingWriter | null)[];
}

/** How peers without an address are listed. */
const LOCAL = 'localhost';

/** Lets a peer in that the acceptor has accepted, and counts it. If not, that is reported. */
export function admit(table: LimitHost, address: string, port: number): boolean {
  if (!hasRoom(table, address, port)) return false;
  const { addressCounts: counts } = table;
  if (counts === null || address === LOCAL) return true;
  const limit = table.options.addressConnectionsMax ?? 0;
  if (counts.of(address) >= limit) {
    const text = `refuse ${address}: it has ${limit} connections, the limit of one address`;
    table.incidents.report(Incident.addressLimit, text, { address, port });
    return false;
  }
  counts.add(address, table.options.thread);
  return true;
}

/** Whether there may be one more connection; if not, that is reported. */
export function hasRoom(table: LimitHost, address: string, port: number): boolean {
  const { connectionsMax } = table.options;
  if (connectionsMax === 0) return true;
  const count = Math.max(table.connectionCount, table.hooks.connectionTotal());
  if (count < connectionsMax) return true;
  const text = `refuse ${address}: ${connectionsMax} connections, the limit`;
  table.incidents.report(Incident.connectionLimit, text, { address, port });
  return false;
}

/** A connection goes on in another thread. */
export function moved(table: LimitHost, address: string, thread: number): void {
  const { addressCounts: counts } = table;
  if (counts === null || address === LOCAL) return;
  counts.remove(address, table.options.thread);
  counts.add(address, thread);
}

/** A peer that was let in has gone, or is refused after all. */
export function left(table: LimitHost, address: string): void {
  if ((table.options.addressConnectionsMax ?? 0) === 0 || address === LOCAL) return;
  const { addressCounts: counts } = table;
  if (counts !== null) counts.remove(address, table.options.thread);
  else writeLeft(table.writers[0], address);
}

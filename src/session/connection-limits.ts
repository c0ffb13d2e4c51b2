/**
 * Which connections are accepted: a limit for all, and one for each address. Rule: only the acceptor counts addresses;
 * a thread that ends a connection reports it to the acceptor. Peers of Unix sockets have no address.
 */
import type { RingWriter } from '../ring/writer.ts';
import type { AddressCounts } from './address-counts.ts';
import { writeLeft } from './cross-thread/records.ts';
import { Incident, type Incidents } from './incidents.ts';

/** The parts of the session table that the limits need. */
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

/** The address under which peers without an address are listed. */
const LOCAL = 'localhost';

/** Accepts and counts a peer; if not, reports the refusal. */
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

/** Whether there is room for one more connection; if not, reports the refusal. */
export function hasRoom(table: LimitHost, address: string, port: number): boolean {
  const { connectionsMax } = table.options;
  if (connectionsMax === 0) return true;
  const count = Math.max(table.connectionCount, table.hooks.connectionTotal());
  if (count < connectionsMax) return true;
  const text = `refuse ${address}: ${connectionsMax} connections, the limit`;
  table.incidents.report(Incident.connectionLimit, text, { address, port });
  return false;
}

/** Counts a connection for the thread to which it moves. */
export function moved(table: LimitHost, address: string, thread: number): void {
  const { addressCounts: counts } = table;
  if (counts === null || address === LOCAL) return;
  counts.remove(address, table.options.thread);
  counts.add(address, thread);
}

/** An accepted peer has gone, or is refused later. */
export function left(table: LimitHost, address: string): void {
  if ((table.options.addressConnectionsMax ?? 0) === 0 || address === LOCAL) return;
  const { addressCounts: counts } = table;
  if (counts !== null) counts.remove(address, table.options.thread);
  else writeLeft(table.writers[0], address);
}

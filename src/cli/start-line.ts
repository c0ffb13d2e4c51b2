/** Sentences about a server that has started. */
import { showAddress } from '../server/options.ts';
import type { Server, ServerAddress } from '../server/types.ts';
import { isLoopback } from '../shard/admin-from.ts';

/** `geartrain X.Y.Z (native|twin: reason), N threads, listening on HOST:PORT[, http on ...][, control on ...], pid PID` */
export function startLine(
  server: Pick<
    Server,
    'kind' | 'kindReason' | 'threads' | 'addresses' | 'httpAddresses' | 'controlAddress'
  >,
  version: string,
  pid: number,
): string {
  const kind = server.kind === 'addon' ? 'native' : `twin: ${server.kindReason}`;
  const threads = server.threads === 1 ? '1 thread' : `${server.threads} threads`;
  const places = server.addresses.map(showAddress).join(', ');
  const web = server.httpAddresses.map(showAddress).join(', ');
  const served = web === '' ? '' : `, http on ${web}`;
  const control = server.controlAddress;
  const controlled = control === null ? '' : `, control on ${showAddress(control)}`;
  return `geartrain ${version} (${kind}), ${threads}, listening on ${places}${served}${controlled}, pid ${pid}`;
}

/** The addresses from which strangers can send admin commands. */
export function openAddresses(addresses: readonly ServerAddress[]): string[] {
  return addresses
    .filter((address) => 'host' in address && !isLoopback(address.host))
    .map(showAddress);
}

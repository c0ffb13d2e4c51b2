/** Sentences about a server that has started. */
import { type ResolvedOptions, showAddress } from '../server/options.ts';
import { stateDirOf } from '../server/state-dir.ts';
import type { Server } from '../server/types.ts';

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

/**
 * Lines with facts that the start line does not have: how background jobs are kept, and whether there are access rules.
 */
export function serviceLines(options: ResolvedOptions): string[] {
  const { queueType, allow, durability } = options;
  const kept =
    queueType === 'journal' ? `in the journal in ${stateDirOf(options)}` : `by -q ${queueType}`;
  return [
    queueType === 'builtin'
      ? 'background jobs are kept in memory and end with the server, -q keeps them'
      : `background jobs are kept ${kept}, --durability ${durability}`,
    allow.length === 0
      ? 'access rules are off: every peer may submit jobs and work'
      : `access rules are on: ${allow.join(' ')}`,
  ];
}

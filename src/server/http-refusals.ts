/** Counts and logs refusals at HTTP ports, like those at Gearman ports. */
import type { LogContext } from '../base/logger.ts';
import type { HttpConnectionLimitsOptions, HttpRefusal } from '../http/http-connection-limits.ts';
import { Incident } from '../session/incidents.ts';
import type { ThreadCore } from '../shard/thread-core.ts';

const INCIDENTS: Readonly<Record<HttpRefusal, Incident>> = {
  connections: Incident.connectionLimit,
  peerConnections: Incident.addressLimit,
  unfinished: Incident.requestLimit,
};

/** Reports to the acceptor's incidents. */
export function httpRefusals(core: ThreadCore): HttpConnectionLimitsOptions['refused'] {
  return (reason, address, port, text) =>
    reportNow(core, INCIDENTS[reason], text, { address, port });
}

/** Reports an incident outside of a turn. If its line is not logged at once, a later turn logs it. */
export function reportNow(
  { table, reactor }: Pick<ThreadCore, 'reactor' | 'table'>,
  reason: Incident,
  text: string,
  context: LogContext = {},
): void {
  table.incidents.nowMs = performance.now();
  table.incidents.report(reason, text, context);
  reactor.requestTurn();
}

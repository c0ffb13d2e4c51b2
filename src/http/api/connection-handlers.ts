/** Connections of clients and workers. Their id names one connection for ever: numbers are not used again soon. */
import type { ConnectionFacts, ConnectionPiece } from '../../session/connection-views.ts';
import { askInTime, pageOf } from './asking.ts';
import type { HandlersOf } from './handler.ts';
import { nameFields } from './names.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import type { ConnectionRow } from './schemas.ts';
import type { ApiSource } from './source.ts';

/** `THREAD.NUMBER`. */
export function connectionId(thread: number, conn: number): string {
  return `${thread}.${conn}`;
}

export function connectionHandlers(
  source: ApiSource,
): HandlersOf<'connections' | 'closeConnection'> {
  const threads = Array.from({ length: source.shardCount + 1 }, (_, thread) => thread);
  return {
    connections: async ({ query: { limit, cursor } }) => {
      const { rows, next } = await pageOf<ConnectionPiece & { thread: number }, ConnectionRow>(
        source,
        {
          ...{ kind: 'connections', threads, limit, cursor },
          query: (position, count) => ({
            ...{ kind: 'connectionPage', cursor: position, rows: count },
          }),
          step: ({ connections, cursor: next, thread }) => ({
            ...{ cursor: next, scanned: connections.length },
            rows: connections.map((facts) => ({
              row: connectionRowOf(thread, facts),
              position: facts.slot + 1,
            })),
          }),
          isByStarts: false,
        },
      );
      return { connections: rows, next };
    },
    closeConnection: async ({ name }) => {
      const [, thread, conn] = /^(\d{1,3})\.(\d{1,15})$/.exec(name) ?? [];
      if (thread === undefined || !threads.includes(Number(thread)))
        throw new ApiProblem('connectionUnknown');
      const query = { kind: 'closeConnection', conn: Number(conn) } as const;
      const { result } = await askInTime(source, Number(thread), query);
      if (result === 0) throw new ApiProblem('connectionUnknown');
      return new Reply(null);
    },
  };
}

function connectionRowOf(thread: number, facts: ConnectionFacts): ConnectionRow {
  const { conn, address, port, clientId, certificate, token, functions, functionCount, running } =
    facts;
  return {
    id: connectionId(thread, conn),
    ...{ thread, address, port },
    ...(clientId === null ? { clientId: null } : nameFields('clientId', clientId)),
    ...{ certificate, token, functionCount, running },
    functions: functions.map((name) => nameFields('name', name)),
  };
}

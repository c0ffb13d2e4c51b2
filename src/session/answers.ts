/** Executes the queries (thread-queries.ts) of this thread and of other threads. */
import { bytesOf } from '../base/bytes.ts';
import type { PolicyChange } from '../policy/policy-command.ts';
import { connectionPiece } from './connection-views.ts';
import { listConnections, listStore } from './listing-rows.ts';
import { showMost } from './relief.ts';
import type { SessionTable } from './session-table.ts';
import {
  answerByBroker,
  DONE,
  goesOverRows,
  jsonResult,
  type ThreadQuery,
  type ThreadResult,
} from './thread-queries.ts';
import { threadStats } from './thread-stats.ts';

/** Passes this thread's result of a query to `done`: now, or later when it goes over many rows. */
export function answer(
  table: SessionTable,
  query: ThreadQuery,
  done: (result: ThreadResult) => void,
): void {
  if (query.kind === 'policy')
    table.hooks.runPolicyCommand(query.command, (text, cursor = 0, change?: PolicyChange) =>
      done({ ...DONE, cursor, change: change ?? null, bytes: bytesOf(text) }),
    );
  else if (goesOverRows(query)) table.budget.answer(table, () => done(answerTo(table, query)));
  else done(answerTo(table, query));
}

function answerTo(table: SessionTable, query: ThreadQuery): ThreadResult {
  if (query.kind === 'workers') return listConnections(table, query.cursor, query.part);
  if (query.kind === 'connectionPage')
    return jsonResult(
      { ...connectionPiece(table, query.cursor, query.rows), thread: table.options.thread },
      0,
    );
  if (query.kind === 'store') return listStore(table);
  if (query.kind === 'stats') return { ...DONE, stats: threadStats(table) };
  if (query.kind === 'closeConnection') return closeConnection(table, query.conn);
  if (query.kind === 'audit') {
    table.hooks.audit(query.entry);
    return DONE;
  }
  if (query.kind === 'most') {
    showMost(table);
    return DONE;
  }
  return table.broker === null ? DONE : answerByBroker(table.broker, query);
}

function closeConnection(table: SessionTable, conn: number): ThreadResult {
  const session = table.live(conn);
  if (session === null || session.isEnding) return DONE;
  table.drop(session, 'an operator closes it');
  return { ...DONE, result: 1 };
}

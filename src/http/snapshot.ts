/**
 * The data of a metrics page: figures of every thread and rows of its functions, queried piece by piece. A shard reads
 * a limited number of functions a turn, so that a snapshot delays no jobs; values therefore come from different
 * moments.
 */
import { type FunctionStatsRow, readFunctionStatsPiece } from '../broker/function-stats-rows.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { ThreadStats } from '../session/thread-queries.ts';
import { addRow, type FunctionRows } from './function-rows.ts';

/** Pause between two pieces. Without it, each turn would handle a piece, and a job takes several turns. */
export const PAUSE_MS = 1;

/** Bytes that wait in the ring from one thread to another. */
export interface RingDepth {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export interface Snapshot {
  readonly functions: FunctionRows;
  /** By thread; null for one that is not running. */
  readonly threads: readonly (ThreadStats | null)[];
  readonly rings: readonly RingDepth[];
  /** Refused and dropped connections by reason. */
  readonly incidents: ReadonlyMap<string, number>;
  /** Bytes that peers may make all threads keep (`--max-memory`); 0 = no limit. */
  readonly memoryLimitBytes: number;
}

/** Asks `threads` for the rows of their functions. To be called in the thread of `home`. */
export async function collectRows(
  table: SessionTable,
  threads: readonly number[],
): Promise<FunctionRows> {
  const rows = new Map<string, FunctionStatsRow>();
  await eachRow(table, threads, (row) => addRow(rows, row));
  return rows;
}

/** Calls `take` with each row, as `threads` answer; each thread has one without a name in each piece. */
export function eachRow(
  table: SessionTable,
  threads: readonly number[],
  take: (row: FunctionStatsRow) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let index = 0;
    let cursor = 0;
    const goOn = (): void => {
      const thread = threads[index];
      if (thread === undefined) {
        resolve();
        return;
      }
      table.ask(thread, { kind: 'functionStats', cursor }, (result) => {
        for (const row of readFunctionStatsPiece(result.bytes)) take(row);
        cursor = result.cursor;
        if (cursor === 0) index++;
        setTimeout(() => table.later(goOn), PAUSE_MS);
      });
    };
    table.later(goOn);
  });
}

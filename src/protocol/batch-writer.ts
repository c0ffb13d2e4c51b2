/**
 * Appends rows to the batch of a turn. Rule: every field of a row is written, because rows are reused in every turn.
 */
import { ROW_INTS, Row } from './batch.ts';

/** Rows and arena of one turn. The owner sets both counts to 0 before it fills the batch again. */
export interface FrameBatch {
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  rowCount: number;
  /** Arena bytes in use; the next bytes follow them. */
  arenaBytes: number;
}

/** True when `batch` has no free row. */
export function isFull(batch: FrameBatch): boolean {
  return (batch.rowCount + 1) * ROW_INTS > batch.rows.length;
}

/**
 * Takes the next row and writes all of its fields: a span of the arena without arguments or data. The caller has
 * checked `isFull`. Returns the row's first index in `batch.rows`.
 */
export function appendRow(
  batch: FrameBatch,
  conn: number,
  type: number,
  start: number,
  off: number,
  end: number,
): number {
  const { rows } = batch;
  const row = batch.rowCount * ROW_INTS;
  batch.rowCount++;
  // One store for each field: filling the row first costs more than all of these.
  rows[row + Row.CONN] = conn;
  rows[row + Row.TYPE] = type;
  rows[row + Row.START] = start;
  rows[row + Row.OFF] = off;
  rows[row + Row.A0] = 0;
  rows[row + Row.A1] = 0;
  rows[row + Row.A2] = 0;
  rows[row + Row.A3] = 0;
  rows[row + Row.DATA] = end;
  rows[row + Row.DATA_LEN] = 0;
  rows[row + Row.BLOB] = 0;
  rows[row + Row.HASH0] = 0;
  rows[row + Row.HASH1] = 0;
  rows[row + Row.FLAGS] = 0;
  rows[row + Row.END] = end;
  rows[row + Row.SPARE] = 0;
  return row;
}

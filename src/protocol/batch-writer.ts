/**
 * The batch of one turn while it is being written: the arena's fill mark and the next free row.
 * Rule: every field of a row is written, because rows are used again turn after turn.
 */
import { ROW_INTS, Row } from './batch.ts';

/** Rows and arena of one turn. The owner sets both counts to 0 before it fills the batch again. */
export interface FrameBatch {
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  rowCount: number;
  /** Arena bytes in use; the next bytes are put here. */
  arenaBytes: number;
}

/** No free row is left in `batch`. */
export function isFull(batch: FrameBatch): boolean {
  return (batch.rowCount + 1) * ROW_INTS > batch.rows.length;
}

/**
 * Takes the next row and writes all of its fields: a span of the arena without arguments or data.
 * The caller has looked at `isFull`. Returns the row's first index in `batch.rows`.
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
  rows.fill(0, row, row + ROW_INTS);
  rows[row + Row.CONN] = conn;
  rows[row + Row.TYPE] = type;
  rows[row + Row.START] = start;
  rows[row + Row.OFF] = off;
  rows[row + Row.DATA] = end;
  rows[row + Row.END] = end;
  return row;
}

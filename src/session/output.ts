/**
 * The thread's output of one turn: segments for connections, appended in order. Adjacent segments of one connection
 * become one. Layout: protocol/batch.ts.
 */

import { copyBytes, withView } from '../base/bytes.ts';
import { Control, OUT_INTS, Out, SLOT_MASK } from '../protocol/batch.ts';

/** The parts of a reactor that output needs. */
export interface OutputSink {
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  readonly unsent: Float64Array;
  spill(): void;
}

export class Output {
  readonly bytes: Uint8Array;
  readonly #sink: OutputSink;
  readonly #rows: Int32Array;
  readonly #control: Int32Array;
  readonly #unsent: Float64Array;
  readonly #rowsMax: number;

  constructor(sink: OutputSink) {
    this.#sink = sink;
    this.bytes = withView(sink.out);
    this.#rows = sink.outRows;
    this.#control = sink.control;
    this.#unsent = sink.unsent;
    this.#rowsMax = Math.floor(sink.outRows.length / OUT_INTS);
  }

  /** Reserves `count` bytes, at most `bytes.length`, for `conn` and returns their offset in `bytes`. */
  reserve(conn: number, count: number): number {
    const control = this.#control;
    let at = control[Control.OUT_BYTES] as number;
    let rowCount = control[Control.OUT_ROWS] as number;
    // Leaves a row for a blob, which must not force a flush before the caller has written.
    if (at + count > this.bytes.length || rowCount >= this.#rowsMax - 1) {
      this.#sink.spill();
      at = 0;
      rowCount = 0;
    }
    const rows = this.#rows;
    control[Control.OUT_BYTES] = at + count;
    this.#count(conn, count);
    const last = (rowCount - 1) * OUT_INTS;
    if (rowCount > 0 && rows[last + Out.CONN] === conn && rows[last + Out.BLOB] === 0) {
      rows[last + Out.LEN] = (rows[last + Out.LEN] as number) + count;
      return at;
    }
    this.#row(rowCount, conn, at, count, 0);
    return at;
  }

  /** Appends a copy of `source[start, end)`, of any length. */
  write(conn: number, source: Uint8Array, start = 0, end = source.length): void {
    const step = this.bytes.length;
    for (let from = start; from < end; from += step) {
      const to = Math.min(end, from + step);
      const at = this.reserve(conn, to - from);
      copyBytes(this.bytes, at, source, from, to);
    }
  }

  /** Appends a blob; the reactor takes over its reference. */
  blob(conn: number, id: number, byteCount: number): void {
    if (this.#control[Control.OUT_ROWS] === this.#rowsMax) this.#sink.spill();
    this.#count(conn, byteCount);
    this.#row(this.#control[Control.OUT_ROWS] as number, conn, 0, byteCount, id);
  }

  /** Bytes that wait for `conn`: unsent ones and those written in this turn. */
  waiting(conn: number): number {
    return this.#unsent[conn & SLOT_MASK] as number;
  }

  #count(conn: number, byteCount: number): void {
    const slot = conn & SLOT_MASK;
    this.#unsent[slot] = (this.#unsent[slot] as number) + byteCount;
  }

  #row(row: number, conn: number, offset: number, length: number, blob: number): void {
    const rows = this.#rows;
    const at = row * OUT_INTS;
    rows[at + Out.CONN] = conn;
    rows[at + Out.OFF] = offset;
    rows[at + Out.LEN] = length;
    rows[at + Out.BLOB] = blob;
    this.#control[Control.OUT_ROWS] = row + 1;
  }
}

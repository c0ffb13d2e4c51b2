/**
 * A cursor over one row of a frame batch. Sessions and the broker read packets through it, those of this thread and
 * those from other threads. Rule: everything in it is borrowed and valid until the handler returns. One Frame is reused
 * for all rows.
 */
import { BLOB_DROPPED, ROW_SHIFT, Row, RowFlag } from './batch.ts';
import { hashBytes } from './hash.ts';
import { ARG_COUNT, HAS_DATA, NAMES } from './packet-columns.ts';
import { Names } from './packets.ts';

/** Bits of `flags` below the priority. */
const PRIORITY_SHIFT = 2;

export class Frame {
  bytes: Uint8Array = new Uint8Array(0);
  conn = 0;
  type = 0;
  /**
   * Offsets into `bytes`: first byte of the frame, first argument, data, byte after the frame. After an alias was
   * resolved, `start` and `end` are still offsets into the arena.
   */
  start = 0;
  off = 0;
  data = 0;
  end = 0;
  /** Lengths of the first four arguments and of the data (which may live in `blob`). */
  a0 = 0;
  a1 = 0;
  a2 = 0;
  a3 = 0;
  dataBytes = 0;
  /** The blob that holds the data, or 0; the handler of the frame owns its reference. */
  blob = 0;
  hash0 = 0;
  hash1 = 0;
  /** Bits of `RowFlag`; above them `priority`. */
  flags = 0;

  /** Points the cursor at row `row`, whose offsets are relative to `bytes`. */
  load(rows: Int32Array, bytes: Uint8Array, row: number): void {
    const at = row << ROW_SHIFT;
    this.bytes = bytes;
    this.conn = rows[at + Row.CONN] as number;
    this.type = rows[at + Row.TYPE] as number;
    this.start = rows[at + Row.START] as number;
    this.off = rows[at + Row.OFF] as number;
    this.a0 = rows[at + Row.A0] as number;
    this.a1 = rows[at + Row.A1] as number;
    this.a2 = rows[at + Row.A2] as number;
    this.a3 = rows[at + Row.A3] as number;
    this.data = rows[at + Row.DATA] as number;
    this.dataBytes = rows[at + Row.DATA_LEN] as number;
    this.blob = rows[at + Row.BLOB] as number;
    this.hash0 = rows[at + Row.HASH0] as number;
    this.hash1 = rows[at + Row.HASH1] as number;
    this.flags = rows[at + Row.FLAGS] as number;
    this.end = rows[at + Row.END] as number;
  }

  /**
   * Points the cursor at a payload that a decoder has checked before: a frame from another thread. The data is in
   * `bytes`, whatever its size.
   */
  parse(
    conn: number,
    type: number,
    bytes: Uint8Array,
    off: number,
    end: number,
    seed: number,
  ): void {
    const argCount = ARG_COUNT[type] as number;
    const hasData = HAS_DATA[type] === 1;
    const names = NAMES[type] as number;
    this.bytes = bytes;
    this.conn = conn;
    this.type = type;
    this.start = off;
    this.off = off;
    this.end = end;
    this.blob = 0;
    this.flags = 0;
    this.a0 = 0;
    this.a1 = 0;
    this.a2 = 0;
    this.a3 = 0;
    let at = off;
    for (let i = 0; i < argCount; i++) {
      const isRest = i === argCount - 1 && !hasData;
      let stop = isRest ? end : at;
      while (stop < end && bytes[stop] !== 0) stop++;
      if (stop === end && !isRest) this.flags = RowFlag.SHORT;
      this.#setLength(i, stop - at);
      at = stop === end ? end : stop + 1;
    }
    // Data of a type that has none is ignored.
    this.data = hasData ? at : end;
    this.dataBytes = end - this.data;
    this.hash0 = names >= Names.function ? hashBytes(bytes, off, off + this.a0, seed) : 0;
    const off1 = this.off1;
    this.hash1 =
      names === Names.functionAndUnique ? hashBytes(bytes, off1, off1 + this.a1, seed) : 0;
  }

  /** Argument 0 up to its first NUL, cut to `bytesMax`; a copy. */
  text(bytesMax: number): Uint8Array {
    const argument = this.bytes.slice(this.off, this.off + Math.min(this.a0, bytesMax));
    const nul = argument.indexOf(0);
    return nul < 0 ? argument : argument.subarray(0, nul);
  }

  /** Takes `count` bytes off the end of argument 0: the bytes before them move, so that the payload stays in one piece. */
  cutFirst(count: number): void {
    const { bytes, off } = this;
    this.a0 -= count;
    this.off += count;
    bytes.copyWithin(this.off, off, off + this.a0);
  }

  #setLength(argument: number, length: number): void {
    if (argument === 0) this.a0 = length;
    else if (argument === 1) this.a1 = length;
    else if (argument === 2) this.a2 = length;
    else if (argument === 3) this.a3 = length;
  }

  /** Offset of argument 1 (2, 3): one byte after the NUL that ends the argument before it. */
  get off1(): number {
    return this.off + this.a0 + 1;
  }
  get off2(): number {
    return this.off1 + this.a1 + 1;
  }
  get off3(): number {
    return this.off2 + this.a2 + 1;
  }
  /** Offset after the last byte of the packet in `bytes`: data in a blob is not there. */
  get inlineEnd(): number {
    return this.blob === 0 ? this.data + this.dataBytes : this.data;
  }
  /** Of a submit: 1 + its `Priority`, or 0 for that of its type. */
  get priority(): number {
    return this.flags >>> PRIORITY_SHIFT;
  }
  /** Set it at most once for a frame. */
  set priority(priority: number) {
    this.flags |= priority << PRIORITY_SHIFT;
  }
  /** The payload has fewer NULs than its type needs: argument 0 is the whole payload. */
  get isShort(): boolean {
    return (this.flags & RowFlag.SHORT) !== 0;
  }
  /** The data was read and dropped because memory was short. */
  get isDropped(): boolean {
    return this.blob === BLOB_DROPPED;
  }
}

/** Memory for large workloads outside of the slab, provided by a reactor. Bytes are immutable. */
export interface BlobStore {
  /** Copies `bytes[start, end)` into a new blob with one reference; its id is above 0. */
  blobFrom(bytes: Uint8Array, start: number, end: number): number;
  blobRetain(id: number): void;
  blobRelease(id: number): void;
  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void;
}

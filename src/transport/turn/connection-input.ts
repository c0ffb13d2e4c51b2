/**
 * The input side of one connection: received bytes, an incomplete frame, a blob that fills, un-read frames. Rule: one
 * call of `fillRows` does one step: un-read frames again, or the next bytes of a blob, or one read.
 *
 *   pieces (un-read frames) -> fill (a large frame's data) or carry (an incomplete frame) -> queue (not decoded yet)
 */
import { BLOB_DROPPED, ROW_INTS, Row, RowKind } from '../../protocol/batch.ts';
import { type FrameBatch, isFull } from '../../protocol/batch-writer.ts';
import { type FrameDecoder, Stop } from '../../protocol/decoder.ts';
import { READ_BYTES } from '../../protocol/limits.ts';
import type { Blobs } from './blob-table.ts';
import { ByteQueue, copyOf } from './byte-queue.ts';
import { joined, type LargeFrame, type Piece } from './pieces.ts';

/** The work left after one step. */
export const Step = {
  /** Nothing until more bytes arrive. */
  IDLE: 0,
  /** Another step is due in the next turn. */
  MORE: 1,
  /** The batch is full: the same step is due again, first in the next turn. */
  NO_ROOM: 2,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/**
 * A blob takes at most so many bytes in one step. That may be more than one read, because these bytes are not decoded.
 */
const FILL_BYTES = 1 << 20;
const NOTHING = new Uint8Array(0);

/** Shared by all connections of a thread. */
export interface InputContext {
  readonly batch: FrameBatch;
  readonly decoder: FrameDecoder;
  readonly blobs: Blobs;
}

export class ConnectionInput {
  /** Bytes as received from the socket. */
  readonly queue = new ByteQueue();
  #carry: Uint8Array = NOTHING;
  /**
   * True when the carry has complete frames that did not fit into the batch. Then it is decoded first, without new
   * bytes.
   */
  #isBehind = false;
  #isFaulted = false;
  #fill: LargeFrame | null = null;
  #pieces: Piece[] = [];
  readonly #context: InputContext;

  constructor(context: InputContext) {
    this.#context = context;
  }

  /** Appends the rows of one step to the batch. */
  fillRows(conn: number): Step {
    if (this.#pieces.length > 0) return this.#replay(conn);
    if (this.#isFaulted) return Step.IDLE;
    if (this.#fill !== null) return this.#fillBlob(conn, this.#fill);
    return this.#read(conn);
  }

  /**
   * Un-reads the rows of `conn` from arena offset `start` on, with the references of their blobs. The batch must be
   * the one just filled; `firstRow` is the connection's first row in it.
   */
  unread(conn: number, start: number, firstRow: number): void {
    const { arena, rows, rowCount } = this.#context.batch;
    const taken: Piece[] = [];
    for (let row = firstRow; row < rowCount && rows[row * ROW_INTS + Row.CONN] === conn; row++) {
      const at = row * ROW_INTS;
      const type = rows[at + Row.TYPE]!;
      const from = rows[at + Row.START]!;
      if (from < start) continue;
      if (type === RowKind.FAULT) this.#unfault();
      if (type < 0 && type !== RowKind.LINE) continue;
      const bytes = copyOf(arena, from, rows[at + Row.END]!);
      const blob = rows[at + Row.BLOB]!;
      const dataBytes = rows[at + Row.DATA_LEN]!;
      taken.push(blob === 0 ? bytes : { head: bytes, dataBytes, blob, left: 0 });
    }
    this.#pieces.unshift(...joined(taken));
  }

  /** Bytes of everything that is left, except dropped data. */
  get unreadBytes(): number {
    let bytes = this.#carry.length + this.queue.bytes;
    for (const piece of this.#pieces) bytes += bytesOf(piece);
    return this.#fill === null ? bytes : bytes + bytesOf(this.#fill);
  }

  /** Everything that is left, as it was on the wire. Throws Error when data of a frame was dropped. */
  takeUnread(): Uint8Array {
    const all = new ByteQueue();
    for (const piece of this.#pieces) this.#moveTo(all, piece);
    if (this.#fill !== null) this.#moveTo(all, this.#fill);
    all.push(this.#carry);
    all.push(this.queue.takeAll());
    this.#pieces = [];
    this.#fill = null;
    this.#carry = NOTHING;
    return all.takeAll();
  }

  /** Drops everything and releases blobs; the connection is closed. */
  discard(): void {
    for (const piece of this.#pieces) this.#release(piece);
    if (this.#fill !== null) this.#release(this.#fill);
    this.#pieces = [];
    this.#fill = null;
    this.#carry = NOTHING;
    this.#isBehind = false;
    this.queue.clear();
  }

  /** The peer has ended and all its bytes were decoded: an incomplete frame can never be completed. */
  end(): void {
    if (this.#fill === null) return;
    this.#release(this.#fill);
    this.#fill = null;
  }

  /**
   * Appends the rows of un-read frames again. No new bytes are decoded in this step, so that at most one read is kept.
   */
  #replay(conn: number): Step {
    const { batch, decoder } = this.#context;
    for (;;) {
      const piece = this.#pieces[0];
      if (piece === undefined) return this.#next();
      if (!(piece instanceof Uint8Array)) {
        if (!this.#appendLarge(conn, piece)) return Step.NO_ROOM;
      } else {
        const start = this.#copyIn(piece);
        if (start < 0) return Step.NO_ROOM;
        const stop = decoder.decode(batch, conn, start, start + piece.length);
        batch.arenaBytes = decoder.at;
        if (stop === Stop.ROWS_FULL) {
          this.#pieces[0] = piece.subarray(decoder.at - start);
          return Step.NO_ROOM;
        }
      }
      this.#pieces.shift();
    }
  }

  #fillBlob(conn: number, fill: LargeFrame): Step {
    const { blobs } = this.#context;
    const count = Math.min(fill.left, this.queue.bytes, FILL_BYTES);
    this.queue.drain(count, (chunk, start, end) => {
      fill.blob = blobs.append(fill.blob, chunk, start, end);
    });
    fill.left -= count;
    if (fill.left > 0) return this.#next();
    if (!this.#appendLarge(conn, fill)) return Step.NO_ROOM;
    this.#fill = null;
    return this.#next();
  }

  #read(conn: number): Step {
    const { batch, decoder } = this.#context;
    const count = this.#isBehind ? 0 : Math.min(this.queue.bytes, READ_BYTES);
    if (count === 0 && !this.#isBehind) return Step.IDLE;
    if (isFull(batch) || !this.#hasRoom(this.#carry.length + count)) return Step.NO_ROOM;
    const start = batch.arenaBytes;
    const fresh = start + this.#carry.length;
    batch.arena.set(this.#carry, start);
    this.queue.take(batch.arena, fresh, count);
    const stop = decoder.decode(batch, conn, start, fresh + count);
    batch.arenaBytes = decoder.at;
    this.#isBehind = stop === Stop.ROWS_FULL;
    this.#isFaulted = stop === Stop.FAULT;
    this.#carry = NOTHING;
    if (stop === Stop.LARGE) this.#openFill(fresh + count);
    else if (decoder.at < fresh + count)
      this.#carry = copyOf(batch.arena, decoder.at, fresh + count);
    return stop === Stop.ROWS_FULL ? Step.NO_ROOM : this.#next();
  }

  /**
   * The frame at `decoder.at` is large. From now on its data is collected in a blob, beginning with the bytes that have
   * arrived.
   */
  #openFill(end: number): void {
    const { batch, decoder, blobs } = this.#context;
    const { at, headBytes, dataBytes } = decoder;
    const dataStart = at + headBytes;
    this.#fill = {
      head: copyOf(batch.arena, at, dataStart),
      dataBytes,
      blob: blobs.append(blobs.open(dataBytes), batch.arena, dataStart, end),
      left: dataBytes - (end - dataStart),
    };
  }

  /** Appends the row of a large frame; false when the batch has no room. */
  #appendLarge(conn: number, frame: LargeFrame): boolean {
    const { batch, decoder } = this.#context;
    const start = this.#copyIn(frame.head);
    if (start < 0) return false;
    const end = start + frame.head.length;
    batch.arenaBytes = end;
    decoder.appendLarge(batch, conn, start, end, frame.dataBytes, frame.blob);
    return true;
  }

  /**
   * Copies bytes to the arena, after its fill mark, and leaves the mark unchanged. Returns their offset, or -1 when the
   * batch has no room.
   */
  #copyIn(bytes: Uint8Array): number {
    const { batch } = this.#context;
    if (isFull(batch) || !this.#hasRoom(bytes.length)) return -1;
    batch.arena.set(bytes, batch.arenaBytes);
    return batch.arenaBytes;
  }

  #hasRoom(bytes: number): boolean {
    const { batch } = this.#context;
    return batch.arena.length - batch.arenaBytes >= bytes;
  }

  #next(): Step {
    if (this.#isFaulted) return Step.IDLE;
    return this.#isBehind || this.queue.bytes > 0 ? Step.MORE : Step.IDLE;
  }

  /** Takes back a fault. Its bytes are still kept, and are decoded again after the un-read ones. */
  #unfault(): void {
    this.#isFaulted = false;
    this.#isBehind = true;
  }

  #moveTo(all: ByteQueue, piece: Piece): void {
    if (piece instanceof Uint8Array) {
      all.push(piece);
      return;
    }
    if (piece.blob === BLOB_DROPPED) throw new Error('detach: data of a held frame was dropped');
    all.push(piece.head);
    const count = piece.dataBytes - piece.left;
    all.push(copyOf(this.#context.blobs.view(piece.blob, 0, count), 0, count));
    this.#release(piece);
  }

  #release(piece: Piece): void {
    if (piece instanceof Uint8Array || piece.blob === BLOB_DROPPED) return;
    this.#context.blobs.release(piece.blob);
  }
}

function bytesOf(piece: Piece): number {
  if (piece instanceof Uint8Array) return piece.length;
  const { head, dataBytes, left, blob } = piece;
  return head.length + (blob === BLOB_DROPPED ? 0 : dataBytes - left);
}

/**
 * Cuts the bytes in a batch's arena into rows. It is the TypeScript counterpart of the addon's decoder and gives the
 * same rows. Rule: it does not know connections or blobs; the caller keeps bytes that are left and gathers large
 * frames.
 * Source: Gearman PROTOCOL; limits and faults as in protocol/limits.ts and protocol/batch.ts.
 */
import { FaultReason, Row, RowFlag, RowKind } from './batch.ts';
import { appendRow, type FrameBatch, isFull } from './batch-writer.ts';
import { hashBytes } from './hash.ts';
import { CARRY_BYTES_MAX, HEAD_BYTES_MAX, HEADER_BYTES, LINE_BYTES_MAX } from './limits.ts';
import { ARG_COUNT, HAS_DATA, MAY_BE_SHORT, NAMES } from './packet-columns.ts';
import { PACKET_TYPE_MAX } from './packets.ts';

/** Why `decode` returned. `FrameDecoder.at` is the first byte that it did not consume. */
export const Stop = {
  /** The rest (possibly empty) is an incomplete frame. */
  INCOMPLETE: 0,
  /** No free row; complete frames may be left. */
  ROWS_FULL: 1,
  /** A FAULT row was written; nothing more may be decoded. */
  FAULT: 2,
  /** An incomplete frame with a complete head, whose data belongs into a blob: see `headBytes`, `dataBytes`. */
  LARGE: 3,
} as const;
export type Stop = (typeof Stop)[keyof typeof Stop];

const LF = 10;
const CR = 13;
const ARGUMENT_BYTES_MAX = HEAD_BYTES_MAX - HEADER_BYTES;
const ARGUMENTS_KEPT = 4;

/** The decoder of one thread; it keeps no state between two calls. */
export class FrameDecoder {
  /** Arena offset of the first byte that the last `decode` did not consume. */
  at = 0;
  /** After Stop.LARGE: bytes of header and arguments with their NULs, from `at`. */
  headBytes = 0;
  /** After Stop.LARGE: announced bytes of data after the head. */
  dataBytes = 0;

  /** Arena offsets of the NULs that the last search found. */
  readonly #nuls = new Int32Array(ARGUMENTS_KEPT);
  readonly #hashSeed: number;
  readonly #packetBytesMax: number;

  /** Payloads of more than `packetBytesMax` bytes are FAULT PACKET_TOO_LARGE. */
  constructor(hashSeed: number, packetBytesMax: number) {
    this.#hashSeed = hashSeed;
    this.#packetBytesMax = packetBytesMax;
  }

  /** Appends a row for each complete frame of arena `[start, end)`, which begins at a frame's first byte. */
  decode(batch: FrameBatch, conn: number, start: number, end: number): Stop {
    const { arena } = batch;
    this.at = start;
    while (this.at < end) {
      if (isFull(batch)) return Stop.ROWS_FULL;
      const stop =
        arena[this.at] === 0
          ? this.#packet(batch, conn, this.at, end)
          : this.#line(batch, conn, this.at, end);
      if (stop >= 0) return stop as Stop;
    }
    return Stop.INCOMPLETE;
  }

  /** Appends the row of a frame whose head lies at arena `[start, end)` and whose data is in a blob. */
  appendLarge(
    batch: FrameBatch,
    conn: number,
    start: number,
    end: number,
    dataBytes: number,
    blob: number,
  ): void {
    const type = readUint32(batch.arena, start + 4);
    this.#endOfArguments(batch.arena, start + HEADER_BYTES, end, ARG_COUNT[type]!);
    const row = this.#appendPacket(batch, conn, type, start, end, end);
    batch.rows[row + Row.DATA_LEN] = dataBytes;
    batch.rows[row + Row.BLOB] = blob;
  }

  /** One text line. Returns CONSUMED or a Stop. */
  #line(batch: FrameBatch, conn: number, start: number, end: number): number {
    const { arena } = batch;
    const limit = Math.min(end, start + LINE_BYTES_MAX + 1);
    let lf = start;
    while (lf < limit && arena[lf] !== LF) lf++;
    if (lf === limit) {
      if (limit - start <= LINE_BYTES_MAX) return Stop.INCOMPLETE;
      return this.#fault(batch, conn, start, FaultReason.LINE_TOO_LONG);
    }
    const textEnd = lf > start && arena[lf - 1] === CR ? lf - 1 : lf;
    const row = appendRow(batch, conn, RowKind.LINE, start, start, lf + 1);
    batch.rows[row + Row.A0] = textEnd - start;
    this.at = lf + 1;
    return CONSUMED;
  }

  /** One binary packet. Returns CONSUMED or a Stop. */
  #packet(batch: FrameBatch, conn: number, start: number, end: number): number {
    const { arena } = batch;
    const bytes = end - start;
    if (bytes < HEADER_BYTES) return Stop.INCOMPLETE;
    const magic = readUint32(arena, start);
    if (magic !== MAGIC_REQ && magic !== MAGIC_RES) {
      return this.#fault(batch, conn, start, FaultReason.BAD_MAGIC);
    }
    const type = readUint32(arena, start + 4);
    if (type === 0 || type > PACKET_TYPE_MAX) {
      return this.#fault(batch, conn, start, FaultReason.BAD_TYPE);
    }
    const payload = readUint32(arena, start + 8);
    if (payload > this.#packetBytesMax) {
      return this.#fault(batch, conn, start, FaultReason.PACKET_TOO_LARGE, payload | 0);
    }
    return HAS_DATA[type] === 1
      ? this.#packetWithData(batch, conn, type, start, end, payload)
      : this.#packetWithoutData(batch, conn, type, start, end, payload);
  }

  #packetWithoutData(
    batch: FrameBatch,
    conn: number,
    type: number,
    start: number,
    end: number,
    payload: number,
  ): number {
    if (payload > ARGUMENT_BYTES_MAX) {
      return this.#fault(batch, conn, start, FaultReason.HEAD_TOO_LONG);
    }
    const frameEnd = start + HEADER_BYTES + payload;
    if (end < frameEnd) return Stop.INCOMPLETE;
    const first = start + HEADER_BYTES;
    const nulCount = Math.max(0, ARG_COUNT[type]! - 1);
    if (this.#endOfArguments(batch.arena, first, frameEnd, nulCount) < 0) {
      return this.#tooFew(batch, conn, type, start, frameEnd);
    }
    this.#appendPacket(batch, conn, type, start, frameEnd, frameEnd);
    this.at = frameEnd;
    return CONSUMED;
  }

  #packetWithData(
    batch: FrameBatch,
    conn: number,
    type: number,
    start: number,
    end: number,
    payload: number,
  ): number {
    const first = start + HEADER_BYTES;
    const frameBytes = HEADER_BYTES + payload;
    const isWhole = end - start >= frameBytes;
    const scanEnd = Math.min(first + Math.min(payload, ARGUMENT_BYTES_MAX), end);
    const headEnd = this.#endOfArguments(batch.arena, first, scanEnd, ARG_COUNT[type]!);
    if (headEnd < 0) {
      if (payload > ARGUMENT_BYTES_MAX && end - first >= ARGUMENT_BYTES_MAX) {
        return this.#fault(batch, conn, start, FaultReason.HEAD_TOO_LONG);
      }
      return isWhole ? this.#tooFew(batch, conn, type, start, start + frameBytes) : Stop.INCOMPLETE;
    }
    if (isWhole) {
      this.#appendPacket(batch, conn, type, start, headEnd, start + frameBytes);
      this.at = start + frameBytes;
      return CONSUMED;
    }
    if (frameBytes <= CARRY_BYTES_MAX) return Stop.INCOMPLETE;
    this.headBytes = headEnd - start;
    this.dataBytes = frameBytes - this.headBytes;
    return Stop.LARGE;
  }

  /** A complete payload with too few NULs. */
  #tooFew(batch: FrameBatch, conn: number, type: number, start: number, frameEnd: number): number {
    if (MAY_BE_SHORT[type] === 0) {
      return this.#fault(batch, conn, start, FaultReason.TOO_FEW_ARGUMENTS);
    }
    const off = start + HEADER_BYTES;
    const row = appendRow(batch, conn, type, start, off, frameEnd);
    batch.rows[row + Row.A0] = frameEnd - off;
    batch.rows[row + Row.FLAGS] = RowFlag.SHORT | resFlag(batch.arena, start);
    this.at = frameEnd;
    return CONSUMED;
  }

  /** Writes the row of a packet whose NULs are in `#nuls`; data (if the type has any) is `[headEnd, frameEnd)`. */
  #appendPacket(
    batch: FrameBatch,
    conn: number,
    type: number,
    start: number,
    headEnd: number,
    frameEnd: number,
  ): number {
    const { arena, rows } = batch;
    const argCount = ARG_COUNT[type]!;
    const hasData = HAS_DATA[type] === 1;
    const names = NAMES[type]!;
    const off = start + HEADER_BYTES;
    const row = appendRow(batch, conn, type, start, off, frameEnd);
    let from = off;
    for (let i = 0; i < argCount && i < ARGUMENTS_KEPT; i++) {
      const to = hasData || i < argCount - 1 ? this.#nuls[i]! : headEnd;
      rows[row + Row.A0 + i] = to - from;
      if (i < names) rows[row + Row.HASH0 + i] = hashBytes(arena, from, to, this.#hashSeed);
      from = to + 1;
    }
    if (hasData) {
      rows[row + Row.DATA] = headEnd;
      rows[row + Row.DATA_LEN] = frameEnd - headEnd;
    }
    rows[row + Row.FLAGS] = resFlag(arena, start);
    return row;
  }

  /** The offset after the `nulCount`-th NUL of `[start, end)`, -1 when there are fewer; stores the first four. */
  #endOfArguments(arena: Uint8Array, start: number, end: number, nulCount: number): number {
    let at = start;
    for (let found = 0; found < nulCount; found++) {
      while (at < end && arena[at] !== 0) at++;
      if (at >= end) return -1;
      if (found < ARGUMENTS_KEPT) this.#nuls[found] = at;
      at++;
    }
    return at;
  }

  #fault(batch: FrameBatch, conn: number, start: number, reason: number, announced = 0): number {
    const row = appendRow(batch, conn, RowKind.FAULT, start, start, start);
    batch.rows[row + Row.A0] = reason;
    batch.rows[row + Row.A1] = announced;
    return Stop.FAULT;
  }
}

const CONSUMED = -1;
const MAGIC_REQ = 0x00524551;
const MAGIC_RES = 0x00524553;

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}

function resFlag(arena: Uint8Array, start: number): number {
  return readUint32(arena, start) === MAGIC_RES ? RowFlag.RES : 0;
}

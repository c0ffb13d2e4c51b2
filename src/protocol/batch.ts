/**
 * Layout of the frame batch: the rows and bytes that a reactor passes to its thread once per turn, and the output that
 * it gets back. Rule: rows and offsets are valid until the turn's callback returns; keep bytes longer by copying them.
 *
 *   rows  Int32Array, ROW_INTS per frame, in the order in which the bytes arrived on their connection
 *   arena Uint8Array, the bytes that rows point into
 *
 *   START      OFF                                  DATA                 END
 *     | header | arg0 \0 arg1 \0 ... argN \0        | data ............. |     (BLOB = 0)
 *     | header | arg0 \0 arg1 \0 ... argN \0        | (nothing)          |     (BLOB = id: DATA_LEN bytes live in the blob)
 *
 * A connection id `conn` is slot + generation: `slot = conn & SLOT_MASK`; ids are positive and never 0.
 */

import { uncounted } from '../base/uncounted.ts';

export const ROW_INTS = 16;
export const ROW_SHIFT = 4;

/** Field offsets inside a row. */
export const Row = {
  CONN: 0,
  /** Packet type 1..42, or a negative `RowKind`. */
  TYPE: 1,
  /** Arena offset of the frame's first byte (header or text). */
  START: 2,
  /** Arena offset of the first argument (of the text, for a line). */
  OFF: 3,
  /** Lengths of the arguments without their NUL; argument i+1 begins one byte after the end of argument i. */
  A0: 4,
  A1: 5,
  A2: 6,
  A3: 7,
  /** Arena offset of the data (END when there is none). */
  DATA: 8,
  DATA_LEN: 9,
  /** 0: data lies in the arena; > 0: blob id, the row owns one reference; BLOB_DROPPED: data was read and dropped. */
  BLOB: 10,
  /** hash(arg 0) of packets that name a function, else 0. */
  HASH0: 11,
  /** hash(arg 1) of packets that carry a unique, else 0. */
  HASH1: 12,
  /** Bits of `RowFlag`. */
  FLAGS: 13,
  /** Arena offset after the frame's last byte in the arena. */
  END: 14,
  /** Reserved. */
  SPARE: 15,
} as const;

export const RowFlag = {
  /** The magic was \0RES: answered with ERROR INVALID_MAGIC. */
  RES: 1,
  /** Too few NULs in a packet that may be short: argument 0 is the whole payload, the rest is empty. */
  SHORT: 2,
} as const;

/** Negative TYPE values. */
export const RowKind = {
  /** New connection. OFF/A0 = text of the peer's address, A1 = its port, A2 = listener id. */
  OPEN: -1,
  /** Text line. OFF/A0 = the line without LF or CR LF. */
  LINE: -2,
  /**
   * The peer closed or the socket failed; all complete packets and lines were given before. A0 = GoneReason. Last row.
   * After END the peer may still read, so the thread closes the connection; otherwise the reactor closes it after this
   * turn.
   */
  GONE: -3,
  /**
   * The bytes are not a frame; decoding ends. A0 = FaultReason, A1 = announced bytes (unsigned). Last row but GONE.
   */
  FAULT: -4,
  /** Unsent output has fallen below the low mark (sent only after `notifyDrained`). */
  DRAINED: -5,
} as const;

export const GoneReason = { END: 0, RESET: 1, OUTPUT_LIMIT: 2 } as const;
export const FaultReason = {
  BAD_MAGIC: 1,
  BAD_TYPE: 2,
  HEAD_TOO_LONG: 3,
  TOO_FEW_ARGUMENTS: 4,
  LINE_TOO_LONG: 5,
  PACKET_TOO_LARGE: 6,
} as const;

export const BLOB_DROPPED = -1;

/** slot = conn & SLOT_MASK; generation = conn >>> SLOT_BITS, 1..2047, wraps to 1. */
export const SLOT_BITS = 20;
export const SLOT_MASK = (1 << SLOT_BITS) - 1;
export const GENERATION_MAX = 2047;

/**
 * From this size on, glibc always takes new memory from the system, which is zero. Reused memory would have to be
 * cleared.
 */
const FRESH_BLOCK_BYTES = 33 * 1024 * 1024;

/**
 * Unsent bytes by slot, all 0. It reserves address space only: pages take memory when they are written for the first
 * time.
 */
export function unsentColumn(): Float64Array {
  return new Float64Array(uncounted(FRESH_BLOCK_BYTES), 0, SLOT_MASK + 1);
}

/**
 * Output rows: OUT_INTS per segment; segments of one connection leave in row order.
 * BLOB = 0: LEN bytes at OFF of `out`. BLOB > 0: LEN bytes at OFF of that blob; one reference passes to the reactor.
 */
export const OUT_INTS = 4;
export const Out = { CONN: 0, OFF: 1, LEN: 2, BLOB: 3 } as const;

/**
 * Words of `control`. The thread writes OUT_ROWS and OUT_BYTES; the reactor resets both to 0 when it takes the output.
 */
export const Control = {
  OUT_ROWS: 0,
  OUT_BYTES: 1,
  /** KiB of unfinished and live blobs; written by the reactor. */
  BLOB_KIB: 2,
  /**
   * KiB of blobs that this thread may have before the data of frames is dropped; 0 = no limit; written by the thread.
   */
  BLOB_KIB_MAX: 3,
  /** KiB of copied output that was unsent after the last turn; written by the reactor. */
  UNSENT_KIB: 4,
  /**
   * KiB of unsent output of connections whose bytes JavaScript keeps: streams, and all connections of the TypeScript
   * core.
   */
  IN_PROCESS_UNSENT_KIB: 5,
} as const;
export const CONTROL_INTS = 16;

/**
 * Layout of the shared words and rings of one server. One Int32Array of words for all threads, one SharedArrayBuffer
 * of data for each ordered pair of threads. Words that different threads write never share a cache line.
 *
 *   words   slot (f, t), f != t:  | write | read, taken, largeRead | overflow |     each | | is one line of 64 bytes
 *           slot (n, n):          | asleep | level | epoch |
 *   slots are numbered in shells, (0,0) (0,1) (1,1) (1,0) ..., so a slot's place does not depend on the number of threads
 *
 *   record  | kind | byteCount | a | b | c | d | bytes ... | to a multiple of 8 |   never wraps; kind SKIP_KIND fills the end
 *
 * Invariant, all modulo 2^32: read <= taken <= write <= read + ringBytes.
 */

import { assert } from '../base/assert.ts';

const LINE_WORDS = 16;
const SLOT_WORDS = 3 * LINE_WORDS;

/** Bytes of a record before its payload. */
export const HEADER_BYTES = 24;
/** Word offsets inside a record. `byteCount` is negative when the payload travels by port. */
export const KIND = 0;
export const BYTE_COUNT = 1;
export const A = 2;
export const B = 3;
export const C = 4;
export const D = 5;
/** The kind of a record that fills the rest of the ring; kinds of users are >= 0. */
export const SKIP_KIND = -1;

/** A payload above 1 / LARGE_PART of the ring travels by port. */
export const LARGE_PART = 8;
/**
 * Limit of all payloads that were sent by port and not taken yet, as a multiple of the ring's size; a single payload
 * may be larger.
 */
export const LARGE_RINGS = 4;

/** The greatest payload of a record: its length is a signed word. */
export const RECORD_BYTES_MAX = 0x7fff_ffff;

/** Bytes of data per ring for a server of `threadCount` threads: 1 MiB, with nine threads or more 256 KiB. */
export function defaultRingBytes(threadCount: number): number {
  return threadCount > 8 ? 256 * 1024 : 1024 * 1024;
}

/** All rings of one server. May be posted to threads: everything inside is shared. */
export interface RingSet {
  readonly threadCount: number;
  /** Data bytes of each ring, a power of two. */
  readonly ringBytes: number;
  readonly words: Int32Array;
  /** Data of ring (from, to) at `from * threadCount + to`; null for a thread and itself. */
  readonly rings: readonly (SharedArrayBuffer | null)[];
}

/**
 * Makes the rings of a server. `threadCount` includes the main thread; `ringBytes` is a power of two, 1 KiB to 1 GiB.
 * `startIndex`, a multiple of 8, is the first value of all byte indexes (for tests of the wrap at 2^32).
 */
export function createRingSet(
  threadCount: number,
  ringBytes: number = defaultRingBytes(threadCount),
  startIndex = 0,
): RingSet {
  assert(threadCount >= 1, 'create rings: no thread');
  assert(
    ringBytes >= 1024 && ringBytes <= 2 ** 30 && (ringBytes & (ringBytes - 1)) === 0,
    'create rings: ring size is not a power of two from 1 KiB to 1 GiB',
  );
  assert((startIndex & 7) === 0, 'create rings: start index is not a multiple of 8');
  const words = new Int32Array(
    new SharedArrayBuffer(threadCount * threadCount * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT),
  );
  const rings: (SharedArrayBuffer | null)[] = [];
  for (let from = 0; from < threadCount; from++) {
    for (let to = 0; to < threadCount; to++) {
      rings.push(from === to ? null : new SharedArrayBuffer(ringBytes));
      if (from !== to) resetRing(words, from, to, startIndex);
    }
  }
  return { threadCount, ringBytes, words, rings };
}

/**
 * Empties all rings from and to a dead thread and begins its next epoch, before the thread is started again. Call it
 * only while no thread uses one of these rings: all other threads must have dropped their readers and writers of the
 * old epoch.
 */
export function resetThread(set: RingSet, thread: number): void {
  const { words } = set;
  for (let other = 0; other < set.threadCount; other++) {
    if (other === thread) continue;
    resetRing(words, thread, other, 0);
    resetRing(words, other, thread, 0);
  }
  Atomics.store(words, asleepWord(thread), 0);
  Atomics.store(words, levelWord(thread), 0);
  Atomics.add(words, epochWord(thread), 1);
}

function resetRing(words: Int32Array, from: number, to: number, index: number): void {
  Atomics.store(words, writeWord(from, to), index);
  Atomics.store(words, readWord(from, to), index);
  Atomics.store(words, takenWord(from, to), index);
  Atomics.store(words, largeReadWord(from, to), 0);
  Atomics.store(words, overflowWord(from, to), 0);
}

/** First word of slot (from, to): shell m = max(from, to) holds slots m * m to m * m + 2 * m. */
function slot(from: number, to: number): number {
  const index = from < to ? to * to + from : from * from + from + (from - to);
  return index * SLOT_WORDS;
}

/** Word that is 1 while `thread` may sleep; the thread that swaps it to 0 rings the doorbell. */
export function asleepWord(thread: number): number {
  return slot(thread, thread);
}

/** Word in which `thread` publishes the highest priority that is runnable there. */
export function levelWord(thread: number): number {
  return slot(thread, thread) + LINE_WORDS;
}

/** Word that counts the restarts of `thread`. */
export function epochWord(thread: number): number {
  return slot(thread, thread) + 2 * LINE_WORDS;
}

/** Word of the ring's write index, stored by thread `from` only. */
export function writeWord(from: number, to: number): number {
  return slot(from, to);
}

/** Word of the ring's read index, stored by thread `to` only: bytes before it may be overwritten. */
export function readWord(from: number, to: number): number {
  return slot(from, to) + LINE_WORDS;
}

/**
 * Word with the index after the record that is being handled; it is correct even if the thread is killed while it
 * handles the record.
 */
export function takenWord(from: number, to: number): number {
  return readWord(from, to) + 1;
}

/** Word with the bytes taken from the port, modulo 2^32. */
export function largeReadWord(from: number, to: number): number {
  return readWord(from, to) + 2;
}

/**
 * Word that is 1 while thread `from` has records that did not fit; the reader swaps it to 0 and rings once it has made
 * room.
 */
export function overflowWord(from: number, to: number): number {
  return slot(from, to) + 2 * LINE_WORDS;
}

/** Bytes of ring space for a record with `byteCount` payload bytes. */
export function recordBytes(byteCount: number): number {
  return (HEADER_BYTES + byteCount + 7) & ~7;
}

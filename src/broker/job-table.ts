/**
 * One row of 16 words (64 bytes) for each live job, in segments of 65,536 rows that never move: a job number is valid
 * as long as its job lives, and ten million jobs cost the garbage collector nothing.
 *
 *   job number = segment << 16 | row        words of a row: `Job`
 *
 * Freed rows of a segment are linked through their NEXT word, all other words of them are zero; rows never used lie
 * above the segment's bump mark. The lowest segment with room is filled first, so that the last ones become empty and
 * are given back. Invariant: every word of a row that is not live is zero, except NEXT. Source: docs/design.md,
 * section 10.
 */
import { Account } from '../base/account.ts';
import { assert } from '../base/assert.ts';
import { grown } from '../base/grow.ts';
import { IntSet } from '../base/int-set.ts';
import { tableMemory } from '../base/uncounted.ts';
import { HANDLE_SLOTS } from '../protocol/handle.ts';

/** Words of a row. SERIAL and NEXT belong to the table while the row is free; the caller owns all others. */
export const Job = {
  SERIAL_LO: 0,
  SERIAL_HI: 1,
  FLAGS: 2,
  FUNCTION: 3,
  NEXT: 4,
  PREV: 5,
  BLOCK: 6,
  WORKLOAD_BYTES: 7,
  UNIQUE_HASH: 8,
  WATCHER: 9,
  WORKER: 10,
  BLOB: 11,
  WATCH_NEXT: 12,
  WATCH_PREV: 13,
  UNIQUE_BYTES: 14,
  SINCE_MS: 15,
} as const;

/** Words of a row as a shift: row r starts at word r << JOB_SHIFT of its segment. */
export const JOB_SHIFT = 4;
export const JOB_ROW_BYTES = 4 << JOB_SHIFT;
/** Rows of a segment as a shift: job >>> SEGMENT_SHIFT is its segment. */
export const SEGMENT_SHIFT = 16;
export const SEGMENT_MASK = 0xffff;
/** No job: row 0 is never used. */
export const NO_JOB = 0;

const SEGMENT_ROWS = 1 << SEGMENT_SHIFT;
const SEGMENT_WORDS = SEGMENT_ROWS << JOB_SHIFT;
const SEGMENT_BYTES = SEGMENT_WORDS * 4;
/** Greatest number of segments: every row number must fit into a handle. */
const SEGMENTS_MAX = Math.floor(HANDLE_SLOTS / SEGMENT_ROWS);
const ROW_BYTES_SHIFT = JOB_SHIFT + 2;
/** All job numbers are below this. */
const JOBS_MAX = 2 ** 32 - 1;
const TWO_32 = 0x1_0000_0000;
/** Replaces the memory of a dropped segment. */
const DROPPED = new Uint32Array(0);
const DROPPED_PAIRS = new Float64Array(0);

/** The words that the table keeps for each segment, in `#state`. */
const LIVE = 0;
const BUMP = 1;
const FREE = 2;
const IN_USE = 3;
/** Rows used since the segment got its memory, rounded up to 64 KiB: the resident part. */
const TOUCHED = 4;
const STATE_SHIFT = 3;
const TOUCH_ROWS = 1024;

/** The rows of all live jobs of one shard. */
export class JobTable {
  /**
   * For direct reads and writes of live rows: word `w` of a job is
   * `segments[job >>> SEGMENT_SHIFT][((job & SEGMENT_MASK) << JOB_SHIFT) + w]`.
   */
  readonly segments: Uint32Array[] = [];
  /** The memory of the segments as pairs of words, so that eight stores zero a row. */
  readonly #pairs: Float64Array[] = [];
  readonly #discard: ((bytes: Uint8Array) => void) | null;
  readonly #account: Account;
  readonly #room = new IntSet();
  readonly #segmentsMax: number;
  #state = new Int32Array(16 << STATE_SHIFT);
  /** Lowest segment with room, -1 when all are full. */
  #current = -1;
  #count = 0;
  #segmentsInUse = 0;
  #segmentsFree = 0;
  /** The last serial given out, as two int32: one larger number would be an object on V8's heap. */
  #serialLo = 0;
  #serialHi = 0;

  /**
   * `discard` gets the whole memory of an empty segment and may zero its pages or leave them; with null such a segment
   * is dropped and made anew when needed. Serials start above `lastSerial`. `account` is charged for rows that were
   * ever used, 64 KiB at a time, until their segment is given back.
   */
  constructor(
    hooks: { discard: ((bytes: Uint8Array) => void) | null; account?: Account },
    lastSerial = 0,
    segmentsMax = SEGMENTS_MAX,
  ) {
    this.#segmentsMax = segmentsMax;
    this.#discard = hooks.discard;
    this.#account = hooks.account ?? new Account();
    this.#serialLo = lastSerial | 0;
    this.#serialHi = Math.floor(lastSerial / TWO_32);
  }

  /** Live rows. */
  get count(): number {
    return this.#count;
  }

  /** True when no row is left, because some 99.9 million jobs are live. Do not call `allocate` then. */
  get isFull(): boolean {
    return this.#current < 0 && this.segments.length === this.#segmentsMax;
  }

  /** Memory of the segments that have not been given back. */
  get bytes(): number {
    return this.#segmentsInUse * SEGMENT_BYTES;
  }

  /** Bytes of rows that were ever used, in steps of 64 KiB, as charged to the account. Linear in segments. */
  get usedBytes(): number {
    let rows = 0;
    for (let segment = 0; segment < this.segments.length; segment++)
      rows += this.#state[(segment << STATE_SHIFT) + TOUCHED] as number;
    return rows * JOB_ROW_BYTES;
  }

  /** Whether the next row was used before: then it needs no more memory. */
  get hasUsedRow(): boolean {
    const at = this.#current << STATE_SHIFT;
    if (at < 0) return false;
    const bump = this.#state[at + BUMP] as number;
    return this.#state[at + FREE] !== 0 || bump < (this.#state[at + TOUCHED] as number);
  }

  /**
   * Takes a row of the lowest segment with room; the table must not be full. The row is zero except for a serial that
   * was never given before.
   */
  allocate(): number {
    let segment = this.#current;
    if (segment < 0) segment = this.#addSegment();
    const state = this.#state;
    const at = segment << STATE_SHIFT;
    if (state[at + LIVE] === 0) this.#occupy(segment);
    const words = this.segments[segment] as Uint32Array;
    let row = state[at + FREE] as number;
    if (row === 0) {
      row = state[at + BUMP] as number;
      state[at + BUMP] = row + 1;
      if (row >= (state[at + TOUCHED] as number)) this.#touch(at);
    } else {
      row--;
      state[at + FREE] = words[(row << JOB_SHIFT) + Job.NEXT] as number;
    }
    const live = (state[at + LIVE] as number) + 1;
    state[at + LIVE] = live;
    if (live === SEGMENT_ROWS || (live === SEGMENT_ROWS - 1 && segment === 0))
      this.#filled(segment);
    this.#count++;

    const lo = (this.#serialLo + 1) | 0;
    this.#serialLo = lo;
    if (lo === 0) this.#serialHi++;
    const word = row << JOB_SHIFT;
    words[word + Job.SERIAL_LO] = lo;
    words[word + Job.SERIAL_HI] = this.#serialHi;
    words[word + Job.NEXT] = 0;
    return ((segment << SEGMENT_SHIFT) | row) >>> 0;
  }

  /** Zeroes the row of a live job. Its number may be used again; its serial is never used again. */
  free(job: number): void {
    const segment = job >>> SEGMENT_SHIFT;
    const words = this.segments[segment] as Uint32Array;
    const row = job & SEGMENT_MASK;
    const word = row << JOB_SHIFT;
    assert(
      words[word + Job.SERIAL_LO] !== 0 || words[word + Job.SERIAL_HI] !== 0,
      'free a job: row is not live',
    );
    clearRow(this.#pairs[segment] as Float64Array, row);

    const state = this.#state;
    const at = segment << STATE_SHIFT;
    words[word + Job.NEXT] = state[at + FREE] as number;
    state[at + FREE] = row + 1;
    const live = (state[at + LIVE] as number) - 1;
    state[at + LIVE] = live;
    if (live >= SEGMENT_ROWS - 2) this.#opened(segment);
    if (live === 0) this.#emptied(segment);
    this.#count--;
  }

  /** All numbers of live jobs are below this, now. */
  get numberEnd(): number {
    const last = this.segments.length - 1;
    return last < 0
      ? 0
      : (last << SEGMENT_SHIFT) + (this.#state[(last << STATE_SHIFT) + BUMP] as number);
  }

  /** Serial of a live job, 1 .. 2^53-1. */
  serial(job: number): number {
    const words = this.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    const word = (job & SEGMENT_MASK) << JOB_SHIFT;
    return (
      (words[word + Job.SERIAL_HI] as number) * TWO_32 + (words[word + Job.SERIAL_LO] as number)
    );
  }

  /** Whether `job` is a live row with this serial; both may be any numbers. */
  isLive(job: number, serial: number): boolean {
    if (job >>> 0 !== job) return false;
    const segment = job >>> SEGMENT_SHIFT;
    if (segment >= this.segments.length) return false;
    const words = this.segments[segment] as Uint32Array;
    const word = (job & SEGMENT_MASK) << JOB_SHIFT;
    if (word >= words.length) return false;
    const found =
      (words[word + Job.SERIAL_HI] as number) * TWO_32 + (words[word + Job.SERIAL_LO] as number);
    return found === serial && found !== 0;
  }

  /**
   * The next live job number above `after`, NO_JOB at the end. Skips segments without jobs; in other segments it also
   * reads free rows below the bump mark. Rows may be allocated and freed between two calls. With `last` it reads no row
   * above that number.
   */
  next(after: number, last = JOBS_MAX): number {
    const state = this.#state;
    let row = (after & SEGMENT_MASK) + 1;
    const segmentEnd = Math.min(this.segments.length, (last >>> SEGMENT_SHIFT) + 1);
    for (let segment = after >>> SEGMENT_SHIFT; segment < segmentEnd; segment++) {
      if (state[(segment << STATE_SHIFT) + LIVE] !== 0) {
        const words = this.segments[segment] as Uint32Array;
        const bump = state[(segment << STATE_SHIFT) + BUMP] as number;
        const isLast = segment === last >>> SEGMENT_SHIFT;
        const end = isLast ? Math.min(bump, (last & SEGMENT_MASK) + 1) : bump;
        for (; row < end; row++) {
          const word = row << JOB_SHIFT;
          if (words[word + Job.SERIAL_LO] !== 0 || words[word + Job.SERIAL_HI] !== 0) {
            return ((segment << SEGMENT_SHIFT) | row) >>> 0;
          }
        }
      }
      row = 0;
    }
    return NO_JOB;
  }

  /** Gives back the last empty segment when there are two or more; true when it did. */
  trim(): boolean {
    if (this.#segmentsFree < 2) return false;
    let segment = this.segments.length - 1;
    while (
      this.#state[(segment << STATE_SHIFT) + LIVE] !== 0 ||
      this.#state[(segment << STATE_SHIFT) + IN_USE] === 0
    ) {
      segment--;
    }
    const words = this.segments[segment] as Uint32Array;
    if (this.#discard !== null) this.#discard(new Uint8Array(words.buffer));
    else this.#setMemory(segment, DROPPED, DROPPED_PAIRS);
    const at = segment << STATE_SHIFT;
    this.#account.held -= (this.#state[at + TOUCHED] as number) << ROW_BYTES_SHIFT;
    this.#state[at + TOUCHED] = 0;
    this.#state[at + IN_USE] = 0;
    this.#segmentsInUse--;
    this.#segmentsFree--;
    return true;
  }

  /** Call before the rows above the bump mark `TOUCHED` are used for the first time. */
  #touch(at: number): void {
    this.#state[at + TOUCHED] = (this.#state[at + TOUCHED] as number) + TOUCH_ROWS;
    this.#account.held += TOUCH_ROWS << ROW_BYTES_SHIFT;
  }

  #addSegment(): number {
    const segment = this.segments.length;
    assert(segment < this.#segmentsMax, 'add a segment to the job table: all are there');
    if (segment << STATE_SHIFT >= this.#state.length) {
      this.#state = grown(this.#state, 2 * this.#state.length);
    }
    this.#setMemory(segment, DROPPED, DROPPED_PAIRS);
    this.#reset(segment);
    this.#room.add(segment);
    this.#current = segment;
    return segment;
  }

  /** Call before the first row of an empty segment is taken; makes sure that it has memory. */
  #occupy(segment: number): void {
    const at = (segment << STATE_SHIFT) + IN_USE;
    if (this.#state[at] !== 0) {
      this.#segmentsFree--;
      return;
    }
    if (this.segments[segment] === DROPPED) {
      const memory = tableMemory(SEGMENT_BYTES, this.#discard);
      this.#setMemory(segment, new Uint32Array(memory), new Float64Array(memory));
    }
    this.#state[at] = 1;
    this.#segmentsInUse++;
  }

  #setMemory(segment: number, words: Uint32Array, pairs: Float64Array): void {
    this.segments[segment] = words;
    this.#pairs[segment] = pairs;
  }

  #filled(segment: number): void {
    this.#room.delete(segment);
    this.#current = this.#room.lowest();
  }

  #opened(segment: number): void {
    this.#room.add(segment);
    if (segment < this.#current || this.#current < 0) this.#current = segment;
  }

  #emptied(segment: number): void {
    this.#reset(segment);
    this.#segmentsFree++;
  }

  /** Clears the list of free rows: all rows are above the bump mark again. */
  #reset(segment: number): void {
    const at = segment << STATE_SHIFT;
    this.#state[at + FREE] = 0;
    this.#state[at + BUMP] = segment === 0 ? 1 : 0;
  }
}

/** Unrolled, because a loop's counter costs more than the stores (20 against 45 ns for all of `free`). */
function clearRow(pairs: Float64Array, row: number): void {
  const at = row << (JOB_SHIFT - 1);
  pairs[at] = 0;
  pairs[at + 1] = 0;
  pairs[at + 2] = 0;
  pairs[at + 3] = 0;
  pairs[at + 4] = 0;
  pairs[at + 5] = 0;
  pairs[at + 6] = 0;
  pairs[at + 7] = 0;
}

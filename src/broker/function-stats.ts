/**
 * Statistics of a shard's functions since start, for metrics: how many jobs ended in which way, how long they waited
 * and ran. For each job they cost a few stores into one typed array.
 *
 *   counts   row 0: the rest  | row 1: a measured function | row 2: ...      ROW_WORDS numbers each: `Count`
 *
 * Clients choose the names, so only `measuredMax` functions of all shards have a row of their own; the others share
 * row 0. A function gets its row when it is created; when it is dropped, its row is added to row 0, so that no sum
 * ever decreases. Bucket b of a histogram counts times below 4^b milliseconds, the last one all longer times.
 */
import type { FunctionQueue } from './functions.ts';

/** Buckets of a histogram. */
export const BUCKET_COUNT = 12;

/** Numbers of a row; a histogram has BUCKET_COUNT buckets (not cumulative) and the sum in milliseconds. */
export const Count = {
  COMPLETED: 0,
  FAILED: 1,
  REQUEUED: 2,
  /**
   * Jobs created in functions that were dropped later; `FunctionQueue.created` counts the jobs of existing functions.
   */
  CREATED: 3,
  WAIT_MS: 4,
  RUN_MS: 5,
  WAIT_BUCKETS: 6,
  RUN_BUCKETS: 6 + BUCKET_COUNT,
  /** Runs that failed and are tried again. */
  RETRIED: 6 + 2 * BUCKET_COUNT,
} as const;

export const ROW_WORDS = 32;
const FIRST_ROWS = 16;

/** Bucket of a time in whole milliseconds, 0 to 2^32 - 1. */
export function bucketOf(ms: number): number {
  return Math.min(BUCKET_COUNT - 1, (33 - Math.clz32(ms)) >> 1);
}

export class FunctionStats {
  /** The counts. The array is replaced when it grows, so read this field again in every event. */
  counts: Float64Array = new Float64Array(FIRST_ROWS * ROW_WORDS);
  readonly #measuredMax: number;
  /** Number of functions with a row of their own, for each thread, in shared memory. */
  readonly #measured: Int32Array;
  readonly #thread: number;
  readonly #free: number[] = [];
  #rowCount = 1;

  /** `measured` has a word for each thread that owns functions; this thread's is set to 0. */
  constructor(measuredMax: number, measured: Int32Array, thread: number) {
    this.#measuredMax = measuredMax;
    this.#measured = measured;
    this.#thread = thread;
    Atomics.store(measured, thread, 0);
  }

  /** A function was created: it gets a row of its own while rows are left. */
  open(fn: FunctionQueue): void {
    if (this.#measuredOfAll() >= this.#measuredMax) return;
    Atomics.add(this.#measured, this.#thread, 1);
    const row = this.#free.pop() ?? this.#rowCount++;
    fn.countsAt = row * ROW_WORDS;
    if (fn.countsAt < this.counts.length) return;
    const grown = new Float64Array(this.counts.length * 2);
    grown.set(this.counts);
    this.counts = grown;
  }

  /** A function was dropped: its counts are added to row 0. */
  close(fn: FunctionQueue): void {
    const { counts } = this;
    counts[Count.CREATED] = (counts[Count.CREATED] as number) + fn.created;
    const at = fn.countsAt;
    if (at === 0) return;
    for (let word = 0; word < ROW_WORDS; word++) {
      counts[word] = (counts[word] as number) + (counts[at + word] as number);
      counts[at + word] = 0;
    }
    fn.countsAt = 0;
    this.#free.push(at / ROW_WORDS);
    Atomics.sub(this.#measured, this.#thread, 1);
  }

  /** A job left its queue for a worker after `waitedMs` (whole, modulo 2^32). */
  assigned(fn: FunctionQueue, waitedMs: number): void {
    const { counts } = this;
    const at = fn.countsAt;
    counts[at + Count.WAIT_MS] = (counts[at + Count.WAIT_MS] as number) + waitedMs;
    const bucket = at + Count.WAIT_BUCKETS + bucketOf(waitedMs);
    counts[bucket] = (counts[bucket] as number) + 1;
  }

  /** A run of `ranMs` ended the job; `kind` is Count.COMPLETED or Count.FAILED, or Count.RETRIED when it goes on. */
  ended(fn: FunctionQueue, kind: number, ranMs: number): void {
    const { counts } = this;
    const at = fn.countsAt;
    counts[at + kind] = (counts[at + kind] as number) + 1;
    counts[at + Count.RUN_MS] = (counts[at + Count.RUN_MS] as number) + ranMs;
    const bucket = at + Count.RUN_BUCKETS + bucketOf(ranMs);
    counts[bucket] = (counts[bucket] as number) + 1;
  }

  /**
   * A run was lost. `kind`: the job waits again (Count.REQUEUED), its attempts are spent (Count.FAILED), or a late
   * packet ended it while it waited.
   */
  lost(fn: FunctionQueue, kind: number): void {
    const at = fn.countsAt + kind;
    this.counts[at] = (this.counts[at] as number) + 1;
  }

  #measuredOfAll(): number {
    let sum = 0;
    for (let thread = 0; thread < this.#measured.length; thread++)
      sum += Atomics.load(this.#measured, thread);
    return sum;
  }
}

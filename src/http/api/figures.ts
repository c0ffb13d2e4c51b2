/**
 * Figures of all functions at one moment, from counters: the sums, and the row of each function that is measured. Rule:
 * collected once for all who ask within a second; nothing is collected while nobody asks.
 */

import { BUCKET_COUNT, Count } from '../../broker/function-stats.ts';
import { COUNTS_AT, Gauge, ROW_NUMBERS } from '../../broker/function-stats-rows.ts';
import type { Totals } from './schemas.ts';
import type { ApiSource } from './source.ts';

/** For so long the last figures are new enough. */
const FRESH_MS = 900;

export interface Figures {
  /** When they were complete: on the clock that never goes back, and milliseconds since 1970. */
  readonly tickMs: number;
  readonly atMs: number;
  /** Functions, measured or not. */
  readonly functionCount: number;
  /** ROW_NUMBERS of all functions together, as a row of function-stats-rows.ts. */
  readonly sum: Float64Array;
  /** The same of each function that is measured, by its name as text. */
  readonly rows: ReadonlyMap<string, Float64Array>;
}

export class FiguresSource {
  readonly #source: ApiSource;
  #last: Figures | null = null;
  #collecting: Promise<Figures> | null = null;

  constructor(source: ApiSource) {
    this.#source = source;
  }

  /** Figures that are at most a second old. */
  fresh(): Promise<Figures> {
    const last = this.#last;
    if (last !== null && performance.now() - last.tickMs < FRESH_MS) return Promise.resolve(last);
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = null;
    });
    return this.#collecting;
  }

  async #collect(): Promise<Figures> {
    const sum = new Float64Array(ROW_NUMBERS);
    const rows = new Map<string, Float64Array>();
    await this.#source.functionStats(({ name, numbers, at }) => {
      const row = numbers.subarray(at, at + ROW_NUMBERS);
      for (let i = 0; i < ROW_NUMBERS; i++) sum[i] = (sum[i] as number) + (row[i] as number);
      // Names that are not UTF-8 could not be told apart.
      if (name !== null && !name.includes('\u{fffd}')) rows.set(name, row);
    });
    const threads = await this.#source.askAll();
    const functionCount = threads.reduce((count, stats) => count + (stats?.functions ?? 0), 0);
    const times = { tickMs: performance.now(), atMs: Date.now() };
    this.#last = { ...times, functionCount, sum, rows };
    return this.#last;
  }
}

/** Counts of a histogram of a row; `first`: Count.WAIT_BUCKETS or Count.RUN_BUCKETS. */
export function bucketsOf(row: Float64Array, first: number): Float64Array {
  return row.subarray(COUNTS_AT + first, COUNTS_AT + first + BUCKET_COUNT);
}

export function totalsOf({ functionCount, sum }: Figures): Totals {
  const gauge = (at: number) => sum[at] as number;
  return {
    functions: functionCount,
    queued: gauge(Gauge.QUEUED),
    running: gauge(Gauge.RUNNING),
    retrying: gauge(Gauge.RETRYING),
    dead: gauge(Gauge.DEAD),
    workers: gauge(Gauge.WORKERS),
    created: gauge(Gauge.CREATED),
    completed: gauge(COUNTS_AT + Count.COMPLETED),
    failed: gauge(COUNTS_AT + Count.FAILED),
    waitBuckets: [...bucketsOf(sum, Count.WAIT_BUCKETS)],
    runBuckets: [...bucketsOf(sum, Count.RUN_BUCKETS)],
  };
}

/**
 * What was seen of functions since this page was opened: the source of rates, of recent waits, and of plots where the
 * server keeps no series. Rule: bounded; of 300 functions the last ten minutes.
 */
import { signal } from '@preact/signals';
import type { FunctionRow } from './types.ts';

export interface Sample {
  readonly atMs: number;
  readonly created: number;
  readonly completed: number;
  readonly failed: number;
  readonly queued: number;
  readonly running: number;
  readonly waitBuckets: readonly number[];
  readonly runBuckets: readonly number[];
}

const FUNCTIONS_MAX = 300;
const SAMPLES_MAX = 600;
const SPACING_MS = 900;
/** Rates are those of so long a time. */
const WINDOW_MS = 10_000;

const byFunction = new Map<string, Sample[]>();
/** Grows with each sample, so that what draws them knows. */
export const samplesTaken = signal(0);

/** The samples of all functions together; no segment has a blank. */
export const TOTAL = 'all functions';

/** What a sample is made of. */
export type Sampled = Pick<FunctionRow, 'created' | 'queued' | 'running'> & {
  readonly counts: Pick<
    NonNullable<FunctionRow['counts']>,
    'completed' | 'failed' | 'waitBuckets' | 'runBuckets'
  > | null;
};

/** Keeps a sample of a row, unless the last one is younger than a second. */
export function remember(segment: string, row: Sampled): void {
  let samples = byFunction.get(segment);
  if (samples === undefined) {
    if (byFunction.size >= FUNCTIONS_MAX && segment !== TOTAL) return;
    samples = [];
    byFunction.set(segment, samples);
  }
  const atMs = performance.now();
  const last = samples.at(-1);
  if (last !== undefined && atMs - last.atMs < SPACING_MS) return;
  // The function was dropped, or the server started again.
  if (last !== undefined && row.created < last.created) samples.length = 0;
  samples.push({
    atMs,
    created: row.created,
    completed: row.counts?.completed ?? 0,
    failed: row.counts?.failed ?? 0,
    queued: row.queued,
    running: row.running,
    waitBuckets: row.counts?.waitBuckets ?? [],
    runBuckets: row.counts?.runBuckets ?? [],
  });
  if (samples.length > SAMPLES_MAX) samples.shift();
  samplesTaken.value++;
}

export function samplesOf(segment: string): readonly Sample[] {
  return byFunction.get(segment) ?? [];
}

export interface Recent {
  readonly inPerS: number;
  readonly donePerS: number;
  readonly failedPerS: number;
  readonly waitBuckets: readonly number[];
  readonly runBuckets: readonly number[];
}

/** The last ten seconds of a function; null before the second sample. */
export function recentOf(segment: string): Recent | null {
  const samples = samplesOf(segment);
  const last = samples.at(-1);
  if (last === undefined) return null;
  const first = samples.find(({ atMs }) => atMs >= last.atMs - WINDOW_MS) as Sample;
  const seconds = (last.atMs - first.atMs) / 1000;
  if (seconds === 0) return null;
  return {
    inPerS: (last.created - first.created) / seconds,
    donePerS: (last.completed - first.completed) / seconds,
    failedPerS: (last.failed - first.failed) / seconds,
    waitBuckets: differenceOf(last.waitBuckets, first.waitBuckets),
    runBuckets: differenceOf(last.runBuckets, first.runBuckets),
  };
}

/** Rates between neighbours: one point less than there are samples. */
export function ratesOf(
  samples: readonly Sample[],
  field: 'created' | 'completed' | 'failed',
): number[] {
  const rates: number[] = [];
  for (let at = 1; at < samples.length; at++) {
    const [before, after] = [samples[at - 1] as Sample, samples[at] as Sample];
    rates.push((after[field] - before[field]) / ((after.atMs - before.atMs) / 1000));
  }
  return rates;
}

function differenceOf(after: readonly number[], before: readonly number[]): number[] {
  return after.map((value, at) => value - (before[at] ?? 0));
}

/** Bucket b holds times below 4^b ms. The bound below which `quantile` of all are, ms; null without any. */
export function quantileOf(buckets: readonly number[], quantile: number): number | null {
  const all = buckets.reduce((sum, value) => sum + value, 0);
  if (all === 0) return null;
  let below = 0;
  for (const [bucket, value] of buckets.entries()) {
    below += value;
    if (below >= all * quantile)
      return bucket === buckets.length - 1 ? Number.POSITIVE_INFINITY : 4 ** bucket;
  }
  return null;
}

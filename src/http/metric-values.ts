/** Values of metrics as prom-client writes them. */
import { BUCKET_COUNT } from '../broker/function-stats.ts';
import type { ThreadStats } from '../session/thread-queries.ts';
import type { Snapshot } from './snapshot.ts';

export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** A snapshot with values that several metrics need. */
export interface Prepared extends Snapshot {
  readonly running: readonly ThreadStats[];
}

/** A metric's description for docs/metrics.md and the page. */
export interface MetricFacts {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram' | 'summary';
  /** Names of all labels besides `le`. */
  readonly labels: readonly string[];
}

/** One metric of the page. */
export interface MetricRow extends MetricFacts {
  readonly values: (snapshot: Prepared) => MetricValue[];
}

/** Upper bounds (`le`) of a histogram's buckets in seconds: bucket b holds times below 4^b units of `unitSeconds`. */
export function upperBounds(unitSeconds: number): (number | '+Inf')[] {
  return Array.from({ length: BUCKET_COUNT }, (_, bucket) =>
    bucket === BUCKET_COUNT - 1 ? '+Inf' : Number((4 ** bucket * unitSeconds).toPrecision(6)),
  );
}

/** A histogram from buckets that are not cumulative. `unitSeconds` is the length of a unit, `sum` is in units. */
export function histogramValues(
  name: string,
  labels: MetricValue['labels'],
  buckets: ArrayLike<number>,
  sum: number,
  unitSeconds: number,
): MetricValue[] {
  const values: MetricValue[] = [];
  let count = 0;
  for (const [bucket, le] of upperBounds(unitSeconds).entries()) {
    count += buckets[bucket] as number;
    values.push({ value: count, labels: { ...labels, le }, metricName: `${name}_bucket` });
  }
  values.push({ value: sum * unitSeconds, labels, metricName: `${name}_sum` });
  values.push({ value: count, labels, metricName: `${name}_count` });
  return values;
}

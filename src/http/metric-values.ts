/** Values of metrics as prom-client writes them, and the labels of functions. */
import { BUCKET_COUNT } from '../broker/tally.ts';
import { Gauge, type TallyRow } from '../broker/tally-rows.ts';
import type { ThreadStats } from '../session/questions.ts';
import type { Snapshot } from './snapshot.ts';

export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** A snapshot with what several metrics need of it. */
export interface Prepared extends Snapshot {
  readonly functions: ReadonlyMap<string, TallyRow>;
  readonly running: readonly ThreadStats[];
}

/** One metric of the page. */
export interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram' | 'summary';
  readonly values: (snapshot: Prepared) => MetricValue[];
}

/** Functions that share what is counted: those without a row of their own. No function is shown under this name. */
export const REST_LABEL = '(other)';
/** Names come from strangers and may have 8 KiB. */
const LABEL_CHARS_MAX = 128;

const utf8 = new TextDecoder();

function labelOf(name: Uint8Array | null): string {
  if (name === null) return REST_LABEL;
  const text = utf8.decode(name);
  return text.length <= LABEL_CHARS_MAX ? text : `${text.slice(0, LABEL_CHARS_MAX - 1)}…`;
}

/**
 * Rows by label. Names that give the same label (bytes that are no UTF-8, very long ones, the label of the rest) are
 * added up, because a page with one label twice is no page at all.
 */
export function byLabel(rows: readonly TallyRow[]): Map<string, TallyRow> {
  const labelled = new Map<string, TallyRow>();
  for (const row of rows) {
    const label = labelOf(row.name);
    const known = labelled.get(label);
    labelled.set(label, known === undefined ? row : sumOf(known, row));
  }
  return labelled;
}

function sumOf(a: TallyRow, b: TallyRow): TallyRow {
  const add = (x: Float64Array, y: Float64Array): Float64Array =>
    x.map((value, index) => value + (y[index] as number));
  const now = add(a.now, b.now);
  now[Gauge.OLDEST_MS] = Math.max(
    a.now[Gauge.OLDEST_MS] as number,
    b.now[Gauge.OLDEST_MS] as number,
  );
  return { name: a.name, now, counts: add(a.counts, b.counts) };
}

/**
 * A histogram from buckets that are not cumulative. Bucket b holds times below 4^b units; `unitSeconds` is a unit,
 * `sum` in units.
 */
export function histogramValues(
  name: string,
  labels: MetricValue['labels'],
  buckets: ArrayLike<number>,
  sum: number,
  unitSeconds: number,
): MetricValue[] {
  const values: MetricValue[] = [];
  let count = 0;
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    count += buckets[bucket] as number;
    const isLast = bucket === BUCKET_COUNT - 1;
    const le = isLast ? '+Inf' : Number((4 ** bucket * unitSeconds).toPrecision(6));
    values.push({ value: count, labels: { ...labels, le }, metricName: `${name}_bucket` });
  }
  values.push({ value: sum * unitSeconds, labels, metricName: `${name}_sum` });
  values.push({ value: count, labels, metricName: `${name}_count` });
  return values;
}

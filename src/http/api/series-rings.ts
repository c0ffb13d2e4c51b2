/**
 * The history of functions: rings of one hour in steps of 5 s and one day in steps of 60 s, for all functions together
 * and for 200 of them, each point seven float32 (FIELDS). Rule: at most 12 MiB; the oldest ring whose function has gone
 * gives way to a new function.
 */

import { Count } from '../../broker/function-stats.ts';
import { COUNTS_AT, Gauge } from '../../broker/function-stats-rows.ts';
import { bucketsOf, type Figures } from './figures.ts';

export const SAMPLE_MS = 5_000;
const FUNCTIONS_MAX = 200;

export const SPANS = {
  hour: { stepMs: SAMPLE_MS, points: 720 },
  day: { stepMs: 60_000, points: 1_440 },
} as const;
export type Span = keyof typeof SPANS;

/** Values of a point: rates per second, then values of the moment, then milliseconds. NaN: not measured. */
export const FIELDS = [
  'in',
  'done',
  'failed',
  'queued',
  'running',
  'waitP99Ms',
  'runP99Ms',
] as const;
type Point = readonly number[];

/** Points by time, the youngest at `#last`; a step that was left out is NaN. */
class Ring {
  readonly #stepMs: number;
  readonly #points: number;
  readonly #values: Float32Array;
  #before: { readonly tickMs: number; readonly row: Float64Array } | null = null;
  /** Number of the step of the youngest point. */
  #last = -1;

  constructor({ stepMs, points }: (typeof SPANS)[Span]) {
    this.#stepMs = stepMs;
    this.#points = points;
    this.#values = new Float32Array(points * FIELDS.length).fill(Number.NaN);
  }

  /** Adds a point when the step is another one than that of the last point. */
  add(tickMs: number, row: Float64Array): void {
    const step = Math.floor(tickMs / this.#stepMs);
    if (step <= this.#last) return;
    const from = Math.max(this.#last + 1, step - this.#points + 1);
    for (let left = this.#last < 0 ? step : from; left < step; left++)
      this.#set(
        left,
        FIELDS.map(() => Number.NaN),
      );
    this.#set(step, pointOf(this.#before, tickMs, row));
    this.#last = step;
    this.#before = { tickMs, row: row.slice() };
  }

  /** Values of a field up to the step of a time, the oldest first; the points before the first one are null. */
  values(field: number, tickMs: number): (number | null)[] {
    const end = Math.floor(tickMs / this.#stepMs);
    return Array.from({ length: this.#points }, (_, i) => {
      const step = end - this.#points + 1 + i;
      if (step < 0 || step > this.#last || step <= this.#last - this.#points) return null;
      const value = this.#values[(step % this.#points) * FIELDS.length + field] as number;
      return Number.isNaN(value) ? null : Number(value.toPrecision(6));
    });
  }

  #set(step: number, point: Point): void {
    this.#values.set(point, (step % this.#points) * FIELDS.length);
  }
}

function pointOf(
  before: { readonly tickMs: number; readonly row: Float64Array } | null,
  tickMs: number,
  row: Float64Array,
): Point {
  const rate = (at: number) => {
    if (before === null) return Number.NaN;
    const more = (row[at] as number) - (before.row[at] as number);
    // A shard was started again, or the function was created anew.
    return more < 0 ? Number.NaN : (more * 1_000) / (tickMs - before.tickMs);
  };
  const p99 = (first: number) =>
    before === null
      ? Number.NaN
      : percentileMs(bucketsOf(before.row, first), bucketsOf(row, first), 0.99);
  return [
    ...[rate(Gauge.CREATED), rate(COUNTS_AT + Count.COMPLETED), rate(COUNTS_AT + Count.FAILED)],
    ...[row[Gauge.QUEUED] as number, row[Gauge.RUNNING] as number],
    ...[p99(Count.WAIT_BUCKETS), p99(Count.RUN_BUCKETS)],
  ];
}

/**
 * The time below which a part of the new times lies, evenly spread within a bucket (b: from 4^(b-1) to below 4^b ms; of
 * the last one its lower end). NaN without new times.
 */
export function percentileMs(
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  part: number,
): number {
  const counts = Array.from(after, (count, b) => count - (before[b] as number));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0 || counts.some((count) => count < 0)) return Number.NaN;
  let left = total * part;
  for (const [b, count] of counts.entries()) {
    const from = b === 0 ? 0 : 4 ** (b - 1);
    if (b === counts.length - 1) return from;
    if (left <= count) return from + (4 ** b - from) * (left / count);
    left -= count;
  }
  return Number.NaN;
}

class Rings {
  readonly #rings = { hour: new Ring(SPANS.hour), day: new Ring(SPANS.day) };
  /** When the function was there last. */
  seenMs = 0;

  add(tickMs: number, row: Float64Array): void {
    this.#rings.hour.add(tickMs, row);
    this.#rings.day.add(tickMs, row);
    this.seenMs = tickMs;
  }

  of(span: Span, tickMs: number): Record<(typeof FIELDS)[number], (number | null)[]> {
    const ring = this.#rings[span];
    const columns = FIELDS.map((field, at) => [field, ring.values(at, tickMs)]);
    return Object.fromEntries(columns) as ReturnType<Rings['of']>;
  }
}

export class SeriesRings {
  readonly #all = new Rings();
  readonly #byName = new Map<string, Rings>();
  #last: Pick<Figures, 'tickMs' | 'atMs'> = { tickMs: 0, atMs: Date.now() };

  add({ tickMs, atMs, sum, rows }: Pick<Figures, 'tickMs' | 'atMs' | 'sum' | 'rows'>): void {
    this.#all.add(tickMs, sum);
    for (const [name, row] of rows) this.#ringsOf(name, tickMs)?.add(tickMs, row);
    this.#last = { tickMs, atMs };
  }

  /** Null: this function is not measured. `name` null: all functions together. */
  of(name: string | null, span: Span) {
    const rings = name === null ? this.#all : this.#byName.get(name);
    if (rings === undefined) return null;
    const { tickMs, atMs } = this.#last;
    return { stepMs: SPANS[span].stepMs, endMs: atMs, ...rings.of(span, tickMs) };
  }

  #ringsOf(name: string, tickMs: number): Rings | undefined {
    let rings = this.#byName.get(name);
    if (rings !== undefined) return rings;
    if (this.#byName.size >= FUNCTIONS_MAX && !this.#giveUpOne(tickMs)) return undefined;
    rings = new Rings();
    this.#byName.set(name, rings);
    return rings;
  }

  /** Gives up the rings of the function that has been gone for the longest time; false: all are there. */
  #giveUpOne(tickMs: number): boolean {
    let oldest: [string, Rings] | null = null;
    for (const entry of this.#byName)
      if (oldest === null || entry[1].seenMs < oldest[1].seenMs) oldest = entry;
    // Those of this sample may come after this one.
    if (oldest === null || oldest[1].seenMs >= tickMs - 2 * SAMPLE_MS) return false;
    return this.#byName.delete(oldest[0]);
  }
}

/** The history of functions: rates, times, steps, and the limit of functions. */
import { expect, it } from 'vitest';
import { Count } from '../../../../src/broker/function-stats.ts';
import { COUNTS_AT, Gauge, ROW_NUMBERS } from '../../../../src/broker/function-stats-rows.ts';
import { percentileMs, SeriesRings } from '../../../../src/http/api/series-rings.ts';

const START_MS = 60_000;

/** A row with some numbers. */
function rowOf(numbers: Readonly<Record<number, number>>): Float64Array {
  const row = new Float64Array(ROW_NUMBERS);
  for (const [at, value] of Object.entries(numbers)) row[Number(at)] = value;
  return row;
}

const figures = (
  tickMs: number,
  sum: Float64Array,
  rows: Iterable<readonly [string, Float64Array]> = [],
) => ({ tickMs, atMs: 1_000_000 + tickMs, sum, rows: new Map(rows) });

it('has rates per second, values of the moment, and percentiles of new times', () => {
  const rings = new SeriesRings();
  const bucket = COUNTS_AT + Count.WAIT_BUCKETS + 3;
  rings.add(figures(START_MS, rowOf({ [Gauge.CREATED]: 100, [Gauge.QUEUED]: 7 })));
  rings.add(
    figures(
      START_MS + 5_000,
      rowOf({
        ...{ [Gauge.CREATED]: 150, [Gauge.QUEUED]: 9, [Gauge.RUNNING]: 2 },
        ...{ [COUNTS_AT + Count.COMPLETED]: 20, [COUNTS_AT + Count.FAILED]: 5, [bucket]: 100 },
      }),
    ),
  );
  const series = rings.of(null, 'hour');
  expect(series).toMatchObject({ stepMs: 5_000, endMs: 1_000_000 + START_MS + 5_000 });
  expect(series?.in).toHaveLength(720);
  expect(series?.in.slice(-3)).toEqual([null, null, 10]);
  expect(series?.done.at(-1)).toBe(4);
  expect(series?.failed.at(-1)).toBe(1);
  expect(series?.queued.slice(-3)).toEqual([null, 7, 9]);
  expect(series?.running.slice(-2)).toEqual([0, 2]);
  // Bucket 3 has times from 16 to below 64 ms.
  expect(series?.waitP99Ms.at(-1)).toBeCloseTo(16 + 48 * 0.99, 2);
  expect(series?.runP99Ms.at(-1)).toBeNull();
  const day = rings.of(null, 'day');
  expect([day?.stepMs, day?.queued.length, day?.queued.at(-1)]).toEqual([60_000, 1_440, 7]);
});

it('a step that was left out, and a counter that went back, are not measured', () => {
  const rings = new SeriesRings();
  for (const [after, created] of [
    [0, 10],
    [5_000, 20],
    [15_000, 40],
    [20_000, 5],
  ] as const)
    rings.add(figures(START_MS + after, rowOf({ [Gauge.CREATED]: created })));
  expect(rings.of(null, 'hour')?.in.slice(-5)).toEqual([null, 2, null, 2, null]);
});

it('forgets what is older than its span', () => {
  const rings = new SeriesRings();
  rings.add(figures(START_MS, rowOf({ [Gauge.QUEUED]: 1 })));
  rings.add(figures(START_MS + 719 * 5_000, rowOf({ [Gauge.QUEUED]: 2 })));
  expect(rings.of(null, 'hour')?.queued[0]).toBe(1);
  rings.add(figures(START_MS + 721 * 5_000, rowOf({ [Gauge.QUEUED]: 3 })));
  const values = rings.of(null, 'hour')?.queued.filter((value) => value !== null);
  expect(values).toEqual([2, 3]);
});

it('keeps 200 functions; the one that has been gone longest gives way', () => {
  const rings = new SeriesRings();
  const row = rowOf({ [Gauge.QUEUED]: 1 });
  const names = Array.from({ length: 201 }, (_, i) => `f${i}`);
  const rows = (some: readonly string[]) => some.map((name) => [name, row] as const);
  rings.add(figures(START_MS, row, rows(names)));
  expect(rings.of('f199', 'hour')).not.toBeNull();
  expect(rings.of('f200', 'hour')).toBeNull();
  for (let i = 1; i <= 3; i++)
    rings.add(figures(START_MS + i * 5_000, row, rows(names.filter((name) => name !== 'f7'))));
  expect(rings.of('f7', 'hour')).toBeNull();
  expect(rings.of('f200', 'hour')?.queued.at(-1)).toBe(1);
});

it('a percentile lies in the bucket of the time', () => {
  const none = Array<number>(12).fill(0);
  const one = (b: number, count: number) => none.map((_, at) => (at === b ? count : 0));
  expect(percentileMs(none, none, 0.99)).toBeNaN();
  expect(percentileMs(one(2, 5), none, 0.99)).toBeNaN();
  expect(percentileMs(none, one(0, 10), 0.5)).toBe(0.5);
  expect(percentileMs(none, one(11, 1), 0.99)).toBe(4 ** 10);
  const mixed = none.map((_, at) => (at === 1 ? 98 : at === 4 ? 2 : 0));
  expect(percentileMs(none, mixed, 0.99)).toBe(64 + 192 * 0.5);
});

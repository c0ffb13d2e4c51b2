/** Lines of functions' metrics, against the text format of Prometheus (0.0.4). */
import { expect, it } from 'vitest';
import { BUCKET_COUNT, Count } from '../../../src/broker/function-stats.ts';
import {
  COUNTS_AT,
  type FunctionStatsRow,
  Gauge,
  ROW_NUMBERS,
} from '../../../src/broker/function-stats-rows.ts';
import { functionMetrics } from '../../../src/http/function-metrics.ts';
import { addRow } from '../../../src/http/function-rows.ts';

const text = new TextDecoder();

/** A row in the middle of the numbers of its piece. */
function row(name: string | null, values: Readonly<Record<number, number>>): FunctionStatsRow {
  const numbers = new Float64Array(3 * ROW_NUMBERS).fill(1e6);
  numbers.fill(0, ROW_NUMBERS, 2 * ROW_NUMBERS);
  for (const [field, value] of Object.entries(values)) numbers[ROW_NUMBERS + Number(field)] = value;
  return { name, numbers, at: ROW_NUMBERS };
}

function page(...rows: FunctionStatsRow[]): { pieces: string[]; lines: string[] } {
  const functions = new Map<string, FunctionStatsRow>();
  for (const one of rows) addRow(functions, one);
  const pieces = Array.from(functionMetrics(functions), (piece) => text.decode(piece));
  return { pieces, lines: pieces.join('').split('\n') };
}

it('adds the buckets of a histogram up, and tells times in seconds', () => {
  const buckets = COUNTS_AT + Count.WAIT_BUCKETS;
  const { lines } = page(
    row('resize', { [buckets]: 2, [buckets + 1]: 3, [buckets + BUCKET_COUNT - 1]: 1 }),
  );
  const waits = lines.filter((line) => line.startsWith('geartrain_job_wait_seconds'));
  expect(waits).toHaveLength(BUCKET_COUNT + 2);
  // A bucket holds times below 4^b milliseconds.
  for (const line of [
    'geartrain_job_wait_seconds_bucket{function="resize",le="0.001"} 2',
    'geartrain_job_wait_seconds_bucket{function="resize",le="0.004"} 5',
    'geartrain_job_wait_seconds_bucket{function="resize",le="1048.58"} 5',
    'geartrain_job_wait_seconds_bucket{function="resize",le="+Inf"} 6',
    'geartrain_job_wait_seconds_count{function="resize"} 6',
  ])
    expect(waits).toContain(line);
});

it('escapes what labels must not contain', () => {
  const { lines } = page(row('a"b\\c\nd', { [Gauge.QUEUED]: 7 }));
  expect(lines).toContain('geartrain_jobs_queued{function="a\\"b\\\\c\\nd"} 7');
});

it('shows jobs that wait for their next run, dead ones, and runs that are tried again', () => {
  const { lines } = page(
    row('f', { [Gauge.RETRYING]: 2, [Gauge.DEAD]: 3, [COUNTS_AT + Count.RETRIED]: 7 }),
  );
  expect(lines).toContain('geartrain_jobs_retrying{function="f"} 2');
  expect(lines).toContain('geartrain_jobs_dead{function="f"} 3');
  expect(lines).toContain('geartrain_jobs_retried_total{function="f"} 7');
});

it('shows the state of a gate only for functions that have one', () => {
  const { lines } = page(row('plain', {}), row('gated', { [Gauge.GATES]: 1, [Gauge.PAUSED]: 1 }));
  const states = lines.filter((line) => line.startsWith('geartrain_gate_state{'));
  expect(states).toEqual([
    'geartrain_gate_state{function="gated",state="paused"} 1',
    'geartrain_gate_state{function="gated",state="concurrency"} 0',
    'geartrain_gate_state{function="gated",state="rate"} 0',
    'geartrain_gate_state{function="gated",state="draining"} 0',
  ]);
});

it('adds rows of one label up, but for the age of the oldest job', () => {
  const { lines } = page(
    row(null, { [Gauge.QUEUED]: 1, [Gauge.OLDEST_MS]: 9000 }),
    row('(other)', { [Gauge.QUEUED]: 2, [Gauge.OLDEST_MS]: 4000 }),
  );
  expect(lines).toContain('geartrain_jobs_queued{function="(other)"} 3');
  expect(lines).toContain('geartrain_oldest_job_age_seconds{function="(other)"} 9');
});

it('comes in pieces of at most 64 KiB, each metric behind its own head', () => {
  const rows = Array.from({ length: 1500 }, (_, i) => row(`f${i}`, {}));
  const { pieces, lines } = page(...rows);
  expect(pieces.length).toBeGreaterThan(10);
  for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(65_536);
  let family = '';
  let valueCount = 0;
  for (const line of lines) {
    const head = /^# TYPE (\S+) /.exec(line);
    if (head !== null) family = head[1] as string;
    else if (line !== '' && !line.startsWith('#')) {
      expect(line.startsWith(family)).toBe(true);
      valueCount++;
    }
  }
  expect(valueCount).toBe(1500 * (11 + 2 * (BUCKET_COUNT + 2)));
});

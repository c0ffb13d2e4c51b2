import { describe, expect, it } from 'vitest';
import {
  JOB_SHIFT,
  Job,
  JobTable,
  NO_JOB,
  SEGMENT_MASK,
  SEGMENT_SHIFT,
} from '../../../src/broker/job-table.ts';
import { Random } from '../../support/random.ts';

const SEGMENT_ROWS = 65_536;
const SEGMENT_BYTES = SEGMENT_ROWS * 64;
/** Rows of the first segment: row 0 is not one. */
const FIRST_ROWS = SEGMENT_ROWS - 1;

/** What the system may do with memory that it is given back. */
const KINDS = [
  ['dropped', null],
  ['zeroed', (bytes: Uint8Array) => void bytes.fill(0)],
  ['left as it was', () => {}],
] as const;

function rowOf(table: JobTable, job: number): Uint32Array {
  const at = (job & SEGMENT_MASK) << JOB_SHIFT;
  return (table.segments[job >>> SEGMENT_SHIFT] as Uint32Array).subarray(at, at + 16);
}

function fill(table: JobTable, count: number): number[] {
  return Array.from({ length: count }, () => table.allocate());
}

function listed(table: JobTable): number[] {
  const jobs: number[] = [];
  for (let job = table.next(NO_JOB); job !== NO_JOB; job = table.next(job)) jobs.push(job);
  return jobs;
}

describe('JobTable', () => {
  it('gives out rows from 1 on, zero but for serials from 1 on', () => {
    const table = new JobTable({ discard: null });
    for (let n = 1; n <= 3; n++) {
      const job = table.allocate();
      expect(job).toBe(n);
      expect(table.serial(job)).toBe(n);
      expect([...rowOf(table, job)]).toEqual([n, ...new Array(15).fill(0)]);
    }
    expect([table.count, table.bytes]).toEqual([3, SEGMENT_BYTES]);
  });

  it('gives a row that was written to and freed out again as zero, under a new serial', () => {
    const table = new JobTable({ discard: null });
    const [, second] = fill(table, 3) as [number, number, number];
    rowOf(table, second).fill(0xffffffff, 2);

    table.free(second);
    const again = table.allocate();

    expect(again).toBe(second);
    expect([...rowOf(table, again)]).toEqual([4, ...new Array(15).fill(0)]);
  });

  it('takes memory only when a job needs it', () => {
    const table = new JobTable({ discard: null });
    expect([table.bytes, table.segments.length]).toEqual([0, 0]);
    fill(table, FIRST_ROWS);
    expect(table.bytes).toBe(SEGMENT_BYTES);
    expect(table.allocate()).toBe(SEGMENT_ROWS);
    expect(table.bytes).toBe(2 * SEGMENT_BYTES);
  });

  it('never moves a row while it grows', () => {
    const table = new JobTable({ discard: null });
    const row = rowOf(table, table.allocate());
    row[Job.WORKLOAD_BYTES] = 77;
    fill(table, 3 * SEGMENT_ROWS);
    expect(rowOf(table, 1).buffer).toBe(row.buffer);
    expect(rowOf(table, 1)[Job.WORKLOAD_BYTES]).toBe(77);
  });

  it('takes a row of the lowest segment that has one', () => {
    const table = new JobTable({ discard: null });
    fill(table, FIRST_ROWS + 2 * SEGMENT_ROWS + 10);
    const freed = [2 * SEGMENT_ROWS + 5, 40, SEGMENT_ROWS + 9, 20];
    for (const job of freed) table.free(job);
    expect(fill(table, 5).map((job) => job >>> SEGMENT_SHIFT)).toEqual([0, 0, 1, 2, 3]);
  });

  it('refuses to free a row twice', () => {
    const table = new JobTable({ discard: null });
    const [job] = fill(table, 2) as [number, number];
    table.free(job);
    expect(() => table.free(job)).toThrow('row is not live');
    expect(table.count).toBe(1);
  });

  it('lists live rows in rising order over free rows and free segments', () => {
    const table = new JobTable({ discard: null });
    fill(table, FIRST_ROWS + 2 * SEGMENT_ROWS + 10);
    const kept = [1, 500, SEGMENT_ROWS - 1, 3 * SEGMENT_ROWS, 3 * SEGMENT_ROWS + 9];
    const isKept = new Set(kept);
    for (const job of listed(table)) if (!isKept.has(job)) table.free(job);
    expect(listed(table)).toEqual(kept);
    expect(table.next(SEGMENT_ROWS * 7)).toBe(NO_JOB);
  });

  it('goes on listing when the row that it stood on is freed', () => {
    const table = new JobTable({ discard: null });
    fill(table, 3);
    const first = table.next(NO_JOB);
    table.free(first);
    expect(table.next(first)).toBe(2);
  });
});

describe('JobTable.isFull', () => {
  it('says that every row which fits into a handle is taken, until one is freed', () => {
    const table = new JobTable({ discard: null }, 0, 2);
    fill(table, FIRST_ROWS);
    expect(table.isFull).toBe(false);
    fill(table, SEGMENT_ROWS);
    expect(table.isFull).toBe(true);
    expect(() => table.allocate()).toThrow(/all are there/);
    table.free(17);
    expect(table.isFull).toBe(false);
    expect(table.allocate()).toBe(17);
    expect(table.isFull).toBe(true);
  });
});

describe('JobTable serials', () => {
  it.each([2 ** 31 - 2, 2 ** 32 - 2, 3 * 2 ** 32 - 2, 2 ** 53 - 5])('go on above %i', (last) => {
    const table = new JobTable({ discard: null }, last);
    const jobs = fill(table, 4);
    expect(jobs.map((job) => table.serial(job))).toEqual([1, 2, 3, 4].map((n) => last + n));
    expect(jobs.every((job, i) => table.isLive(job, last + i + 1))).toBe(true);
    expect(listed(table)).toEqual(jobs);
    for (const job of jobs) table.free(job);
    expect(jobs.some((job, i) => table.isLive(job, last + i + 1))).toBe(false);
    expect(table.count).toBe(0);
  });

  it('that differ in the upper half alone are different', () => {
    const table = new JobTable({ discard: null }, 2 ** 32);
    const job = table.allocate();
    expect(table.isLive(job, 2 ** 32 + 1)).toBe(true);
    expect(table.isLive(job, 1)).toBe(false);
  });
});

describe('JobTable.isLive', () => {
  const nonsense = [-1, -0, 0.5, 1.5, NaN, Infinity, -Infinity, 2 ** 32, 2 ** 32 + 1, 2 ** 53];

  it('knows a live job by its number and serial', () => {
    const table = new JobTable({ discard: null });
    const job = table.allocate();
    expect(table.isLive(job, 1)).toBe(true);
    expect(table.isLive(job, 2)).toBe(false);
  });

  it('denies whatever a stranger may make up', () => {
    const table = new JobTable({ discard: null });
    fill(table, 3);
    table.free(2);
    for (const serial of [0, 1, 2, 3, ...nonsense]) {
      for (const job of [0, 2, 4, 65_535, 65_536, 0x7fffffff, 0xffffffff, ...nonsense]) {
        expect(table.isLive(job, serial), `${job} ${serial}`).toBe(false);
      }
    }
    for (const serial of [0, ...nonsense]) expect(table.isLive(1, serial)).toBe(false);
  });

  it.each(KINDS)('denies the old serial after the memory was %s and taken again', (_, discard) => {
    const table = new JobTable({ discard });
    const jobs = fill(table, FIRST_ROWS + 2 * SEGMENT_ROWS);
    for (const job of jobs) table.free(job);
    while (table.trim());
    const isAnyLive = () => jobs.some((job, i) => table.isLive(job, i + 1));
    expect(isAnyLive()).toBe(false);
    fill(table, jobs.length);
    expect(isAnyLive()).toBe(false);
  });
});

describe('JobTable.trim', () => {
  it('gives back one free segment a call, the last first, and keeps one', () => {
    const discarded: Uint8Array[] = [];
    const table = new JobTable({ discard: (bytes) => discarded.push(bytes) });
    for (const job of fill(table, FIRST_ROWS + 3 * SEGMENT_ROWS)) table.free(job);
    expect(table.bytes).toBe(4 * SEGMENT_BYTES);

    expect([table.trim(), table.trim(), table.trim(), table.trim()]).toEqual([
      true,
      true,
      true,
      false,
    ]);

    expect(table.bytes).toBe(SEGMENT_BYTES);
    expect(discarded.map((bytes) => bytes.byteLength)).toEqual(new Array(3).fill(SEGMENT_BYTES));
    expect(discarded.map((bytes) => bytes.buffer)).toEqual(
      [3, 2, 1].map((segment) => table.segments[segment]?.buffer),
    );
  });

  it('leaves a segment with a single job alone', () => {
    const table = new JobTable({ discard: null });
    fill(table, FIRST_ROWS + 2 * SEGMENT_ROWS);
    for (const job of listed(table)) if (job !== 2 * SEGMENT_ROWS) table.free(job);
    expect([table.trim(), table.trim()]).toEqual([true, false]);
    expect(table.isLive(2 * SEGMENT_ROWS, 2 * SEGMENT_ROWS)).toBe(true);
    expect(table.bytes).toBe(2 * SEGMENT_BYTES);
  });

  it('does nothing while no segment is free', () => {
    const table = new JobTable({ discard: null });
    expect(table.trim()).toBe(false);
    table.allocate();
    expect(table.trim()).toBe(false);
  });

  it.each(KINDS)('serves zeroed rows from memory that was %s', (_, discard) => {
    const table = new JobTable({ discard });
    const count = FIRST_ROWS + 2 * SEGMENT_ROWS;
    const jobs = fill(table, count);
    for (const job of jobs) rowOf(table, job).fill(job, 2);
    for (const job of jobs) table.free(job);
    while (table.trim());

    const again = fill(table, count);

    expect(new Set(again).size).toBe(count);
    const dirty = again.filter((job) =>
      rowOf(table, job)
        .subarray(2)
        .some((word) => word !== 0),
    );
    expect(dirty).toEqual([]);
    expect(table.bytes).toBe(3 * SEGMENT_BYTES);
  });
});

describe('JobTable against a model', () => {
  it.each(KINDS)('agrees with a Map through fills and drains, memory %s', (_, discard) => {
    const random = new Random(11);
    const table = new JobTable({ discard });
    const live: number[] = [];
    const serials = new Map<number, number>();
    let lastSerial = 0;
    const faults: string[] = [];
    for (let step = 0; step < 400_000; step++) {
      const isFilling = step % 200_000 < 120_000;
      if (live.length === 0 || random.below(100) < (isFilling ? 85 : 5)) {
        const job = table.allocate();
        const row = rowOf(table, job);
        if (serials.has(job)) faults.push(`${step}: job ${job} is given out twice`);
        if (table.serial(job) !== ++lastSerial) faults.push(`${step}: serial of job ${job}`);
        if (row[Job.FLAGS] !== 0 || row[Job.NEXT] !== 0) faults.push(`${step}: row is not zero`);
        row.fill(job, 2);
        serials.set(job, lastSerial);
        live.push(job);
      } else {
        const at = random.below(live.length);
        const job = live[at] as number;
        live[at] = live[live.length - 1] as number;
        live.pop();
        const serial = serials.get(job) as number;
        if (!table.isLive(job, serial)) faults.push(`${step}: job ${job} is not live`);
        if (rowOf(table, job)[Job.SINCE_MS] !== job) faults.push(`${step}: row ${job} has changed`);
        table.free(job);
        serials.delete(job);
        if (table.isLive(job, serial)) faults.push(`${step}: freed job ${job} is live`);
      }
      if (step % 1000 === 0) table.trim();
      if (table.count !== live.length) faults.push(`${step}: count`);
    }
    expect(faults).toEqual([]);
    expect(listed(table)).toEqual(live.sort((a, b) => a - b));
    for (const job of live) table.free(job);
    while (table.trim());
    expect([table.count, table.bytes]).toEqual([0, SEGMENT_BYTES]);
  });
});

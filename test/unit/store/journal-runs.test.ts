/** What a journal keeps of the runs of jobs: appends with runs, updates, and the segments that they are written to. */
import { crc32 as crcOfZlib } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/base/assert.ts';
import { StoredJob, type StoredRuns } from '../../../src/store/stored-job.ts';
import { copyOf } from '../../support/hand-store.ts';
import {
  JournalBench,
  type JournalPlan,
  jobNumbered,
  type Kept,
  numberOf,
  partsNumbered,
  runsNumbered,
  versionOf,
} from '../../support/journal-bench.ts';
import { systemError } from '../../support/memory-files.ts';

/** With this size a chunk has 512 bytes, which is also how much the compactor reads at once. */
const SEGMENT_BYTES = 4096;

function started(plan: JournalPlan = {}): JournalBench {
  const bench = new JournalBench(undefined, { segmentBytes: SEGMENT_BYTES, ...plan });
  bench.start();
  return bench;
}

/** A started journal that has stored jobs 1 to `count`. */
function filled(count: number, plan: JournalPlan = {}): JournalBench {
  const bench = started(plan);
  for (let number = 1; number <= count; number++) bench.append(number);
  bench.rest();
  return bench;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Number and version of each job. */
const versions = (kept: readonly Kept[]) =>
  Object.fromEntries(kept.map(({ job }) => [numberOf(job), versionOf(job)]));

const restarted = (bench: JournalBench) => versions(bench.next().start());

/** Version in the head of each segment, as entry.ts says: at offset 8, and in the copy 32 bytes later. */
function heads(bench: JournalBench): number[] {
  const logs = bench.files.paths.filter((path) => path.endsWith('.log'));
  return logs.map((path) => {
    const bytes = bench.files.contents(path);
    expect(bytes[40], path).toBe(bytes[8]);
    return bytes[8] as number;
  });
}

const withRuns = (number: number, runs: StoredRuns): StoredJob =>
  StoredJob.of({ ...partsNumbered(number), runs });

describe('the runs of a job', () => {
  const least = {
    ...{ attempts: 0, losses: 0, dueMs: 0, delayMs: 0, isDead: false },
    details: Buffer.from(''),
  };
  const most = {
    ...{ attempts: 1000, losses: 65_535, dueMs: 1_900_000_000_000.5, delayMs: 30 * 86_400_000 },
    isDead: true,
    details: Buffer.alloc(64 * 1024, 0xa5),
  };

  it('come back with every field, appended or updated, with and without a reducer', () => {
    const bench = started({ segmentBytes: 1 << 18 });
    // Numbers that 7 divides have a reducer.
    const jobs = [withRuns(1, least), withRuns(7, most), withRuns(2, most), withRuns(14, least)];
    for (const [i, job] of jobs.entries()) {
      if (i < 2) bench.journal.append(job, i + 1, true);
      else {
        const reference = bench.journal.append(jobNumbered(numberOf(job)), i + 1, true);
        bench.journal.update(job, reference, 1_000_000, true);
      }
    }
    while (bench.journal.health.uncommitted > 0) {
      bench.journal.flush(0);
      bench.files.run();
    }
    const kept = bench.next().start();
    expect(kept.map(({ job }) => copyOf(job))).toEqual(jobs.map(copyOf));
  });

  it.each([
    ['attempts', { ...least, attempts: 1001 }],
    ['attempts', { ...least, attempts: -1 }],
    ['losses', { ...least, losses: 65_536 }],
    ['details', { ...least, details: new Uint8Array(64 * 1024 + 1) }],
  ])('beyond the limits are a bug of the caller: %s', (_, runs) => {
    const { journal } = started({ segmentBytes: 1 << 18 });
    expect(() => journal.append(withRuns(1, runs), 1, true)).toThrow(AssertionError);
  });

  it('are what an update is for', () => {
    const bench = filled(1);
    const reference = bench.references.get(1) as number;
    expect(() => bench.journal.update(jobNumbered(1), reference, 9, true)).toThrow(AssertionError);
    const stranger = withRuns(2, least);
    expect(() => bench.journal.update(stranger, reference + 1, 9, true)).toThrow(AssertionError);
  });
});

describe('an update', () => {
  it('is stored only when it is synced, and counts as uncommitted until then', () => {
    const bench = filled(1);
    expect(bench.update(1, 5)).toBe(true);
    expect(bench.journal.health).toMatchObject({ uncommitted: 1, jobs: 1 });
    let synced = 0;
    bench.files.fault = (operation) => {
      if (operation === 'sync') synced++;
      if (operation === 'sync') expect(bench.updated).toEqual([]);
      return null;
    };
    bench.rest();
    expect(synced).toBeGreaterThan(0);
    bench.files.fault = () => null;
    expect(bench.updated).toEqual([{ number: 1, version: 5, isStored: true }]);
    expect(bench.journal.health).toMatchObject({ uncommitted: 0, jobs: 1, committed: 2 });
    expect(restarted(bench)).toEqual({ 1: 5 });
  });

  it('waits for the flush interval when nobody waits for it', () => {
    const bench = started({ relaxedMs: 50 });
    bench.nowMs = 5000;
    bench.append(1);
    bench.rest();
    bench.update(1, 5, false);
    expect(bench.turn()).toBe(5050);
    bench.update(1, 6, true);
    bench.rest();
    expect(bench.updated).toHaveLength(2);
  });

  it('takes the place of the one before, in one commit and in several', () => {
    const bench = filled(3);
    for (const version of [11, 12, 13]) bench.update(1, version);
    for (const version of [21, 22]) {
      bench.update(2, version);
      bench.rest();
    }
    bench.rest();
    expect(bench.updated.map(({ version }) => version)).toEqual([11, 12, 13, 21, 22]);
    expect(restarted(bench)).toEqual({ 1: 13, 2: 22, 3: 0 });
  });

  it.each([
    ['waits', () => {}],
    ['is being written', (bench: JournalBench) => bench.turn()],
  ])('may come while the first put of its job %s', (_, meanwhile) => {
    const bench = started();
    bench.append(1);
    meanwhile(bench);
    bench.update(1, 5);
    bench.append(2);
    bench.rest();
    expect([...bench.stored]).toEqual([1, 2]);
    expect(bench.updated).toEqual([{ number: 1, version: 5, isStored: true }]);
    expect(restarted(bench)).toEqual({ 1: 5, 2: 0 });
  });

  it('keeps the place of its job in the order of submits', () => {
    const bench = filled(3);
    bench.update(1, 5);
    bench.rest();
    const kept = bench.next().start();
    expect(kept.map(({ job }) => numberOf(job))).toEqual([1, 2, 3]);
  });

  it('of a job that a restart gave back is an update like others', () => {
    const bench = filled(1);
    bench.update(1, 5);
    bench.rest();
    const next = bench.next();
    next.start();
    next.update(1, 6);
    next.rest();
    expect(restarted(next)).toEqual({ 1: 6 });
  });
});

describe('a forget after an update', () => {
  it.each([
    ['in one commit', (bench: JournalBench) => bench.append(2)],
    ['in the next commit', (bench: JournalBench) => bench.turn()],
    // A chunk has room for one of these: the forget must not be written with the first one.
    ['when other puts are written before the update', (bench: JournalBench) => bench.turn()],
  ])('is final %s', (name, meanwhile) => {
    const bench = filled(1);
    if (name.includes('before')) {
      bench.turn();
      for (let number = 10; number < 14; number++) bench.append(number, 500);
      bench.update(1, 5);
      bench.forget(1);
    } else {
      bench.update(1, 5);
      meanwhile(bench);
      bench.forget(1);
    }
    bench.rest();
    expect(bench.updated).toHaveLength(1);
    expect(bench.journal.health.uncommitted).toBe(0);
    expect(restarted(bench)).not.toHaveProperty('1');
  });

  it('is final when the first put and the update are in different commits', () => {
    const bench = started();
    bench.append(1, 500);
    bench.append(2, 500);
    bench.update(1, 5);
    bench.update(1, 6);
    bench.forget(1);
    bench.rest();
    // The slot of job 1 is used again.
    bench.append(3);
    bench.rest();
    expect(bench.journal.health).toMatchObject({ jobs: 2, uncommitted: 0 });
    expect(restarted(bench)).toEqual({ 2: 0, 3: 0 });
  });
});

describe('segments', () => {
  it('have version 1 while no job has runs, also after a restart', () => {
    let bench = filled(40);
    bench = bench.next();
    bench.start();
    for (let number = 41; number <= 80; number++) bench.append(number);
    bench.rest();
    expect(new Set(heads(bench))).toEqual(new Set([1]));
  });

  it('have version 2 from the first job with runs on, although spares were made before', () => {
    const bench = filled(5);
    expect(heads(bench)).toEqual([1]);
    bench.update(5, 7);
    bench.rest();
    expect(heads(bench)).toEqual([1, 2]);
    for (let number = 6; number <= 150; number++) bench.append(number);
    bench.rest();
    expect(heads(bench).slice(0, 3)).toEqual([1, 2, 2]);
    expect(new Set(heads(bench).slice(1))).toEqual(new Set([2]));
    expect(restarted(bench)).toMatchObject({ 4: 0, 5: 7, 6: 0, 150: 0 });
  });

  it('have version 2 after a job that is appended with runs', () => {
    const bench = started();
    bench.append(1, 40, true, 7);
    bench.rest();
    expect(heads(bench)).toEqual([2]);
    expect(restarted(bench)).toEqual({ 1: 7 });
  });

  it('have version 2 from the start on in a directory of format 2, but for the one that is continued', () => {
    const before = filled(5);
    before.files.kill();
    const bench = new JournalBench(before.files, { ...before.plan, isVersion2: true });
    bench.start();
    bench.append(6);
    bench.rest();
    expect(heads(bench)).toEqual([1]);
    for (let number = 7; number <= 60; number++) bench.append(number);
    bench.rest();
    expect(heads(bench)).toEqual([1, ...heads(bench).slice(1).fill(2)]);
    expect(Object.keys(restarted(bench))).toHaveLength(60);
  });

  it('get their version before their name: when it cannot be written the update is refused', () => {
    const bench = filled(5);
    bench.files.fault = (operation) => (operation === 'sync' ? systemError('EIO') : null);
    bench.update(5, 7);
    bench.rest();
    expect(bench.updated).toEqual([{ number: 5, version: 7, isStored: false }]);
    expect(heads(bench)).toEqual([1]);
    bench.files.fault = () => null;
    bench.nowMs += 10_000;
    expect(bench.update(5, 8)).toBe(true);
    bench.rest();
    expect(heads(bench)).toEqual([1, 2]);
    expect(restarted(bench)).toMatchObject({ 4: 0, 5: 8 });
  });

  it('are refused when a later version wrote them', () => {
    const bench = filled(1);
    const path = bench.files.paths.find((name) => name.endsWith('.log')) as string;
    const bytes = bench.files.contents(path).slice();
    // The head of entry.ts: version 3, with the sum of its first 28 bytes.
    const head = Buffer.from(
      '6774 6a6f 7572 6e6c 0300 0000 0100 0000 175a 0000 0000 0000 0000 0000'.replaceAll(' ', ''),
      'hex',
    );
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crcOfZlib(head));
    for (const at of [0, 32]) bytes.set(Buffer.concat([head, sum]), at);
    bench.files.place(path, bytes);
    expect(() => bench.next().start()).toThrow(/its format is 3, this version reads 1 and 2/);
  });
});

describe('a journal that is compacted', () => {
  /** Stores and forgets so many jobs that old segments are moved. */
  function churn(bench: JournalBench, from: number): void {
    for (let number = from; number < from + 600; number++) {
      bench.append(number);
      bench.rest();
      bench.forget(number);
    }
    bench.rest();
  }
  const segmentCount = (bench: JournalBench) => heads(bench).length;

  it('moves the last update of a job, not what it had before in the same segment', () => {
    const bench = started({ isVersion2: true });
    bench.append(1);
    // More than is read at once lies between the put and its updates.
    for (let number = 2; number <= 12; number++) bench.append(number);
    bench.rest();
    bench.update(1, 5);
    bench.update(2, 6);
    bench.update(1, 7);
    bench.rest();
    expect(segmentCount(bench)).toBe(1);
    for (let number = 3; number <= 12; number++) bench.forget(number);
    churn(bench, 100);
    expect(segmentCount(bench)).toBeLessThanOrEqual(4);
    expect(bench.files.paths).not.toContain('journal/000000000001.log');
    expect(restarted(bench)).toEqual({ 1: 7, 2: 6 });
  });

  it('keeps what a job had before an update that failed', () => {
    const bench = filled(1, { isVersion2: true });
    bench.update(1, 5);
    bench.rest();
    bench.files.fault = (operation) => (operation === 'write' ? systemError('EIO') : null);
    bench.update(1, 6);
    bench.rest();
    bench.files.fault = () => null;
    bench.nowMs += 10_000;
    expect(bench.updated.at(-1)).toEqual({ number: 1, version: 6, isStored: false });
    churn(bench, 100);
    expect(bench.files.paths).not.toContain('journal/000000000001.log');
    expect(restarted(bench)).toEqual({ 1: 5 });
  });

  it('deletes segments whose jobs were updated elsewhere', () => {
    const bench = filled(60);
    for (let number = 1; number <= 60; number++) {
      bench.update(number, number);
      bench.rest();
    }
    expect(heads(bench)).not.toContain(1);
    expect(Object.values(restarted(bench))).toEqual(upTo(60));
  });

  it('keeps updates that come while their job is moved', () => {
    // Whatever the operation before which it comes.
    for (let when = 1; when <= 60; when++) {
      const bench = filled(1);
      let version = 0;
      for (let number = 100; number < 400; number++) {
        bench.append(number);
        bench.turn();
        for (let left = 60; !bench.files.isIdle; left--) {
          if (left === when) bench.update(1, ++version);
          bench.files.step();
        }
        bench.rest();
        bench.forget(number);
      }
      bench.rest();
      expect(bench.updated.filter(({ isStored }) => !isStored)).toEqual([]);
      expect(restarted(bench)).toEqual({ 1: version });
    }
  });
});

it('a segment of version 1 with much room does not keep spares from being made for version 2', () => {
  const bench = started();
  bench.files.fault = (operation) => (operation === 'syncFolder' ? systemError('EIO') : null);
  // A segment is made for this job, but has no entry in the end.
  bench.append(1, 100_000);
  bench.rest();
  expect([...bench.refused]).toEqual([1]);
  bench.files.fault = () => null;
  bench.nowMs += 10_000;
  for (let number = 2; number <= 500; number++) bench.append(number);
  bench.rest();
  expect(heads(bench)).toEqual([1]);
  bench.update(2, 5);
  bench.rest();
  expect(bench.updated).toEqual([{ number: 2, version: 5, isStored: true }]);
});

describe('a journal whose disk is full', () => {
  it.each([
    ['before the first segment of version 2', false, 290],
    ['in segments of version 2', true, 100],
  ])('refuses updates %s, keeps the jobs as they were, and commits every forget', (...plan) => {
    const [, isVersion2, jobs] = plan;
    const bench = started({ isVersion2 });
    bench.files.capacity = 40_000;
    for (let number = 1; number <= jobs && bench.append(number); number++) bench.rest();
    bench.rest();
    const last = bench.references.size;
    let version = 0;
    while (version < 500 && bench.update((version % last) + 1, version + 1)) {
      version++;
      bench.rest();
    }
    expect(version > 10).toBe(isVersion2);
    expect(version).toBeLessThan(500);
    const stored = new Map(
      bench.updated.filter((one) => one.isStored).map((one) => [one.number, one.version]),
    );
    const next = bench.next();
    const kept = Object.entries(versions(next.start())).map(([number, at]) => [Number(number), at]);
    expect(kept).toEqual(upTo(last).map((number) => [number, stored.get(number) ?? 0]));

    for (const done of [...next.references.keys()].slice(1)) {
      next.forget(done);
      next.rest();
    }
    expect(next.journal.health).toMatchObject({ uncommitted: 0, jobs: 1 });
    next.files.capacity = Number.POSITIVE_INFINITY;
    next.nowMs += 1000;
    next.rest();
    next.update(1, 599);
    next.rest();
    next.nowMs += 1000;
    expect(next.update(1, 600)).toBe(true);
    next.rest();
    expect(restarted(next)).toEqual({ 1: 600 });
  });
});

describe('a journal whose disk fails', () => {
  it.each(['write', 'sync', 'rename', 'syncFolder'] as const)(
    'refuses updates when %s fails, never loses their jobs, and takes them again later',
    (operation) => {
      const bench = filled(20, { segmentBytes: 1024 });
      bench.files.fault = (at) => (at === operation ? systemError('EIO') : null);
      for (let number = 1; number <= 20; number++) {
        bench.update(number, number);
        bench.rest();
      }
      const refused = bench.updated.filter(({ isStored }) => !isStored);
      expect(refused.length).toBeGreaterThan(0);
      for (let number = 1; number <= 5; number++) bench.forget(number);
      bench.files.fault = () => null;
      bench.nowMs += 10_000;
      bench.rest();
      bench.nowMs += 10_000;
      expect(bench.update(20, 77)).toBe(true);
      bench.rest();
      expect(bench.journal.health).toMatchObject({ uncommitted: 0, jobs: 15 });
      const kept = restarted(bench);
      expect(Object.keys(kept).map(Number)).toEqual(upTo(20).slice(5));
      for (const { number } of refused.filter(({ number: n }) => n > 5 && n < 20))
        expect([0, number]).toContain(kept[number]);
      expect(kept[20]).toBe(77);
    },
  );

  it('takes no update of a job whose put it has refused, also before the server knows', () => {
    for (const operation of ['sync', 'rename'] as const) {
      const bench = started();
      bench.files.fault = (at) => (at === operation ? systemError('EIO') : null);
      bench.append(1);
      bench.append(2);
      bench.update(2, 4);
      bench.journal.flush(bench.nowMs);
      bench.files.run();
      bench.files.fault = () => null;
      bench.nowMs += 10_000;
      expect(bench.update(1, 5)).toBe(false);
      bench.rest();
      expect([...bench.refused]).toEqual([1, 2]);
      expect(bench.updated).toEqual([{ number: 2, version: 4, isStored: false }]);
      bench.rest();
      expect(bench.journal.health).toMatchObject({ uncommitted: 0, jobs: 0 });
      expect(restarted(bench)).toEqual({});
    }
  });

  it('writes the forget of a job whose update it has refused', () => {
    const bench = filled(2);
    bench.append(3);
    bench.turn();
    bench.update(1, 5);
    bench.forget(1);
    bench.files.fault = (at) => (at === 'write' ? systemError('EIO') : null);
    bench.files.run();
    bench.turn();
    expect(bench.updated).toEqual([{ number: 1, version: 5, isStored: false }]);
    bench.files.fault = () => null;
    bench.nowMs += 10_000;
    bench.rest();
    expect(restarted(bench)).toEqual({ 2: 0 });
  });

  it('counts a job in its old segment when its move fails in a commit with its forget', () => {
    const bench = filled(30, { segmentBytes: 1024 });
    let tried = 0;
    for (let number = 100; number < 400; number++) {
      bench.append(number);
      bench.turn();
      while (!bench.files.isIdle) {
        // A segment is being read: its jobs are moved next, in a commit with this forget.
        const reads = bench.files.fault;
        bench.files.fault = (operation) => {
          if (operation === 'read' && bench.references.has(tried + 1)) bench.forget(++tried);
          return operation === 'write' && tried === 1 && bench.stored.has(number)
            ? systemError('EIO')
            : null;
        };
        bench.files.step();
        bench.files.fault = reads;
      }
      bench.rest();
      bench.nowMs += 10_000;
      bench.forget(number);
    }
    expect(tried).toBeGreaterThan(0);
    for (const number of [...bench.references.keys()]) bench.forget(number);
    bench.rest();
    expect(heads(bench)).toHaveLength(1);
  });
});

it('runs numbered differently are different', () => {
  const texts = Array.from({ length: 50 }, (_, i) => JSON.stringify(runsNumbered(i + 1)));
  expect(new Set(texts).size).toBe(50);
});

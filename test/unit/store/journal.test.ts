import { describe, expect, it } from 'vitest';
import { StoredJob } from '../../../src/store/stored-job.ts';
import { copyOf } from '../../support/hand-store.ts';
import {
  FOLDER,
  JournalBench,
  jobNumbered,
  numberOf,
  partsNumbered,
} from '../../support/journal-bench.ts';
import { systemError } from '../../support/memory-files.ts';

/** A started journal that has stored jobs 1 to `count`. */
function filled(count: number, plan = {}): JournalBench {
  const bench = new JournalBench(undefined, plan);
  bench.start();
  for (let number = 1; number <= count; number++) bench.append(number);
  bench.rest();
  return bench;
}

const numbers = (kept: { job: Parameters<typeof numberOf>[0] }[]) =>
  kept.map(({ job }) => numberOf(job));

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

const segments = (bench: JournalBench) => bench.files.paths.filter((path) => path.endsWith('.log'));

describe('a journal', () => {
  it('calls a job stored only when it is synced', () => {
    const bench = new JournalBench();
    bench.start();
    bench.append(1);
    bench.files.fault = (operation) => {
      if (operation === 'sync') expect(bench.stored.size).toBe(0);
      return null;
    };
    bench.rest();
    expect([...bench.stored]).toEqual([1]);
  });

  it('gives back every field of what it keeps, in order, and nothing that was forgotten', () => {
    const bench = filled(60);
    for (let number = 1; number <= 60; number += 2) bench.forget(number);
    bench.rest();
    const kept = bench.next().start();
    expect(kept.map(({ job }) => copyOf(job))).toEqual(
      Array.from({ length: 30 }, (_, i) => copyOf(jobNumbered(2 * i + 2))),
    );
  });

  describe('in a thread that has other work', () => {
    /** One commit has just begun and ended; then a job comes, in a turn with other work. */
    function busy(bytes?: number): JournalBench {
      const bench = new JournalBench(undefined, { segmentBytes: 1 << 21 });
      bench.start();
      bench.append(0);
      bench.rest();
      bench.append(1, bytes);
      bench.isAwake = false;
      expect(bench.journal.flush(bench.nowMs, false)).toBe(Number.POSITIVE_INFINITY);
      return bench;
    }
    const hasBegun = (bench: JournalBench) => !bench.files.isIdle;

    it('gathers puts for ten milliseconds, and asks to be called again', () => {
      const bench = busy();
      expect(hasBegun(bench)).toBe(false);
      expect(bench.isAwake).toBe(true);
      bench.journal.flush(bench.nowMs + 9.9, false);
      expect(hasBegun(bench)).toBe(false);
      bench.journal.flush(bench.nowMs + 10, false);
      expect(hasBegun(bench)).toBe(true);
    });

    it('begins as soon as there is no other work', () => {
      const bench = busy();
      bench.journal.flush(bench.nowMs, true);
      expect(hasBegun(bench)).toBe(true);
    });

    it('begins as soon as much waits', () => {
      expect(hasBegun(busy(100_000))).toBe(false);
      expect(hasBegun(busy(140_000))).toBe(true);
    });
  });

  it('commits what came meanwhile together', () => {
    const bench = new JournalBench(undefined, { segmentBytes: 1 << 20 });
    bench.start();
    bench.append(0);
    bench.rest();
    bench.append(1);
    bench.turn();
    for (let number = 2; number <= 50; number++) bench.append(number);
    bench.rest();
    expect(bench.journal.health.commits).toBe(3);
    expect(bench.stored.size).toBe(51);
  });

  it('keeps a job larger than a segment', () => {
    const bench = new JournalBench();
    bench.start();
    bench.append(1);
    bench.append(2, 50_000);
    bench.append(3);
    bench.rest();
    expect([...bench.stored]).toEqual([1, 2, 3]);
    expect(
      bench
        .next()
        .start()
        .map(({ job }) => job.workload.length),
    ).toEqual([40, 50_000, 40]);
  });

  it('forgets a job that ends before it is written, and never brings it back', () => {
    const bench = new JournalBench();
    bench.start();
    bench.append(1);
    bench.append(2);
    bench.forget(1);
    bench.rest();
    expect(numbers(bench.next().start())).toEqual([2]);
  });

  it('deletes segments that keep nothing and moves what few jobs keep alive', () => {
    const bench = filled(1);
    for (let number = 2; number <= 2000; number++) {
      bench.append(number);
      bench.rest();
      bench.forget(number);
    }
    bench.rest();
    expect(segments(bench).length).toBeLessThanOrEqual(4);
    expect(numbers(bench.next().start())).toEqual([1]);
  });

  it('keeps the order of submits when old jobs were moved behind new ones', () => {
    const bench = filled(4);
    for (let number = 5; number <= 600; number++) {
      bench.append(number);
      bench.rest();
      if (number % 100 !== 0) bench.forget(number);
    }
    bench.rest();
    const next = bench.next();
    expect(numbers(next.start())).toEqual([1, 2, 3, 4, 100, 200, 300, 400, 500, 600]);
    next.append(601);
    next.rest();
    expect(numbers(next.next().start()).at(-1)).toBe(601);
  });

  it('goes on in its last segment after a restart', () => {
    let bench = filled(3);
    for (let life = 0; life < 10; life++) {
      bench = bench.next();
      bench.start();
      bench.append(100 + life);
      bench.rest();
    }
    expect(segments(bench).length).toBeLessThanOrEqual(2);
    expect(numbers(bench.next().start())).toHaveLength(13);
  });

  it('waits for the flush interval when nobody waits for it', () => {
    const bench = new JournalBench(undefined, { relaxedMs: 50 });
    bench.start();
    bench.nowMs = 5000;
    bench.append(1, 40, false);
    bench.rest();
    expect(bench.stored.size).toBe(1);
    bench.append(2, 40, false);
    expect(bench.turn()).toBe(5050);
    bench.files.run();
    expect(bench.stored.size).toBe(1);
    bench.nowMs = 5050;
    bench.rest();
    expect(bench.stored.size).toBe(2);
  });

  it('commits what waits when it is closed, and leaves no file open', () => {
    const bench = new JournalBench();
    bench.start();
    bench.append(1);
    bench.close();
    expect(bench.files.openFiles).toBe(0);
    expect(numbers(bench.next().start())).toEqual([1]);
  });
});

describe('a journal whose disk is full', () => {
  it('refuses jobs, commits every forget, and takes jobs again when there is room', () => {
    const bench = new JournalBench();
    bench.start();
    bench.files.capacity = 40_000;
    let number = 0;
    while (bench.append(++number)) bench.rest();
    expect(bench.references.size).toBeGreaterThan(100);
    expect(bench.lines.filter((line) => line.includes('ENOSPC'))).toHaveLength(1);
    for (const done of [...bench.references.keys()]) {
      bench.forget(done);
      bench.rest();
    }
    expect(bench.journal.health).toMatchObject({ uncommitted: 0, jobs: 0 });
    bench.nowMs += 1000;
    expect(bench.append(++number)).toBe(true);
    bench.rest();
    expect(bench.stored.has(number)).toBe(true);
    expect(numbers(bench.next().start())).toEqual([number]);
  });
});

describe('a journal whose disk fails', () => {
  it.each(['write', 'sync', 'rename', 'syncFolder'] as const)(
    'refuses what waits when %s fails, tries again later, and keeps what it promised',
    (operation) => {
      const bench = filled(20, { segmentBytes: 1024 });
      bench.files.fault = (at) => (at === operation ? systemError('EIO') : null);
      let refused = 0;
      for (let number = 21; number <= 80; number++) {
        if (!bench.append(number)) refused++;
        bench.rest();
      }
      expect(refused + bench.refused.size).toBeGreaterThan(0);
      for (let number = 1; number <= 10; number++) bench.forget(number);
      bench.rest();
      bench.files.fault = () => null;
      bench.nowMs += 10_000;
      bench.rest();
      bench.nowMs += 10_000;
      expect(bench.append(100)).toBe(true);
      bench.rest();
      expect(bench.journal.health.uncommitted).toBe(0);
      const promised = [...bench.stored].filter((number) => number > 10).sort((a, b) => a - b);
      expect(promised.at(-1)).toBe(100);
      expect(numbers(bench.next().start())).toEqual(promised);
    },
  );
});

describe('a damaged journal', () => {
  const whole = () => {
    const bench = filled(12, { segmentBytes: 4096 });
    bench.forget(3);
    bench.forget(4);
    bench.rest();
    return bench.files.contents(segments(bench)[0] as string).slice();
  };
  const read = (bytes: Uint8Array) => {
    const bench = new JournalBench();
    bench.files.place(`${FOLDER}/000000000001.log`, bytes);
    return { kept: numbers(bench.start()), lines: bench.lines, bench };
  };
  const usedEnd = (bytes: Uint8Array) => bytes.findLastIndex((byte) => byte !== 0) + 1;

  it('gives back what lies before the cut, wherever it is cut off', () => {
    const bytes = whole();
    let most = 0;
    for (let end = 0; end <= usedEnd(bytes); end++) {
      const { kept, bench } = read(bytes.subarray(0, end));
      // The forgets of 3 and 4 are the last entries.
      const gone = most < 12 || kept.length === 12 ? [] : kept.length === 11 ? [3] : [3, 4];
      expect(kept).toEqual(upTo(kept.length + gone.length).filter((n) => !gone.includes(n)));
      most = Math.max(most, kept.length);
      if (end % 16 !== 0) continue;
      bench.append(50);
      bench.rest();
      expect(numbers(bench.next().start()).at(-1)).toBe(50);
    }
    expect(most).toBe(12);
  });

  it('loses at most the entry in which a bit is flipped, and says where', () => {
    const bytes = whole();
    for (let at = 0; at < usedEnd(bytes); at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      const { kept, lines } = read(damaged);
      const missing = [1, 2, 5, 6, 7, 8, 9, 10, 11, 12].filter((number) => !kept.includes(number));
      expect(missing.length).toBeLessThanOrEqual(1);
      expect(kept).toEqual([...kept].sort((a, b) => a - b));
      // One of the two headers may be damaged without any loss.
      if (at >= 64) expect(lines.join('\n')).toMatch(/at offset \d+ (are damaged|were cut off)/);
    }
  });

  it('takes no entry out of a workload, even when the bytes around it are damaged', () => {
    const inner = whole().subarray(64);
    const bench = new JournalBench(undefined, { segmentBytes: 1 << 16 });
    bench.start();
    bench.journal.append(StoredJob.of({ ...partsNumbered(1), workload: inner }), 1, true);
    bench.append(2);
    bench.rest();
    const bytes = bench.files.contents(segments(bench)[0] as string).slice();
    bytes[64 + 30] = 0xff;
    for (let at = 4; at < 60_000; at += 4)
      if (bytes[at] === 0x17 && bytes[at + 1] === 0x5a) bytes[at] = 1;
    const other = new JournalBench();
    other.files.place(`${FOLDER}/000000000001.log`, bytes);
    expect(numbers(other.start()).filter((number) => number === 2)).toEqual([2]);
  });

  it('is not opened when a later version wrote it', () => {
    const bytes = whole();
    for (const at of [8, 40]) bytes[at] = 9;
    // Both headers have wrong sums now, so they count as damaged; entries are still read.
    expect(read(bytes).lines[0]).toMatch(/offset 0 are damaged/);
  });
});

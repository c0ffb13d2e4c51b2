import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { StoredJob } from '../../../src/store/stored-job.ts';
import { copyOf } from '../../support/hand-store.ts';
import {
  FOLDER,
  JournalBench,
  jobNumbered,
  partsNumbered,
  runsNumbered,
  SALT,
} from '../../support/journal-bench.ts';

/** A segment of version 1 as it was written when the format was made: jobs 5, 6 and 7, and the forget of 6. */
const VERSION_1 =
  'Z3Rqb3VybmwBAAAAAQAAABdaAAAAAAAAAAAAAG0VpExndGpvdXJubAEAAAABAAAAF1oAAAAAAAAAAAAAbRWkTMSr9vFgAAAAAQECAAAAAAAB' +
  'AAAAAAAAAABQgFb+vHhCCgAAACgAAABmdW5jdGlvbi0yNSB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eAAAAAAAAJcB' +
  'Z8NoAAAAAQEACAEAAAACAAAAAAAAAAAAAAAAAAAACgAAACgAAABmdW5jdGlvbi0wdW5pcXVlLTY2IHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4' +
  'eHh4eHh4eHh4eHh4eHh4AAAAAAAA/vi1DGAAAAABAQEAAgAAAAMAAAAAAAAAAAAAAAAAAAAKAAYAKAAAAGZ1bmN0aW9uLTFyZWR1Y2U3IHh4' +
  'eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4Y5LOtxgAAAACAQAAAQAAAAIAAAAAAAAA';

/** As it lies on the disk: a segment is written in its whole length when it is made. */
const SEGMENT_BYTES = 4096;
const segmentOfVersion1 = (): Buffer => {
  const entries = Buffer.from(VERSION_1, 'base64');
  return Buffer.concat([entries, Buffer.alloc(SEGMENT_BYTES - entries.length)]);
};

describe('the format of journals', () => {
  it('of version 1 is read for ever', () => {
    const bench = new JournalBench();
    bench.files.place(`${FOLDER}/000000000001.log`, segmentOfVersion1());
    const kept = bench.start();
    expect(bench.lines).toEqual([]);
    expect(kept.map(({ job }) => copyOf(job))).toEqual([5, 7].map((n) => copyOf(jobNumbered(n))));
    expect(kept.map(({ reference, order }) => [reference, order])).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  it('of version 1 is what is written today', () => {
    const bench = new JournalBench();
    bench.start();
    for (const number of [5, 6, 7]) bench.append(number);
    bench.rest();
    bench.forget(6);
    bench.rest();
    const written = Buffer.from(VERSION_1, 'base64');
    const path = bench.files.paths.find((name) => name.endsWith('.log')) as string;
    expect(Buffer.from(bench.files.contents(path).subarray(0, written.length))).toEqual(written);
  });
});

/**
 * A segment of version 2, put together from the layout in entry.ts: job 5 with runs of version 7 that were its first
 * put, and job 6, which has a put without runs and then an update, the first of the journal.
 */
function segmentOfVersion2(): Buffer {
  const runs = (details: string, revision: number, dead: number) =>
    bytesOf(
      f64(1_800_000_000_007),
      f64(10.5),
      u64(revision),
      u16(7),
      u16(49),
      u32(details.length),
      [dead, 0, 0, 0, 0, 0, 0, 0],
    );
  const job5 = bytesOf(f64(1_700_000_000_005), u16(10), u16(0), u32(20));
  const job6 = bytesOf(f64(0), u16(10), u16(0), u32(20));
  const data5 = Buffer.from('function-25 '.padEnd(10 + 20, 'x'));
  const data6 = Buffer.from(`function-0unique-6${'6 '.padEnd(20, 'x')}`);
  const details = '7 '.padEnd((7 * 37) % 600, 'e');
  const entries = [
    entry(3, 2, [2, 0], 0, 1, job5, runs(details, 0, 0), data5, Buffer.from(details)),
    entry(1, 1, [0, 8], 1, 2, job6, data6),
    entry(3, 2, [0, 8], 1, 2, job6, runs(details, 1, 0), data6, Buffer.from(details)),
  ];
  const head = bytesOf(Buffer.from('gtjournl'), u32(2), u32(1), u32(SALT), u64(0));
  const sealed = bytesOf(head, u32(crc32(head)));
  return bytesOf(sealed, sealed, ...entries);
}

const bytesOf = (...parts: (Buffer | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));
const number = (size: number, write: (to: Buffer) => void): Buffer => {
  const to = Buffer.alloc(size);
  write(to);
  return to;
};
const u16 = (value: number) => number(2, (to) => to.writeUInt16LE(value));
const u32 = (value: number) => number(4, (to) => to.writeUInt32LE(value));
const u64 = (value: number) => number(8, (to) => to.writeBigUInt64LE(BigInt(value)));
const f64 = (value: number) => number(8, (to) => to.writeDoubleLE(value));

function entry(
  kind: number,
  version: number,
  [priority, uniqueBytes]: readonly [number, number],
  slot: number,
  id: number,
  ...parts: Buffer[]
): Buffer {
  const rest = bytesOf([kind, version, priority, uniqueBytes], u32(slot), u64(id), ...parts);
  const byteCount = Math.ceil((8 + rest.length) / 8) * 8;
  const summed = bytesOf(u32(byteCount), rest, Buffer.alloc(byteCount - 8 - rest.length));
  return bytesOf(u32(crc32(summed, SALT)), summed);
}

/** The jobs of that segment. */
const JOBS_OF_VERSION_2 = [5, 6].map((job) =>
  StoredJob.of({ ...partsNumbered(job, 20), runs: runsNumbered(7) }),
);

describe('the format of journals with runs', () => {
  it('is read for ever', () => {
    const bench = new JournalBench();
    const entries = segmentOfVersion2();
    const bytes = Buffer.concat([entries, Buffer.alloc(SEGMENT_BYTES - entries.length)]);
    bench.files.place(`${FOLDER}/000000000001.log`, bytes);
    const kept = bench.start();
    expect(bench.lines).toEqual([]);
    expect(kept.map(({ job }) => copyOf(job))).toEqual(JOBS_OF_VERSION_2.map(copyOf));
  });

  it('is what is written today', () => {
    const bench = new JournalBench(undefined, { isVersion2: true });
    bench.start();
    bench.append(5, 20, true, 7);
    bench.append(6, 20);
    bench.update(6, 7);
    bench.rest();
    const written = segmentOfVersion2();
    const path = bench.files.paths.find((name) => name.endsWith('.log')) as string;
    expect(Buffer.from(bench.files.contents(path).subarray(0, written.length))).toEqual(written);
  });
});

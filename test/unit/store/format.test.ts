import { describe, expect, it } from 'vitest';
import { copyOf } from '../../support/hand-store.ts';
import { FOLDER, JournalBench, jobNumbered } from '../../support/journal-bench.ts';

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

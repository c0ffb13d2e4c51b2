import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COMMIT_BYTES_MAX,
  COMMIT_HEAD_BYTES_MAX,
  decodeCommit,
  encodeCommit,
  entryBytes,
  INLINE_WORKLOAD_BYTES_MAX,
} from '../../../src/cluster/commit.ts';
import { type Commit, type Entry, EntryKind, type Put } from '../../../src/cluster/entries.ts';
import { DETAILS_BYTES_MAX } from '../../../src/store/stored-job.ts';

const number = fc.nat(Number.MAX_SAFE_INTEGER);
const text = (maxLength: number) =>
  fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
    maxLength,
  });
const key = fc.record({ epoch: number, serial: number });
const bytes = fc.uint8Array({ maxLength: 40 });
const time = fc.double({ noNaN: true });
const runs = fc.record({
  attempts: fc.nat(1000),
  losses: fc.nat(65_535),
  isDead: fc.boolean(),
  dueMs: time,
  delayMs: time,
  details: bytes,
});
const word = fc.nat(0xffff_ffff);
const put = fc.record<Put>({
  kind: fc.constant(EntryKind.PUT),
  key,
  functionName: text(300),
  unique: text(64),
  reducer: text(300),
  priority: fc.nat(2),
  startMs: time,
  runs: fc.option(runs),
  submit: fc.record({ home: text(64), number }),
  workload: fc.oneof(bytes, fc.record({ count: word, crc: word, byteCount: number })),
});
const forget = fc.record({ kind: fc.constant(EntryKind.FORGET), key });
const answered = fc.record({
  kind: fc.constant(EntryKind.ANSWERED),
  home: text(64),
  lowest: number,
  jobs: fc.array(fc.tuple(number, key), { maxLength: 5 }),
});
const entries = fc.array<Entry>(fc.oneof(put, forget, answered), { maxLength: 6 });
const commit = fc.record<Commit>({ epoch: number, number, writer: text(64), entries });

describe('a commit', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(commit, (one) => {
        expect(decodeCommit(encodeCommit(one))).toEqual(one);
      }),
    );
  });

  it('has the bytes that its entries are said to have', () => {
    fc.assert(
      fc.property(commit, (one) => {
        const head = encodeCommit({ ...one, entries: [] }).length;
        const sum = one.entries.reduce((total, entry) => total + entryBytes(entry), 0);
        expect(encodeCommit(one)).toHaveLength(head + sum);
        expect(head).toBeLessThanOrEqual(COMMIT_HEAD_BYTES_MAX);
      }),
    );
  });

  it('is refused when a bit is wrong, a byte is missing or one is added', () => {
    fc.assert(
      fc.property(commit, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, place, bits) => {
        const good = encodeCommit(one);
        const wrong = good.slice();
        wrong[place % wrong.length] = (wrong[place % wrong.length] as number) ^ bits;
        expect(decodeCommit(wrong)).toBeNull();
        expect(decodeCommit(good.subarray(0, place % good.length))).toBeNull();
        expect(decodeCommit(new Uint8Array([...good, bits]))).toBeNull();
      }),
    );
  });

  it('is null for any other bytes, also those with a good crc', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(40), (tail, entryCount) => {
        expect(decodeCommit(tail)).toBeNull();
        const head = encodeCommit({ epoch: 1, number: 1, writer: 'a', entries: [] });
        const forged = withCrc(new Uint8Array([...head, ...tail]), entryCount);
        const read = decodeCommit(forged);
        if (read !== null) expect(encodeCommit(read)).toEqual(forged);
      }),
      { numRuns: 2000 },
    );
  });

  it('claims no memory for entries that it does not have', () => {
    const head = encodeCommit({ epoch: 1, number: 1, writer: 'a', entries: [] });
    expect(decodeCommit(withCrc(head, 0xffff_ffff))).toBeNull();
    const entry = { kind: EntryKind.ANSWERED, home: 'h', lowest: 1, jobs: [] };
    const forged = encodeCommit({ epoch: 1, number: 1, writer: 'a', entries: [entry] });
    forged.fill(255, forged.length - 4);
    expect(decodeCommit(withCrc(forged, 1))).toBeNull();
  });

  it('has room for every put whose workload is not kept in parts', () => {
    const largest: Put = {
      kind: EntryKind.PUT,
      key: { epoch: 1, serial: 1 },
      functionName: 'f'.repeat(65_535),
      unique: 'u'.repeat(64),
      reducer: 'r'.repeat(65_535),
      priority: 2,
      startMs: 0,
      runs: {
        attempts: 1,
        losses: 1,
        isDead: false,
        dueMs: 0,
        delayMs: 0,
        details: new Uint8Array(DETAILS_BYTES_MAX),
      },
      submit: { home: 'h'.repeat(64), number: 1 },
      workload: new Uint8Array(INLINE_WORKLOAD_BYTES_MAX),
    };
    const one = { epoch: 1, number: 1, writer: 'w'.repeat(64), entries: [largest] };
    expect(encodeCommit(one).length).toBeLessThanOrEqual(COMMIT_BYTES_MAX);
  });

  it('of version 1 stays as it is', () => {
    const one: Commit = {
      epoch: 2,
      number: 3,
      writer: 'a.1',
      entries: [{ kind: EntryKind.FORGET, key: { epoch: 1, serial: 258 } }],
    };
    expect(Buffer.from(encodeCommit(one)).toString('hex')).toMatch(
      /^01000000.{8}020000000000000003000000000000000100000003612e310201000000000000000201000000000000$/,
    );
  });
});

/** `bytes` with another number of entries and the crc that fits. */
function withCrc(bytes: Uint8Array, entryCount: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(24, entryCount, true);
  view.setUint32(4, crc32(bytes.subarray(8)), true);
  return bytes;
}

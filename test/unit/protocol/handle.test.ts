import { describe, expect, it } from 'vitest';
import { bytesOf, latin1 } from '../../../src/base/bytes.ts';
import {
  BOOTS,
  BOOTS_PER_RUN,
  HANDLE_PREFIX_BYTES_MAX,
  HandleCodec,
  SERIALS_PER_BOOT,
} from '../../../src/protocol/handle.ts';
import { HANDLE_BYTES_MAX } from '../../../src/protocol/limits.ts';

const BOOT = 1_700_000_000;
const codec = new HandleCodec('H:node', BOOT, 3);
const HEAD = `H:node:${BOOT}`;
const SLOT1 = '00000001';

function written(writer: HandleCodec, slot: number, serial: number): string {
  const bytes = new Uint8Array(80).fill(0x2a);
  const byteCount = writer.encode(slot, serial);
  const end = writer.write(bytes, 5);
  expect(end - 5).toBe(byteCount);
  expect(latin1(bytes, end, 80)).toBe('*'.repeat(80 - end));
  return latin1(bytes, 5, end);
}

function parsed(reader: HandleCodec, text: string): readonly number[] | null {
  const bytes = bytesOf(`x${text}y`);
  return reader.parse(bytes, 1, 1 + text.length)
    ? [reader.shard, reader.slot, reader.serial]
    : null;
}

describe('a handle', () => {
  it.each([
    [1, 1],
    [9, 10],
    [10, 9],
    [99, 100],
    [999, 1_000],
    [9_999, 10_000],
    [99_999, 100_000],
    [999_999, 1_000_000],
    [9_999_999, 10_000_000],
    [99_999_999, 99_999_999],
    [1, 100_000_000],
    [1, 999_999_999],
    [1, 0x7fff_ffff],
    [1, 0x8000_0000],
    [1, 0x1_0000_0000],
    [12_345_678, 12_345_600_000_001],
    [123_456, SERIALS_PER_BOOT - 1],
  ])('of slot %i and serial %i is read as it was written', (slot, serial) => {
    const text = written(codec, slot, serial);
    expect(text).toBe(`${HEAD}03${String(slot).padStart(8, '0')}${serial}`);
    expect(parsed(codec, text)).toEqual([3, slot, serial]);
  });

  it('is digits alone after its prefix, as clients and monitoring match it', () => {
    expect(written(codec, 4711, 815)).toMatch(/^H:node:\d+$/);
  });

  it('moves its boot number on when 14 digits of serial are spent, and back for older jobs', () => {
    const steps: [number, string][] = [
      [SERIALS_PER_BOOT - 1, `${BOOT}03${SLOT1}99999999999999`],
      [SERIALS_PER_BOOT, `${BOOT + 1}03${SLOT1}0`],
      [SERIALS_PER_BOOT + 1, `${BOOT + 1}03${SLOT1}1`],
      [7, `${BOOT}03${SLOT1}7`],
      [2 * SERIALS_PER_BOOT + 123_456_789_012, `${BOOT + 2}03${SLOT1}123456789012`],
      [Number.MAX_SAFE_INTEGER, `${BOOT + 90}03${SLOT1}7199254740991`],
      [100_000_001, `${BOOT}03${SLOT1}100000001`],
      [100_000_000, `${BOOT}03${SLOT1}100000000`],
      [99_999_999, `${BOOT}03${SLOT1}99999999`],
    ];
    for (const [serial, digits] of steps) {
      const text = written(codec, 1, serial);
      expect(text).toBe(`H:node:${digits}`);
      expect(parsed(codec, text)).toEqual([3, 1, serial]);
    }
    expect(BOOT + 90).toBeLessThan(BOOT + BOOTS_PER_RUN);
  });

  it('has a boot number of ten digits, also when they begin anew', () => {
    const last = new HandleCodec('H:node', BOOTS - 1, 3);
    const text = written(last, 1, SERIALS_PER_BOOT + 5);
    expect(text).toBe(`H:node:000000000003${SLOT1}5`);
    expect(parsed(last, text)).toEqual([3, 1, SERIALS_PER_BOOT + 5]);
    expect(written(new HandleCodec('H:node', 17, 3), 1, 5)).toBe(`H:node:000000001703${SLOT1}5`);
  });

  it('says which shard it is of, to every shard of the run', () => {
    const other = new HandleCodec('H:node', BOOT, 15);
    expect(parsed(codec, written(other, 7, 8))).toEqual([15, 7, 8]);
  });

  it('is at most 63 bytes with the longest prefix and the greatest numbers', () => {
    const long = new HandleCodec('p'.repeat(HANDLE_PREFIX_BYTES_MAX), BOOTS - 1, 31);
    const text = written(long, 99_999_999, SERIALS_PER_BOOT - 1);
    expect(text.length).toBe(HANDLE_BYTES_MAX);
    expect(parsed(long, text)).toEqual([31, 99_999_999, SERIALS_PER_BOOT - 1]);
  });

  it.each([
    ['nothing', ''],
    ['of the run before', `H:node:${BOOT - 1}03${SLOT1}1`],
    ['of the next run', `H:node:${BOOT + BOOTS_PER_RUN}03${SLOT1}1`],
    ['of another prefix', `H:nodf:${BOOT}03${SLOT1}1`],
    ['of gearmand', 'H:node:1'],
    ['without a serial', `${HEAD}03${SLOT1}`],
    ['that is only a head', HEAD],
    ['with a leading zero in its serial', `${HEAD}03${SLOT1}01`],
    ['with a letter in its boot number', `H:node:17x000000003${SLOT1}1`],
    ['with a letter in its shard', `${HEAD}0a${SLOT1}1`],
    ['with a letter in its slot', `${HEAD}030000000a1`],
    ['with a letter in its serial', `${HEAD}03${SLOT1}1a`],
    ['with a character below the digits', `${HEAD}03${SLOT1}1/1`],
    ['with a character above the digits', `${HEAD}03${SLOT1}1:1`],
    ['with a letter early in a long serial', `${HEAD}03${SLOT1}1a345678901234`],
    ['with a letter late in a long serial', `${HEAD}03${SLOT1}1234567890123a`],
    ['with a sign', `${HEAD}03${SLOT1}-1`],
    ['with a blank after it', `${HEAD}03${SLOT1}1 `],
    ['with a NUL after it', `${HEAD}03${SLOT1}1\0`],
    ['with a serial of 15 digits', `${HEAD}03${SLOT1}${'1'.repeat(15)}`],
    ['over 63 bytes', `${HEAD}03${SLOT1}${'1'.repeat(63)}`],
  ])('%s is none', (_what, text) => {
    expect(parsed(codec, text)).toBeNull();
  });

  it('may have any numbers: whether such a job lives is asked of its row', () => {
    expect(parsed(codec, `${HEAD}00000000000`)).toEqual([0, 0, 0]);
    expect(parsed(codec, `${HEAD}9999999999${'9'.repeat(14)}`)).toEqual([
      99, 99_999_999, 99_999_999_999_999,
    ]);
  });
});

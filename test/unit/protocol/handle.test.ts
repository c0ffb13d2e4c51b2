import { describe, expect, it } from 'vitest';
import { bytesOf, latin1 } from '../../../src/base/bytes.ts';
import { HANDLE_PREFIX_BYTES_MAX, HandleCodec } from '../../../src/protocol/handle.ts';
import { HANDLE_BYTES_MAX } from '../../../src/protocol/limits.ts';

const BOOT = 1_700_000_000;
const codec = new HandleCodec('H:node', BOOT, 3);
const HEAD = `H:node:${BOOT.toString(36)}.`;

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
    [35, 36],
    [36, 35],
    [0xffff_ffff, 1],
    [1295, 1296],
    [46655, 46656],
    [1, 0x7fff_ffff],
    [1, 0x8000_0000],
    [1, 0x1_0000_0000],
    [123456, Number.MAX_SAFE_INTEGER],
  ])('of slot %i and serial %i is read as it was written', (slot, serial) => {
    const text = written(codec, slot, serial);
    expect(text).toBe(`${HEAD}3.${slot.toString(36)}.${serial.toString(36)}`);
    expect(parsed(codec, text)).toEqual([3, slot, serial]);
  });

  it('says which shard it is of, to every shard of the run', () => {
    const other = new HandleCodec('H:node', BOOT, 15);
    expect(parsed(codec, written(other, 7, 8))).toEqual([15, 7, 8]);
  });

  it('is at most 63 bytes with the longest prefix and the greatest numbers', () => {
    const long = new HandleCodec('p'.repeat(HANDLE_PREFIX_BYTES_MAX), 36 ** 6 - 1, 16);
    const text = written(long, 0xffff_ffff, 36 ** 9);
    expect(text.length).toBeLessThanOrEqual(HANDLE_BYTES_MAX);
    expect(parsed(long, text)).toEqual([16, 0xffff_ffff, 36 ** 9]);
  });

  it.each([
    ['nothing', ''],
    ['of another run', `H:node:${(BOOT + 1).toString(36)}.3.1.1`],
    ['of another prefix', `H:nodf:${BOOT.toString(36)}.3.1.1`],
    ['of gearmand', 'H:node:1'],
    ['that is cut', `${HEAD}3.1.`],
    ['that is cut earlier', `${HEAD}3.1`],
    ['that is only a head', HEAD],
    ['with a fourth number', `${HEAD}3.1.1.1`],
    ['with an empty shard', `${HEAD}.1.11`],
    ['with an empty slot', `${HEAD}3..11`],
    ['with a leading zero in its shard', `${HEAD}03.1.1`],
    ['with a leading zero in its slot', `${HEAD}3.01.1`],
    ['with a leading zero in its serial', `${HEAD}3.1.01`],
    ['with a capital letter', `${HEAD}3.1.A`],
    ['with a sign', `${HEAD}3.1.-1`],
    ['with a blank behind it', `${HEAD}3.1.1 `],
    ['with a NUL behind it', `${HEAD}3.1.1\0`],
    ['with a serial beyond 2^53', `${HEAD}3.1.${'z'.repeat(11)}`],
    ['over 63 bytes', `${HEAD}3.1.${'1'.repeat(63)}`],
  ])('%s is none', (_what, text) => {
    expect(parsed(codec, text)).toBeNull();
  });

  it('may have any numbers: whether such a job lives is asked of its row', () => {
    expect(parsed(codec, `${HEAD}0.0.0`)).toEqual([0, 0, 0]);
    expect(parsed(codec, `${HEAD}3.${'z'.repeat(9)}.1`)).toEqual([3, 36 ** 9 - 1, 1]);
  });
});

/** The checksum of the journal's entries is that of zlib, whatever the length, the offset and the start. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crcOf } from '../../../src/store/journal/crc.ts';
import { entryBytesOf } from '../../../src/store/journal/entry-bytes.ts';
import { Random } from '../../support/random.ts';

describe('the checksum of entries', () => {
  it('is the known one of "123456789"', () => {
    expect(crcOf(entryBytesOf(Buffer.from('123456789')), 0, 9, 0)).toBe(0xcbf43926);
  });

  it('is what zlib says', () => {
    const random = new Random(7);
    const bytes = Uint8Array.from({ length: 2000 }, () => random.below(256));
    const entries = entryBytesOf(bytes);
    for (let length = 0; length < 1200; length++) {
      const at = random.below(600);
      const salt = random.below(0x1_0000_0000);
      const wanted = crc32(bytes.subarray(at, at + length), salt);
      expect(crcOf(entries, at, at + length, salt), `${length} bytes at ${at}`).toBe(wanted);
    }
  });
});

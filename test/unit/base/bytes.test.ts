import { describe, expect, it } from 'vitest';
import { bytesOf, copyBytes, equalBytes, latin1, ownCopy } from '../../../src/base/bytes.ts';
import { Random } from '../../support/random.ts';

const source = new Uint8Array(new Random(1).bytes(1000));

describe('copyBytes', () => {
  it('copies exactly the span, whatever its length and place', () => {
    for (let count = 0; count <= 260; count++) {
      const start = (count * 7) % 500;
      const at = 1 + (count % 5);
      const target = new Uint8Array(at + count + 9).fill(0xaa);

      const behind = copyBytes(target, at, source, start, start + count);

      expect(behind).toBe(at + count);
      const expected = new Uint8Array(target.length).fill(0xaa);
      for (let i = 0; i < count; i++) expected[at + i] = source[start + i] as number;
      expect(
        target.every((byte, i) => byte === expected[i]),
        `${count} bytes`,
      ).toBe(true);
    }
  });
});

describe('equalBytes', () => {
  it('compares the two spans and nothing beside them', () => {
    const other = source.slice();
    other[9] = (other[9] as number) ^ 1;
    other[20] = (other[20] as number) ^ 1;
    expect(equalBytes(source, 10, other, 10, 10)).toBe(true);
    expect(equalBytes(source, 10, other, 10, 11)).toBe(false);
    expect(equalBytes(source, 9, other, 9, 10)).toBe(false);
    expect(equalBytes(source, 0, other, 500, 0)).toBe(true);
  });

  it('compares spans at different places', () => {
    const bytes = Uint8Array.of(1, 2, 3, 0, 1, 2, 3);
    expect(equalBytes(bytes, 0, bytes, 4, 3)).toBe(true);
    expect(equalBytes(bytes, 0, bytes, 3, 3)).toBe(false);
  });
});

describe('latin1 and bytesOf', () => {
  it('turn each of the 256 bytes into one character and back', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const text = latin1(all, 0, 256);
    expect(text).toHaveLength(256);
    expect([...bytesOf(text)]).toEqual([...all]);
    expect(latin1(all, 0x41, 0x44)).toBe('ABC');
  });

  it('keep every byte of long text', () => {
    for (const count of [0, 1, 10, 11, 4095, 4096, 4097, 8192, 20_000]) {
      const bytes = new Uint8Array(new Random(2).bytes(count + 8));
      const text = latin1(bytes, 3, 3 + count);
      expect(text).toHaveLength(count);
      expect(ownCopy(bytesOf(text), 0, count)).toEqual(ownCopy(bytes, 3, 3 + count));
    }
  });
});

describe('ownCopy', () => {
  it('keeps its bytes when the source changes', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const copy = ownCopy(bytes, 1, 3);
    bytes.fill(9);
    expect([...copy]).toEqual([2, 3]);
  });
});

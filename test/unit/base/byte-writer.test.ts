import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../src/base/byte-writer.ts';

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe('ByteWriter', () => {
  it('keeps the order of text and bytes while it grows', () => {
    const writer = new ByteWriter(4);
    writer.text('ab').bytes(Buffer.from('cdef')).bytes(Buffer.from('xghix'), 1, 4);
    expect(writer.length).toBe(9);
    expect(textOf(writer.take())).toBe('abcdefghi');
  });

  it('writes each character as one byte', () => {
    expect([...new ByteWriter().text('\0é\xff').take()]).toEqual([0, 0xe9, 0xff]);
  });

  it('gives room to write in behind what is there', () => {
    const writer = new ByteWriter(1).text('>');
    const { bytes, at } = writer.reserve(3);
    bytes.set([1, 2, 3], at);
    writer.text('<');
    expect([...writer.take()]).toEqual([0x3e, 1, 2, 3, 0x3c]);
  });

  it('is empty after its bytes were taken, which stay as they are', () => {
    const writer = new ByteWriter().text('first');
    const first = writer.take();
    writer.text('other');
    expect(textOf(first)).toBe('first');
    expect(textOf(writer.take())).toBe('other');
    expect(writer.length).toBe(0);
  });
});

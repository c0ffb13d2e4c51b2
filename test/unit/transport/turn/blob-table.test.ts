import { describe, expect, test } from 'vitest';
import { BLOB_DROPPED, CONTROL_INTS, Control } from '../../../../src/protocol/batch.ts';
import { BlobTable } from '../../../../src/transport/turn/blob-table.ts';

const KIB = 1024;

function table(kibMax = 0) {
  const control = new Int32Array(CONTROL_INTS);
  control[Control.BLOB_KIB_MAX] = kibMax;
  return { control, blobs: new BlobTable(control), kib: () => control[Control.BLOB_KIB] };
}

describe('the blob table', () => {
  test('fills a blob as bytes arrive and counts what has arrived, not what was announced', () => {
    const { blobs, kib } = table();
    const id = blobs.open(100 * KIB * KIB);
    expect(kib()).toBe(0);
    blobs.append(id, new Uint8Array(3000).fill(1), 0, 3000);
    blobs.append(id, new Uint8Array(3000).fill(2), 1000, 3000);
    expect(blobs.bytes(id)).toBe(5000);
    expect(kib()).toBe(5);
    const target = new Uint8Array(4);
    blobs.read(id, 2998, target, 0, 4);
    expect([...target]).toEqual([1, 1, 2, 2]);
  });

  test('keeps its bytes while it grows', () => {
    const { blobs } = table();
    const id = blobs.open(300_000);
    for (let i = 0; i < 300; i++) blobs.append(id, new Uint8Array(1000).fill(i), 0, 1000);
    for (let i = 0; i < 300; i++) expect(blobs.view(id, i * 1000 + 500, 1)[0]).toBe(i & 0xff);
  });

  test('frees a blob with its last reference', () => {
    const { blobs, kib } = table();
    const id = blobs.from(Buffer.from('--abc--'), 2, 5);
    blobs.retain(id);
    blobs.release(id);
    expect(Buffer.from(blobs.view(id, 0, 3)).toString()).toBe('abc');
    expect([kib(), blobs.count]).toEqual([1, 1]);
    blobs.release(id);
    expect([kib(), blobs.count]).toEqual([0, 0]);
    expect(() => blobs.release(id)).toThrow('not alive');
  });

  test('copies what it is made from', () => {
    const { blobs } = table();
    const bytes = Buffer.from('abc');
    const id = blobs.from(bytes, 0, 3);
    bytes.fill(0);
    expect(Buffer.from(blobs.view(id, 0, 3)).toString()).toBe('abc');
  });

  test('drops a blob that is announced above the limit', () => {
    const { blobs, kib } = table(10);
    expect(blobs.open(11 * KIB)).toBe(BLOB_DROPPED);
    expect(blobs.append(BLOB_DROPPED, new Uint8Array(9), 0, 9)).toBe(BLOB_DROPPED);
    expect([kib(), blobs.count]).toEqual([0, 0]);
  });

  test('drops a blob that grows past the limit because others have grown as well', () => {
    const { blobs, kib } = table(10);
    const [first, second] = [blobs.open(9 * KIB), blobs.open(9 * KIB)];
    expect(blobs.append(first, new Uint8Array(6 * KIB), 0, 6 * KIB)).toBe(first);
    expect(blobs.append(second, new Uint8Array(6 * KIB), 0, 6 * KIB)).toBe(BLOB_DROPPED);
    expect([kib(), blobs.count]).toEqual([6, 1]);
  });

  test('does not bind blobs of our own to the limit', () => {
    const { blobs, kib } = table(10);
    blobs.from(new Uint8Array(20 * KIB), 0, 20 * KIB);
    expect(kib()).toBe(20);
  });

  test('refuses spans outside of a blob', () => {
    const { blobs } = table();
    const id = blobs.from(new Uint8Array(5), 0, 5);
    expect(() => blobs.view(id, 4, 2)).toThrow('out of range');
    expect(() => blobs.view(id, -1, 2)).toThrow('out of range');
    expect(() => blobs.bytes(id + 1)).toThrow('not alive');
  });
});

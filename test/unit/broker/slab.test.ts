import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, SLAB_BLOCK_MAX, Slab } from '../../../src/broker/slab.ts';
import { SLAB_BYTES_MAX, UNIQUE_BYTES_MAX } from '../../../src/protocol/limits.ts';
import { Random } from '../../support/random.ts';

const PAGE_BYTES = 65_536;
/** Pages of the first chunk: page 0 is never used. */
const FIRST_PAGES = CHUNK_BYTES / PAGE_BYTES - 1;

/** What the system may do with memory that it is given back. */
const KINDS = [
  ['dropped', null],
  ['zeroed', (bytes: Uint8Array) => void bytes.fill(0)],
  ['scribbled over', (bytes: Uint8Array) => void bytes.fill(0xee)],
] as const;

function fill(slab: Slab, count: number, bytes: number): number[] {
  return Array.from({ length: count }, () => slab.allocate(bytes));
}

/** Page of a block over all chunks, found by its place in the memory of its chunk. */
function pageOf(slab: Slab, ref: number): number {
  return Math.floor(slab.offsetOf(ref) / PAGE_BYTES);
}

/** Distance between two blocks that are given out one after the other and lie in the same page. */
function blockBytes(slab: Slab, bytes: number): number {
  let [first, second] = fill(slab, 2, bytes) as [number, number];
  while (pageOf(slab, first) !== pageOf(slab, second))
    [first, second] = [second, slab.allocate(bytes)];
  return slab.offsetOf(second) - slab.offsetOf(first);
}

describe('Slab', () => {
  it('never gives out reference 0 and takes memory only when it is asked for a block', () => {
    const slab = new Slab({ discard: null });
    expect([slab.bytes, slab.usedBlocks]).toEqual([0, 0]);
    const refs = fill(slab, 10_000, 16);
    expect(refs.includes(0)).toBe(false);
    expect([slab.bytes, slab.usedBlocks]).toEqual([CHUNK_BYTES, 10_000]);
  });

  it('gives blocks that are large enough and waste at most a fifth, four bytes if small', () => {
    const slab = new Slab({ discard: null });
    for (let bytes = 1; bytes <= SLAB_BLOCK_MAX; bytes += bytes < 2048 ? 1 : 251) {
      const block = blockBytes(slab, bytes);
      expect(block).toBeGreaterThanOrEqual(bytes);
      expect(block, `${bytes}`).toBeLessThanOrEqual(Math.max(16, bytes * 1.25, bytes + 3));
    }
  });

  it('knows four sizes a doubling', () => {
    const slab = new Slab({ discard: null });
    const sizes = new Set<number>();
    for (let bytes = 1; bytes <= 128; bytes++) sizes.add(blockBytes(slab, bytes));
    expect([...sizes]).toEqual([16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128]);
  });

  it('holds the greatest workload together with the longest unique', () => {
    const slab = new Slab({ discard: null });
    const ref = slab.allocate(SLAB_BYTES_MAX + UNIQUE_BYTES_MAX);
    expect(slab.chunkOf(ref).byteLength - slab.offsetOf(ref)).toBeGreaterThanOrEqual(16_448);
  });

  it.each([0, -1, SLAB_BLOCK_MAX + 1, Number.NaN])('refuses a block of %d bytes', (bytes) => {
    const slab = new Slab({ discard: null });
    expect(() => slab.allocate(bytes)).toThrow('size is out of range');
  });

  it('refuses to free a block of a page that has none in use', () => {
    const slab = new Slab({ discard: null });
    const ref = slab.allocate(100);
    slab.free(ref);
    expect(() => slab.free(ref)).toThrow('its page has none');
    expect(() => slab.free(0)).toThrow('its page has none');
    expect(slab.usedBlocks).toBe(0);
  });

  it('keeps blocks of one size in a page', () => {
    const slab = new Slab({ discard: null });
    const small = fill(slab, 100, 16);
    const large = fill(slab, 3, 20_000);
    expect(new Set(small.map((ref) => pageOf(slab, ref)))).toEqual(new Set([1]));
    expect(new Set(large.map((ref) => pageOf(slab, ref)))).toEqual(new Set([2]));
  });

  it.each([
    ['first to last', (refs: number[]) => refs],
    ['last to first', (refs: number[]) => refs.reverse()],
  ])('gives pages that emptied from %s to any other size', (_, order) => {
    const slab = new Slab({ discard: null });
    for (const ref of order(fill(slab, FIRST_PAGES * 4, 16_384))) slab.free(ref);
    const refs = fill(slab, FIRST_PAGES * 2, 32_768);
    expect(new Set(refs.map((ref) => slab.chunkOf(ref))).size).toBe(1);
    expect(slab.bytes).toBe(CHUNK_BYTES);
  });

  it('lets a size keep no more than its lowest empty page', () => {
    const slab = new Slab({ discard: null });
    for (const ref of fill(slab, 3 * 4, 16_384).reverse()) slab.free(ref);
    const sizes = [32_768, 16_384, 500];
    expect(sizes.map((bytes) => pageOf(slab, slab.allocate(bytes)))).toEqual([2, 1, 3]);
  });

  it('lets a size keep no empty page when a lower one is empty', () => {
    const slab = new Slab({ discard: null });
    const others = fill(slab, 3, 32_768);
    const ref = slab.allocate(500);
    for (const other of others.slice(1).reverse()) slab.free(other);
    slab.free(ref);
    expect(pageOf(slab, ref)).toBe(3);
    expect(pageOf(slab, slab.allocate(500))).toBe(2);
  });

  it('takes and frees one block in turn without leaving its page', () => {
    const slab = new Slab({ discard: null });
    const [first, second] = [slab.allocate(100), slab.allocate(1000)];
    for (let turn = 0; turn < 3; turn++) {
      slab.free(first);
      slab.free(second);
      expect([slab.allocate(100), slab.allocate(1000)]).toEqual([first, second]);
    }
  });

  it('gives an empty page to another size while the chunk has no other one', () => {
    const slab = new Slab({ discard: null });
    const refs = fill(slab, FIRST_PAGES * 2, 32_768);
    slab.free(refs[0] as number);
    slab.free(refs[1] as number);
    expect(pageOf(slab, slab.allocate(16))).toBe(1);
    expect(slab.bytes).toBe(CHUNK_BYTES);
  });

  it('takes the lowest page with room of its size, then the lowest empty one', () => {
    const slab = new Slab({ discard: null });
    const refs = fill(slab, 6 * 2, 32_768);
    const inPage = (page: number) => refs.filter((ref) => pageOf(slab, ref) === page);
    for (const ref of [...inPage(5), ...inPage(3), ...inPage(4).slice(1)]) slab.free(ref);
    expect(fill(slab, 6, 32_768).map((ref) => pageOf(slab, ref))).toEqual([3, 3, 4, 5, 5, 7]);
  });

  it('leaves blocks where they are while it grows', () => {
    const slab = new Slab({ discard: null });
    const ref = slab.allocate(64);
    const chunk = slab.chunkOf(ref);
    const offset = slab.offsetOf(ref);
    fill(slab, 1000, 16_000);
    expect(slab.chunkOf(ref) === chunk).toBe(true);
    expect(slab.offsetOf(ref)).toBe(offset);
    expect(slab.bytes).toBeGreaterThan(3 * CHUNK_BYTES);
  });
});

describe('Slab.trim', () => {
  it('gives back one free chunk a call, the last first, and keeps one', () => {
    const discarded: Uint8Array[] = [];
    const slab = new Slab({ discard: (bytes) => discarded.push(bytes) });
    const refs = fill(slab, 4 * 64 * 2 - 2, 32_768);
    const chunks = [...new Set(refs.map((ref) => slab.chunkOf(ref)))];
    for (const ref of refs) slab.free(ref);

    const done = [slab.trim(), slab.trim(), slab.trim(), slab.trim()];

    expect(done).toEqual([true, true, true, false]);
    expect(discarded.map((bytes) => chunks.indexOf(bytes))).toEqual([3, 2, 1]);
    expect(slab.bytes).toBe(CHUNK_BYTES);
  });

  it('leaves a chunk with a single block alone', () => {
    const slab = new Slab({ discard: null });
    const refs = fill(slab, 4 * 64 * 2 - 2, 32_768);
    const kept = refs[300] as number;
    slab.chunkOf(kept)[slab.offsetOf(kept)] = 99;
    for (const ref of refs) if (ref !== kept) slab.free(ref);
    while (slab.trim());
    expect(slab.bytes).toBe(2 * CHUNK_BYTES);
    expect(slab.chunkOf(kept)[slab.offsetOf(kept)]).toBe(99);
  });

  it('returns to one chunk however many sizes were last used in different chunks', () => {
    const slab = new Slab({ discard: null });
    const refs: number[] = [];
    for (let bytes = 16; bytes <= SLAB_BLOCK_MAX; bytes = Math.ceil(bytes * 1.2)) {
      for (const ref of fill(slab, (CHUNK_BYTES / bytes) | 0, bytes)) refs.push(ref);
    }
    for (const ref of refs.reverse()) slab.free(ref);
    while (slab.trim());
    expect([slab.bytes, slab.usedBlocks]).toEqual([CHUNK_BYTES, 0]);
    for (let bytes = 16; bytes <= SLAB_BLOCK_MAX; bytes *= 2) {
      const ref = slab.allocate(bytes);
      expect(slab.chunkOf(ref).byteLength).toBe(CHUNK_BYTES);
    }
    expect(slab.bytes).toBe(CHUNK_BYTES);
  });

  it.each(KINDS)('serves blocks from memory that was %s', (_, discard) => {
    const slab = new Slab({ discard });
    const count = 20_000;
    for (const ref of fill(slab, count, 500).reverse()) slab.free(ref);
    while (slab.trim());
    const refs = fill(slab, count, 300);
    expect(new Set(refs).size).toBe(count);
    expect(slab.usedBlocks).toBe(count);
  });
});

describe('Slab against a model', () => {
  const SIZES = [1, 16, 17, 64, 72, 130, 500, 1400, 4096, 9000, 16_448, 32_768];

  interface Block {
    readonly ref: number;
    readonly bytes: number;
    readonly mark: number;
  }

  /** Marks the first, middle and last byte; any overlap with another block shows as a changed mark. */
  function write(slab: Slab, { ref, bytes, mark }: Block): void {
    slab.chunkOf(ref).fill(mark, slab.offsetOf(ref), slab.offsetOf(ref) + bytes);
  }

  function isIntact(slab: Slab, { ref, bytes, mark }: Block): boolean {
    const chunk = slab.chunkOf(ref);
    const at = slab.offsetOf(ref);
    return [0, 1, bytes >> 1, bytes - 1].every((i) => i >= bytes || chunk[at + i] === mark);
  }

  it.each(KINDS)('keeps every block to itself, memory %s', (_, discard) => {
    const random = new Random(5);
    const slab = new Slab({ discard });
    const live: Block[] = [];
    const faults: string[] = [];
    for (let step = 0; step < 300_000; step++) {
      const isFilling = step % 75_000 < 40_000;
      if (live.length === 0 || random.below(100) < (isFilling ? 80 : 10)) {
        const most = random.oneIn(20) ? SIZES.length : 7;
        const bytes = SIZES[random.below(most)] as number;
        const block = { ref: slab.allocate(bytes), bytes, mark: random.below(256) };
        if (block.ref === 0) faults.push(`${step}: reference 0`);
        write(slab, block);
        live.push(block);
      } else {
        const at = random.below(live.length);
        const block = live[at] as Block;
        live[at] = live[live.length - 1] as Block;
        live.pop();
        if (!isIntact(slab, block)) faults.push(`${step}: block ${block.ref} was written to`);
        slab.free(block.ref);
      }
      if (step % 500 === 0) slab.trim();
      if (slab.usedBlocks !== live.length) faults.push(`${step}: count`);
    }
    for (const block of live) {
      if (!isIntact(slab, block)) faults.push(`end: block ${block.ref} was written to`);
      slab.free(block.ref);
    }
    expect(faults).toEqual([]);
    while (slab.trim());
    expect([slab.usedBlocks, slab.bytes]).toEqual([0, CHUNK_BYTES]);
  });
});

/**
 * Memory for workloads up to 16 KiB with their uniques: 4 MiB chunks cut into pages of 64 KiB, each page into blocks
 * of one size. There are four sizes for each doubling, so at most a fifth of a block is unused.
 *
 *   reference = page << 12 | index of the block in its page        page p lies in chunk p >> 6
 *
 * Free blocks of a page are linked through their first two bytes; blocks never used lie above the page's bump mark. An
 * empty page serves any size. Pages are taken lowest first, so that the last chunks become empty and are given back.
 * Page 0 is never used, so 0 is not a reference. Source: docs/design.md, section 10.
 */
import { Account } from '../base/account.ts';
import { assert } from '../base/assert.ts';
import { withView } from '../base/bytes.ts';
import { grown } from '../base/grow.ts';
import { IntSet } from '../base/int-set.ts';
import { tableMemory } from '../base/uncounted.ts';

/** The greatest block. */
export const SLAB_BLOCK_MAX = 32768;
/** Bytes of a chunk, the unit in which memory is allocated and given back. */
export const CHUNK_BYTES = 4 * 1024 * 1024;

const PAGE_SHIFT = 16;
const PAGE_BYTES = 1 << PAGE_SHIFT;
const CHUNK_PAGES_SHIFT = 6;
const CHUNK_PAGES = 1 << CHUNK_PAGES_SHIFT;
const CHUNK_PAGES_MASK = CHUNK_PAGES - 1;
const REF_SHIFT = 12;
const REF_MASK = 0xfff;
const PAGES_MAX = 1 << 20;
const SMALLEST = 16;
const CLASS_COUNT = 45;

/** Words of a page's entry in `#pages`. SIZE 0 = the page belongs to no class. */
const SIZE = 0;
const BLOCKS = 1;
const USED = 2;
const BUMP = 3;
const FREE = 4;
const CLASS = 5;
/** 1 when the page was used since its chunk got its memory: it is resident. */
const TOUCHED = 6;
const ENTRY_SHIFT = 3;

/** Words of a chunk's entry in `#chunkState`: pages with a used block; 1 while it has its memory. */
const PAGES_USED = 0;
const IN_USE = 1;

const DROPPED = new Uint8Array(0);
const DROPPED_HALVES = new Uint16Array(0);

/** Blocks of bytes named by a number. Neither allocate nor free makes a JavaScript object. */
export class Slab {
  readonly #discard: ((bytes: Uint8Array) => void) | null;
  readonly #account: Account;
  readonly #chunks: Uint8Array[] = [];
  /** The same memory as pairs of bytes, for the links between free blocks. */
  readonly #halves: Uint16Array[] = [];
  #pages = new Int32Array(CHUNK_PAGES << ENTRY_SHIFT);
  #chunkState = new Int32Array(32);
  /** Per class: the lowest page with room, -1 when there is none; always the lowest of `#room`. */
  readonly #current = new Int32Array(CLASS_COUNT).fill(-1);
  readonly #room: IntSet[] = [];
  readonly #emptyPages = new IntSet();
  #chunksInUse = 0;
  #chunksFree = 0;
  #usedBlocks = 0;

  /**
   * `discard` gets the memory of an empty chunk and may change its content; with null such a chunk is dropped and made
   * anew when needed. `account` is charged for pages that were ever used, until their chunk is given back.
   */
  constructor(hooks: { discard: ((bytes: Uint8Array) => void) | null; account?: Account }) {
    this.#discard = hooks.discard;
    this.#account = hooks.account ?? new Account();
    for (let c = 0; c < CLASS_COUNT; c++) this.#room.push(new IntSet());
  }

  /** Memory of the chunks that have not been given back. */
  get bytes(): number {
    return this.#chunksInUse * CHUNK_BYTES;
  }

  get usedBlocks(): number {
    return this.#usedBlocks;
  }

  /** Bytes of pages that were ever used, as charged to the account. Linear in pages. */
  get usedBytes(): number {
    let pages = 0;
    const end = this.#chunks.length << CHUNK_PAGES_SHIFT;
    for (let page = 0; page < end; page++)
      pages += this.#pages[(page << ENTRY_SHIFT) + TOUCHED] as number;
    return pages * PAGE_BYTES;
  }

  /** Whether a block of `bytes` bytes fits into pages that were used before: then it needs no more memory. */
  hasUsedRoom(bytes: number): boolean {
    if (bytes === 0 || (this.#current[classOf(bytes)] as number) >= 0) return true;
    const page = this.#emptyPages.lowest();
    return page >= 0 && this.#pages[(page << ENTRY_SHIFT) + TOUCHED] === 1;
  }

  /**
   * Allocates a block of at least `bytes` bytes, 1 .. SLAB_BLOCK_MAX, of undefined content; its reference is never 0.
   */
  allocate(bytes: number): number {
    const c = classOf(bytes);
    let page = this.#current[c] as number;
    if (page < 0) page = this.#takePage(c);
    const pages = this.#pages;
    const at = page << ENTRY_SHIFT;
    let index = pages[at + FREE] as number;
    if (index === 0) {
      index = pages[at + BUMP] as number;
      pages[at + BUMP] = index + 1;
    } else {
      index--;
      const offset =
        ((page & CHUNK_PAGES_MASK) << PAGE_SHIFT) + Math.imul(index, pages[at + SIZE] as number);
      const halves = this.#halves[page >>> CHUNK_PAGES_SHIFT] as Uint16Array;
      pages[at + FREE] = halves[offset >>> 1] as number;
    }
    const used = (pages[at + USED] as number) + 1;
    pages[at + USED] = used;
    if (used === 1) this.#pageOccupied(page);
    if (used === pages[at + BLOCKS]) this.#pageFilled(page, c);
    this.#usedBlocks++;
    return ((page << REF_SHIFT) | index) >>> 0;
  }

  /** Frees a block; the caller must not use its bytes any more. */
  free(ref: number): void {
    const pages = this.#pages;
    const page = ref >>> REF_SHIFT;
    const at = page << ENTRY_SHIFT;
    const used = pages[at + USED] as number;
    assert(used > 0, 'free a block: its page has none');
    const index = ref & REF_MASK;
    const offset =
      ((page & CHUNK_PAGES_MASK) << PAGE_SHIFT) + Math.imul(index, pages[at + SIZE] as number);
    const halves = this.#halves[page >>> CHUNK_PAGES_SHIFT] as Uint16Array;
    halves[offset >>> 1] = pages[at + FREE] as number;
    pages[at + FREE] = index + 1;
    pages[at + USED] = used - 1;
    if (used === pages[at + BLOCKS]) this.#pageOpened(page);
    if (used === 1) this.#pageEmptied(page);
    this.#usedBlocks--;
  }

  /** The chunk that holds the block; valid until the block is freed. */
  chunkOf(ref: number): Uint8Array {
    return this.#chunks[ref >>> (REF_SHIFT + CHUNK_PAGES_SHIFT)] as Uint8Array;
  }

  /** Where the block starts in its chunk. */
  offsetOf(ref: number): number {
    const page = ref >>> REF_SHIFT;
    return (
      ((page & CHUNK_PAGES_MASK) << PAGE_SHIFT) +
      Math.imul(ref & REF_MASK, this.#pages[(page << ENTRY_SHIFT) + SIZE] as number)
    );
  }

  /** Gives back the last empty chunk when there are two or more; true when it did. */
  trim(): boolean {
    if (this.#chunksFree < 2) return false;
    let chunk = this.#chunks.length - 1;
    while (
      this.#chunkState[2 * chunk + PAGES_USED] !== 0 ||
      this.#chunkState[2 * chunk + IN_USE] === 0
    ) {
      chunk--;
    }
    this.#disown(chunk);
    this.#account.held -= this.#untouch(chunk);
    const bytes = this.#chunks[chunk] as Uint8Array;
    if (this.#discard !== null) {
      this.#discard(bytes);
    } else {
      this.#chunks[chunk] = DROPPED;
      this.#halves[chunk] = DROPPED_HALVES;
    }
    this.#chunkState[2 * chunk + IN_USE] = 0;
    this.#chunksInUse--;
    this.#chunksFree--;
    return true;
  }

  /** Marks the pages of a chunk as not resident. Returns the number of bytes that were resident. */
  #untouch(chunk: number): number {
    const first = chunk << CHUNK_PAGES_SHIFT;
    let bytes = 0;
    for (let page = first; page < first + CHUNK_PAGES; page++) {
      const at = (page << ENTRY_SHIFT) + TOUCHED;
      bytes += (this.#pages[at] as number) << PAGE_SHIFT;
      this.#pages[at] = 0;
    }
    return bytes;
  }

  /** Gives class `c` the lowest empty page. */
  #takePage(c: number): number {
    if (this.#emptyPages.lowest() < 0 && !this.#reclaim()) this.#addChunk();
    const page = this.#emptyPages.lowest();
    this.#emptyPages.delete(page);
    const chunk = page >>> CHUNK_PAGES_SHIFT;
    if (this.#chunkState[2 * chunk + IN_USE] === 0) this.#fetchChunk(chunk);
    const size = sizeOf(c);
    const at = page << ENTRY_SHIFT;
    this.#pages[at + SIZE] = size;
    this.#pages[at + BLOCKS] = (PAGE_BYTES / size) | 0;
    this.#pages[at + CLASS] = c;
    if (this.#pages[at + TOUCHED] === 0) {
      this.#pages[at + TOUCHED] = 1;
      this.#account.held += PAGE_BYTES;
    }
    (this.#room[c] as IntSet).add(page);
    this.#current[c] = page;
    return page;
  }

  /** Takes back the empty pages that classes keep; false when there is none. */
  #reclaim(): boolean {
    let isAny = false;
    for (let c = 0; c < CLASS_COUNT; c++) {
      const page = this.#current[c] as number;
      if (page < 0 || this.#pages[(page << ENTRY_SHIFT) + USED] !== 0) continue;
      this.#release(page);
      isAny = true;
    }
    return isAny;
  }

  #addChunk(): void {
    const chunk = this.#chunks.length;
    const first = chunk << CHUNK_PAGES_SHIFT;
    assert(first < PAGES_MAX, 'add a chunk to the slab: 64 GiB are there');
    if (first << ENTRY_SHIFT >= this.#pages.length) {
      this.#pages = grown(this.#pages, 2 * this.#pages.length);
    }
    if (2 * chunk >= this.#chunkState.length) {
      this.#chunkState = grown(this.#chunkState, 4 * chunk);
    }
    this.#chunks.push(DROPPED);
    this.#halves.push(DROPPED_HALVES);
    const lowest = chunk === 0 ? 1 : first;
    for (let page = lowest; page < first + CHUNK_PAGES; page++) this.#emptyPages.add(page);
  }

  #fetchChunk(chunk: number): void {
    if (this.#chunks[chunk] === DROPPED) {
      const bytes = withView(new Uint8Array(tableMemory(CHUNK_BYTES, this.#discard)));
      this.#chunks[chunk] = bytes;
      this.#halves[chunk] = new Uint16Array(bytes.buffer);
    }
    this.#chunkState[2 * chunk + IN_USE] = 1;
    this.#chunksInUse++;
    this.#chunksFree++;
  }

  #pageOccupied(page: number): void {
    const at = 2 * (page >>> CHUNK_PAGES_SHIFT) + PAGES_USED;
    const used = this.#chunkState[at] as number;
    this.#chunkState[at] = used + 1;
    if (used === 0) this.#chunksFree--;
  }

  #pageFilled(page: number, c: number): void {
    const room = this.#room[c] as IntSet;
    room.delete(page);
    this.#current[c] = room.lowest();
  }

  #pageOpened(page: number): void {
    const c = this.#pages[(page << ENTRY_SHIFT) + CLASS] as number;
    (this.#room[c] as IntSet).add(page);
    const current = this.#current[c] as number;
    if (current >= 0 && page > current) return;
    this.#current[c] = page;
    if (current >= 0 && this.#pages[(current << ENTRY_SHIFT) + USED] === 0) this.#release(current);
  }

  /**
   * Gives an empty page back to all classes. A class keeps an empty page only while it is its current page and no other
   * empty page is lower. Without this, allocating and freeing one block again and again would move the page to and fro.
   * Invariant: a class keeps at most one empty page.
   */
  #pageEmptied(page: number): void {
    const at = page << ENTRY_SHIFT;
    this.#pages[at + FREE] = 0;
    this.#pages[at + BUMP] = 0;
    const lower = this.#emptyPages.lowest();
    const isCurrent = this.#current[this.#pages[at + CLASS] as number] === page;
    if (!isCurrent || (lower >= 0 && lower < page)) this.#release(page);
    const chunk = page >>> CHUNK_PAGES_SHIFT;
    const used = (this.#chunkState[2 * chunk + PAGES_USED] as number) - 1;
    this.#chunkState[2 * chunk + PAGES_USED] = used;
    if (used === 0) this.#chunksFree++;
  }

  #release(page: number): void {
    const at = page << ENTRY_SHIFT;
    const c = this.#pages[at + CLASS] as number;
    const room = this.#room[c] as IntSet;
    room.delete(page);
    if (this.#current[c] === page) this.#current[c] = room.lowest();
    this.#pages[at + SIZE] = 0;
    this.#emptyPages.add(page);
  }

  /** Takes the empty pages of a chunk from the classes that still keep one. */
  #disown(chunk: number): void {
    const first = chunk << CHUNK_PAGES_SHIFT;
    for (let page = first; page < first + CHUNK_PAGES; page++) {
      if (this.#pages[(page << ENTRY_SHIFT) + SIZE] !== 0) this.#release(page);
    }
  }
}

/**
 * Size class of `bytes`. With n = bytes - 1 in [2^e, 2^(e+1)), the two bits below the highest one of n choose among
 * the four sizes above 2^e.
 */
function classOf(bytes: number): number {
  assert(bytes > 0 && bytes <= SLAB_BLOCK_MAX, 'allocate a block: size is out of range');
  const n = bytes - 1;
  if (n < SMALLEST) return 0;
  const e = 31 - Math.clz32(n);
  return ((e - 4) << 2) + (n >>> (e - 2)) - 3;
}

/** Block size of class `c`: 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, ... 32768. */
function sizeOf(c: number): number {
  return (4 + (c & 3)) << ((c >> 2) + 2);
}

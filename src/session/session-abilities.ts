/**
 * The functions that a connection offers: each name once, with its owner, and the order of all registrations, for the
 * `workers` listing and for choosing the threads to ask. Names are Latin-1 texts, so that their bytes stay unchanged.
 * Rule: every change touches at most REGISTRATIONS_MAX entries; the order is never rebuilt.
 *
 *   chunks   [ registrations 0..255 ] <-> [ 512..767 ] <-> newest      null = ended; a chunk of nulls is dropped
 */
import type { ByteWriter } from '../base/byte-writer.ts';
import { nameCost } from '../broker/kept.ts';
import { REGISTRATIONS_MAX } from '../protocol/limits.ts';
import { NO_THREADS, withoutThread, withThread } from './thread-set.ts';

/** Registrations of a chunk. Their numbers may pass 2^31. */
const CHUNK = 256;
/**
 * Memory of a name besides its bytes: its entry, its registrations and a chunk, measured on 64-bit Node.js and rounded
 * up.
 */
const NAME_BYTES = 384;
const CHUNK_BYTES = 192;
const ENTRY_BYTES = 12;
/** Names that one call lists at most. */
const NAMES_MAX = 16_384;

interface Offered {
  readonly name: string;
  readonly owner: number;
  /** Serial numbers of the registrations, oldest first; at most REGISTRATIONS_MAX. */
  readonly serials: number[];
}

/**
 * The registrations from `number * CHUNK` on; null = ended, or in an earlier chunk of that number that was dropped.
 */
interface Chunk {
  readonly number: number;
  readonly entries: (Offered | null)[];
  live: number;
  older: Chunk | null;
  newer: Chunk | null;
}

export class SessionAbilities {
  readonly #offered = new Map<string, Offered>();
  /** Number of functions by owner. */
  readonly #functionCounts: number[] = [];
  readonly #chunks = new Map<number, Chunk>();
  #newest: Chunk | null = null;
  #entryCount = 0;
  #serial = 0;
  /** Threads that own functions of this connection. */
  owners = NO_THREADS;
  /** Bytes of the names, each once. */
  nameBytes = 0;

  /** Memory of all of it in bytes. */
  get bytes(): number {
    const names = nameCost(this.nameBytes) + this.#offered.size * NAME_BYTES;
    return names + this.#chunks.size * CHUNK_BYTES + this.#entryCount * ENTRY_BYTES;
  }

  /** Functions offered. */
  get count(): number {
    return this.#offered.size;
  }

  /** The first names, at most `countMax`, and none after `charsMax` characters. */
  names(countMax: number, charsMax: number): string[] {
    const names: string[] = [];
    let chars = 0;
    for (const name of this.#offered.keys()) {
      chars += name.length;
      if (names.length >= countMax || chars > charsMax) break;
      names.push(name);
    }
    return names;
  }

  /** Adds a registration; true when it is the first one with that owner. */
  add(name: string, owner: number): boolean {
    const known = this.#offered.get(name);
    if (known !== undefined) {
      if (known.serials.length === REGISTRATIONS_MAX) this.#end(known.serials.shift() as number);
      this.#begin(known);
      return false;
    }
    const offered: Offered = { name, owner, serials: [] };
    this.#offered.set(name, offered);
    this.nameBytes += name.length;
    this.#begin(offered);
    const count = this.#functionCounts[owner] ?? 0;
    this.#functionCounts[owner] = count + 1;
    this.owners = withThread(this.owners, owner);
    return count === 0;
  }

  /** Removes all registrations of a name; false when there were none. */
  remove(name: string): boolean {
    const known = this.#offered.get(name);
    if (known === undefined) return false;
    this.#offered.delete(name);
    this.nameBytes -= name.length;
    for (const serial of known.serials) this.#end(serial);
    const count = (this.#functionCounts[known.owner] as number) - 1;
    this.#functionCounts[known.owner] = count;
    if (count === 0) this.owners = withoutThread(this.owners, known.owner);
    return true;
  }

  /**
   * Writes ` NAME` for the registrations before `before` (0 = from the newest on), newest first, until `out` has
   * `bytesMax` bytes or some thousands are written. Returns where to continue, 0 = complete.
   */
  list(before: number, bytesMax: number, out: ByteWriter): number {
    let chunk = before === 0 ? this.#newest : this.#chunkBelow(before);
    let serial = before === 0 ? this.#serial : before - 1;
    let left = NAMES_MAX;
    for (; chunk !== null; chunk = chunk.older) {
      const first = chunk.number * CHUNK;
      serial = Math.min(serial, first + chunk.entries.length - 1);
      for (; serial >= first; serial--, left--) {
        const offered = chunk.entries[serial - first];
        if (offered == null) continue;
        if (left <= 0 || out.length >= bytesMax) return serial + 1;
        out.text(' ').text(offered.name);
      }
    }
    return 0;
  }

  /** The newest chunk with registrations below `serial`. */
  #chunkBelow(serial: number): Chunk | null {
    const number = Math.floor((serial - 1) / CHUNK);
    let chunk = this.#chunks.get(number) ?? this.#newest;
    while (chunk !== null && chunk.number > number) chunk = chunk.older;
    return chunk;
  }

  #begin(offered: Offered): void {
    const serial = ++this.#serial;
    offered.serials.push(serial);
    const number = Math.floor(serial / CHUNK);
    let chunk = this.#newest;
    if (chunk === null || chunk.number !== number) {
      const older = chunk;
      chunk = { number, entries: [], live: 0, older, newer: null };
      // The first serials of the chunk may be missing: there is no serial 0, and a dropped chunk may be made again.
      while (chunk.entries.length < serial % CHUNK) chunk.entries.push(null);
      this.#entryCount += chunk.entries.length;
      if (older !== null) older.newer = chunk;
      this.#newest = chunk;
      this.#chunks.set(number, chunk);
    }
    chunk.entries.push(offered);
    chunk.live++;
    this.#entryCount++;
  }

  #end(serial: number): void {
    const chunk = this.#chunks.get(Math.floor(serial / CHUNK)) as Chunk;
    chunk.entries[serial % CHUNK] = null;
    if (--chunk.live > 0) return;
    this.#entryCount -= chunk.entries.length;
    this.#chunks.delete(chunk.number);
    if (chunk.older !== null) chunk.older.newer = chunk.newer;
    if (chunk.newer === null) this.#newest = chunk.older;
    else chunk.newer.older = chunk.older;
  }
}

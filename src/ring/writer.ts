/**
 * The writing end of a ring: one thread writes, one reads, neither waits. Records that do not fit are kept in order and
 * move into the ring when the reader has made room. Rule: publish first, then read the reader's `asleep` word. To look
 * for room, a cached read index is enough; to decide whether to ring the doorbell, shared words are read anew.
 */

import { assert } from '../base/assert.ts';
import {
  A,
  asleepWord,
  B,
  BYTE_COUNT,
  C,
  D,
  HEADER_BYTES,
  KIND,
  LARGE_PART,
  LARGE_RINGS,
  largeReadWord,
  overflowWord,
  RECORD_BYTES_MAX,
  type RingSet,
  readWord,
  recordBytes,
  SKIP_KIND,
  writeWord,
} from './layout.ts';
import { Overflow } from './overflow.ts';

export interface WriterHooks {
  /** Rings the doorbell of thread `to`. */
  ring(to: number): void;
  /** Posts a payload to the reader's port and hands over its memory (transfer). */
  post(bytes: ArrayBuffer): void;
}

/** Writes records from thread `from` to thread `to`. One per ring and epoch. */
export class RingWriter {
  /** Destination of the payload of the record begun last: `bytes[at, at + byteCount)`, until the record ends. */
  bytes: Uint8Array;
  at = 0;

  readonly #words: Int32Array;
  readonly #ringBytes: number;
  readonly #ring: Uint8Array;
  readonly #ringWords: Int32Array;
  readonly #to: number;
  readonly #hooks: WriterHooks;
  readonly #writeWord: number;
  readonly #readWord: number;
  readonly #largeReadWord: number;
  readonly #overflowWord: number;
  readonly #asleepWord: number;
  readonly #largeBytesMax: number;
  readonly #overflow: Overflow;

  /**
   * Indexes in bytes modulo 2^32: after the last committed record; after the record that was begun; last published; and
   * the reader's index as last read.
   */
  #write: number;
  #next: number;
  #published: number;
  #readSeen: number;
  /** Bytes posted by port modulo 2^32, and how many of them the reader had taken when that was last read. */
  #largeSent: number;
  #largeReadSeen: number;
  #isOpen = false;
  #isInOverflow = false;
  #large: ArrayBuffer | null = null;
  #sent = 0;

  constructor(set: RingSet, from: number, to: number, hooks: WriterHooks) {
    const data = set.rings[from * set.threadCount + to];
    assert(data != null, 'write ring: there is none between these threads');
    this.#words = set.words;
    this.#ringBytes = set.ringBytes;
    this.#ring = new Uint8Array(data);
    this.#ringWords = new Int32Array(data);
    this.#to = to;
    this.#hooks = hooks;
    this.#writeWord = writeWord(from, to);
    this.#readWord = readWord(from, to);
    this.#largeReadWord = largeReadWord(from, to);
    this.#overflowWord = overflowWord(from, to);
    this.#asleepWord = asleepWord(to);
    this.#largeBytesMax = set.ringBytes * LARGE_RINGS;
    this.#overflow = new Overflow(recordBytes(set.ringBytes / LARGE_PART));
    this.bytes = this.#ring;
    this.#write = Atomics.load(this.#words, this.#writeWord);
    this.#next = this.#write;
    this.#published = this.#write;
    this.#readSeen = Atomics.load(this.#words, this.#readWord);
    this.#largeReadSeen = Atomics.load(this.#words, this.#largeReadWord);
    this.#largeSent = this.#largeReadSeen;
  }

  /** Records committed, including those in overflow. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes of records that found no room yet. Above 4 MiB in total the thread should stop reading sockets. */
  get overflowBytes(): number {
    return this.#overflow.bytes;
  }

  /**
   * Begins a record, and ends the one before it: `kind` >= 0, four int32 and room for `byteCount` payload bytes. The
   * caller writes all of them to `bytes` at `at` before the next call. Never waits; `byteCount` must not exceed
   * RECORD_BYTES_MAX.
   */
  begin(kind: number, a: number, b: number, c: number, d: number, byteCount: number): void {
    assert(kind >= 0 && byteCount >= 0, 'begin record: kind or size is negative');
    assert(byteCount <= RECORD_BYTES_MAX, 'begin record: it has 2^31 bytes or more');
    if (this.#isOpen) this.commit();
    this.#isOpen = true;
    const isLarge = byteCount > this.#ringBytes / LARGE_PART;
    const size = isLarge ? HEADER_BYTES : recordBytes(byteCount);
    let words = this.#ringWords;
    let at = -1;
    if (this.#overflow.isEmpty && (!isLarge || this.#hasLargeRoom(byteCount)))
      at = this.#reserve(size);
    this.#isInOverflow = at < 0;
    this.bytes = this.#ring;
    if (at < 0) {
      const chunk = this.#overflow.reserve(size);
      this.bytes = chunk.bytes;
      words = chunk.words;
      at = chunk.tail;
    }
    this.at = at + HEADER_BYTES;
    const word = at >> 2;
    words[word + KIND] = kind;
    words[word + BYTE_COUNT] = isLarge ? -byteCount : byteCount;
    words[word + A] = a;
    words[word + B] = b;
    words[word + C] = c;
    words[word + D] = d;
    if (isLarge) {
      this.#large = new ArrayBuffer(byteCount);
      this.bytes = new Uint8Array(this.#large);
      this.at = 0;
    }
  }

  /** Ends the record begun last. The reader sees it after the next `publish`. */
  commit(): void {
    assert(this.#isOpen, 'commit record: none is open');
    this.#isOpen = false;
    this.#sent++;
    const large = this.#large;
    if (large !== null) {
      this.#large = null;
      this.bytes = this.#ring;
    }
    if (this.#isInOverflow) {
      this.#overflow.commit(large);
      return;
    }
    if (large !== null) this.#post(large);
    this.#write = this.#next;
  }

  /**
   * Makes everything begun so far visible to the reader and wakes it if it sleeps. Also moves overflow when there is
   * room.
   */
  publish(): void {
    if (this.#isOpen) this.commit();
    if (this.#overflow.isEmpty) this.#announce();
    else this.drainOverflow();
  }

  /** Moves overflow into the ring while there is room and publishes; true when none is left. */
  drainOverflow(): boolean {
    for (;;) {
      this.#moveOverflow();
      this.#announce();
      if (this.#overflow.isEmpty) return true;
      // Set the flag, then check again: either the reader sees the flag after making room, or the room is seen here.
      Atomics.store(this.#words, this.#overflowWord, 1);
      this.#readSeen = Atomics.load(this.#words, this.#readWord);
      this.#largeReadSeen = Atomics.load(this.#words, this.#largeReadWord);
      if (!this.#hasFrontRoom()) return false;
    }
  }

  #announce(): void {
    if (this.#write === this.#published) return;
    this.#published = this.#write;
    Atomics.store(this.#words, this.#writeWord, this.#write);
    // A plain read first, so that the swap does not take the cache line from an awake reader.
    if (Atomics.load(this.#words, this.#asleepWord) === 0) return;
    if (Atomics.exchange(this.#words, this.#asleepWord, 0) === 1) this.#hooks.ring(this.#to);
  }

  #moveOverflow(): void {
    while (!this.#overflow.isEmpty && this.#hasFrontRoom()) {
      const at = this.#reserve(this.#overflow.frontBytes);
      const payload = this.#overflow.shift(this.#ring, at);
      if (payload !== null) this.#post(payload);
      this.#write = this.#next;
    }
  }

  #hasFrontRoom(): boolean {
    const large = this.#overflow.frontLargeBytes;
    return (large === 0 || this.#hasLargeRoom(large)) && this.#hasRoom(this.#overflow.frontBytes);
  }

  /**
   * Posts a payload before its record is published, so that the reader finds the payload when it comes to the record.
   */
  #post(payload: ArrayBuffer): void {
    this.#largeSent = (this.#largeSent + payload.byteLength) | 0;
    this.#hooks.post(payload);
  }

  /**
   * Whether a payload may be posted by port. Without this limit, the payloads of one full ring could have gigabytes.
   */
  #hasLargeRoom(byteCount: number): boolean {
    let waiting = (this.#largeSent - this.#largeReadSeen) >>> 0;
    if (waiting === 0 || waiting + byteCount <= this.#largeBytesMax) return true;
    this.#largeReadSeen = Atomics.load(this.#words, this.#largeReadWord);
    waiting = (this.#largeSent - this.#largeReadSeen) >>> 0;
    return waiting === 0 || waiting + byteCount <= this.#largeBytesMax;
  }

  /** Bytes to skip so that `size` bytes are contiguous. */
  #skipBytes(size: number): number {
    const left = this.#ringBytes - (this.#write & (this.#ringBytes - 1));
    return left < size ? left : 0;
  }

  #hasRoom(size: number): boolean {
    const end = this.#write + this.#skipBytes(size) + size;
    if (((end - this.#readSeen) | 0) <= this.#ringBytes) return true;
    this.#readSeen = Atomics.load(this.#words, this.#readWord);
    return ((end - this.#readSeen) | 0) <= this.#ringBytes;
  }

  /** Returns the ring position for a record of `size` bytes, or -1; sets `#next` after it. Commit takes the room. */
  #reserve(size: number): number {
    if (!this.#hasRoom(size)) return -1;
    const skip = this.#skipBytes(size);
    const position = this.#write & (this.#ringBytes - 1);
    this.#next = (this.#write + skip + size) | 0;
    if (skip === 0) return position;
    this.#ringWords[position >> 2] = SKIP_KIND;
    return 0;
  }
}

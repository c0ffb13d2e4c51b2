/**
 * The reading end of a ring. Rule: a record's bytes stay in place until the read index is published after the handler;
 * a record is handed out once, even when the handler throws or the thread is killed.
 */

import { assert } from '../base/assert.ts';
import {
  A,
  B,
  BYTE_COUNT,
  C,
  D,
  HEADER_BYTES,
  KIND,
  largeReadWord,
  overflowWord,
  type RingSet,
  readWord,
  recordBytes,
  SKIP_KIND,
  takenWord,
  writeWord,
} from './layout.ts';

export interface ReaderHooks {
  /**
   * Takes the oldest payload from the port, which must have no listener (`receiveMessageOnPort(port)?.message`). null
   * when the port ended with its thread: large payloads are then lost and read as empty.
   */
  readonly receive: (() => ArrayBuffer | undefined) | null;
  /** Rings the doorbell of thread `from`, which has overflow and may find room now. */
  ring(from: number): void;
}

const EMPTY = new Uint8Array(0);

/**
 * Reads the records that thread `from` sends to thread `to`. One per ring and epoch; when the reading thread has died,
 * a second reader may follow; it begins after the record that the dead thread took last.
 */
export class RingReader {
  /** The current record; valid until the handler returns. The payload is `bytes[at, at + byteCount)`, usually shared memory. */
  kind = 0;
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  bytes: Uint8Array;
  at = 0;
  byteCount = 0;

  readonly #words: Int32Array;
  readonly #ringBytes: number;
  readonly #ring: Uint8Array;
  readonly #ringWords: Int32Array;
  readonly #from: number;
  readonly #hooks: ReaderHooks;
  readonly #writeWord: number;
  readonly #readWord: number;
  readonly #takenWord: number;
  readonly #largeReadWord: number;
  readonly #overflowWord: number;

  /** Indexes in bytes modulo 2^32: after the last record handed out, and the one last published to the writer. */
  #taken: number;
  #published: number;
  #largeRead: number;
  #isDraining = false;
  #received = 0;

  constructor(set: RingSet, from: number, to: number, hooks: ReaderHooks) {
    const data = set.rings[from * set.threadCount + to];
    assert(data != null, 'read ring: there is none between these threads');
    this.#words = set.words;
    this.#ringBytes = set.ringBytes;
    this.#ring = new Uint8Array(data);
    this.#ringWords = new Int32Array(data);
    this.#from = from;
    this.#hooks = hooks;
    this.#writeWord = writeWord(from, to);
    this.#readWord = readWord(from, to);
    this.#takenWord = takenWord(from, to);
    this.#largeReadWord = largeReadWord(from, to);
    this.#overflowWord = overflowWord(from, to);
    this.bytes = EMPTY;
    this.#taken = Atomics.load(this.#words, this.#takenWord);
    this.#published = Atomics.load(this.#words, this.#readWord);
    this.#largeRead = Atomics.load(this.#words, this.#largeReadWord);
  }

  /** Records handed out so far. */
  get received(): number {
    return this.#received;
  }

  /** True when every published record has been handed out. */
  get isEmpty(): boolean {
    return this.#taken === Atomics.load(this.#words, this.#writeWord);
  }

  /**
   * Passes at most `limit` records to `handler`, including records that are published while it runs; returns their
   * number. When the handler throws, its record counts as handled and the error goes to the caller.
   */
  drain(limit: number, handler: (reader: RingReader) => void): number {
    assert(!this.#isDraining, 'drain ring: the handler drains it already');
    this.#isDraining = true;
    const before = this.#received;
    let write = Atomics.load(this.#words, this.#writeWord);
    try {
      while (this.#received - before < limit) {
        if (this.#taken === write) {
          write = Atomics.load(this.#words, this.#writeWord);
          if (this.#taken === write) break;
        }
        // Publishes during a long drain too, so that the writer need not wait for its end.
        if (((this.#taken - this.#published) | 0) >= this.#ringBytes >> 2) this.#publish();
        this.#take();
        handler(this);
      }
    } finally {
      this.#isDraining = false;
      this.bytes = EMPTY;
      if (this.#taken !== this.#published) this.#publish();
    }
    return this.#received - before;
  }

  /**
   * Marks the next record as taken before it is handled, so that a reader that continues after a crash does not see it
   * twice.
   */
  #take(): void {
    const mask = this.#ringBytes - 1;
    const words = this.#ringWords;
    let at = this.#taken & mask;
    if (words[at >> 2] === SKIP_KIND) {
      this.#taken = (this.#taken + this.#ringBytes - at) | 0;
      at = 0;
    }
    const word = at >> 2;
    const byteCount = words[word + BYTE_COUNT] as number;
    const isLarge = byteCount < 0;
    this.kind = words[word + KIND] as number;
    this.a = words[word + A] as number;
    this.b = words[word + B] as number;
    this.c = words[word + C] as number;
    this.d = words[word + D] as number;
    this.byteCount = byteCount;
    this.bytes = this.#ring;
    this.at = at + HEADER_BYTES;
    this.#taken = (this.#taken + (isLarge ? HEADER_BYTES : recordBytes(byteCount))) | 0;
    // A plain store: others read it only after this thread has ended.
    this.#words[this.#takenWord] = this.#taken;
    this.#received++;
    if (isLarge) this.#receive(-byteCount);
  }

  #receive(byteCount: number): void {
    this.at = 0;
    this.#largeRead = (this.#largeRead + byteCount) | 0;
    if (this.#hooks.receive === null) {
      this.bytes = EMPTY;
      this.byteCount = 0;
      return;
    }
    const payload = this.#hooks.receive();
    assert(payload?.byteLength === byteCount, 'receive large record: the port has no such payload');
    this.bytes = new Uint8Array(payload);
    this.byteCount = byteCount;
  }

  /**
   * Gives the room back first, then checks the writer's flag. The writer works in the other order: it sets the flag,
   * then checks for room. So no free room is missed.
   */
  #publish(): void {
    this.#published = this.#taken;
    Atomics.store(this.#words, this.#largeReadWord, this.#largeRead);
    Atomics.store(this.#words, this.#readWord, this.#taken);
    if (Atomics.load(this.#words, this.#overflowWord) === 0) return;
    if (Atomics.exchange(this.#words, this.#overflowWord, 0) === 1) this.#hooks.ring(this.#from);
  }
}

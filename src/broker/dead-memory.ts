/**
 * The bound of all dead jobs of the server together (`--dead-memory`). Each thread writes what its dead jobs cost into
 * its own word of shared memory. While the sum is beyond the limit, each thread that holds more than its part drops its
 * oldest ones. So one function may use the whole limit, and no thread loses its part to another. Rule: a thread that holds
 * no more than its part never reads the words of the others.
 */

/** A word counts KiB, so that 32 bits cover 2 TiB. */
const UNIT_SHIFT = 10;

/** The shared words of `threadCount` threads. */
export function deadWords(threadCount: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(threadCount * Int32Array.BYTES_PER_ELEMENT));
}

export interface DeadMemoryOptions {
  /** Bytes of the dead jobs of all threads; 0 = no limit. */
  readonly limitBytes: number;
  /** Threads that own functions, at least 1. */
  readonly ownerCount: number;
  /** See `deadWords`. */
  readonly words: Int32Array;
}

/** What dead jobs may cost, seen from one thread. */
export class DeadMemory {
  readonly #words: Int32Array | null;
  readonly #thread: number;
  readonly #limitBytes: number;
  readonly #partBytes: number;
  #bytes = 0;

  /** Without options there is no limit. The word of a thread that has died is set to 0. */
  constructor(options: DeadMemoryOptions | null, thread: number) {
    const { limitBytes = 0, ownerCount = 1, words = null } = options ?? {};
    this.#thread = thread;
    this.#limitBytes = limitBytes === 0 ? Number.POSITIVE_INFINITY : limitBytes;
    this.#partBytes = this.#limitBytes / ownerCount;
    this.#words = limitBytes === 0 ? null : words;
    if (this.#words !== null) Atomics.store(this.#words, thread, 0);
  }

  /** The dead jobs of this thread cost `bytes` now. Returns whether it must drop some. */
  hold(bytes: number): boolean {
    const words = this.#words;
    if (words === null) return false;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      Atomics.store(words, this.#thread, Math.ceil(bytes / (1 << UNIT_SHIFT)));
    }
    return bytes > this.#partBytes && this.#isFull(words);
  }

  #isFull(words: Int32Array): boolean {
    let sum = this.#bytes;
    for (let thread = 0; thread < words.length; thread++)
      if (thread !== this.#thread) sum += Atomics.load(words, thread) * (1 << UNIT_SHIFT);
    return sum > this.#limitBytes;
  }
}

/**
 * The TypeScript core's part of the ring protocol: before a thread may sleep it says so, then looks at every ring once more.
 * Rule: set asleep first, look second; a producer publishes first, swaps asleep second. One of both sees the other.
 */
import { prepareSleep } from '../../ring/doorbell.ts';

/** Watches one thread's incoming rings; without `watch` there are none. */
export class RingWatch {
  #words: Int32Array | null = null;
  #asleep = 0;
  #writeWords: Int32Array = new Int32Array(0);
  #readWords: Int32Array = new Int32Array(0);

  /** Replaces what is watched. Offsets are word indexes in `words`. */
  watch(words: Int32Array, asleep: number, writeWords: Int32Array, readWords: Int32Array): void {
    this.#words = words;
    this.#asleep = asleep;
    this.#writeWords = writeWords;
    this.#readWords = readWords;
  }

  /** Any ring has something to read. */
  isWaiting(): boolean {
    const words = this.#words;
    if (words === null) return false;
    for (let i = 0; i < this.#writeWords.length; i++) {
      const written = Atomics.load(words, this.#writeWords[i]!);
      if (written !== Atomics.load(words, this.#readWords[i]!)) return true;
    }
    return false;
  }

  /** The thread is awake: producers need not ring. */
  wake(): void {
    if (this.#words !== null) Atomics.store(this.#words, this.#asleep, 0);
  }

  /** Says that the thread may sleep. Returns false, awake again, when a ring has something to read. */
  sleep(): boolean {
    if (this.#words === null) return true;
    return prepareSleep(this.#words, this.#asleep, this.#writeWords, this.#readWords);
  }
}

/**
 * The TypeScript core's part of the ring protocol: before a thread may sleep it sets `asleep`, then checks every ring
 * once more. Rule: the thread sets `asleep` first and checks second; a producer publishes first and swaps `asleep`
 * second. So at least one of them notices the other.
 */
import { prepareSleep } from '../../ring/doorbell.ts';

/** Watches one thread's incoming rings; without `watch` there are none. */
export class RingWatch {
  #words: Int32Array | null = null;
  #asleep = 0;
  #writeWords: Int32Array = new Int32Array(0);
  #readWords: Int32Array = new Int32Array(0);

  /** Replaces the watched rings. Offsets are word indexes in `words`. */
  watch(words: Int32Array, asleep: number, writeWords: Int32Array, readWords: Int32Array): void {
    this.#words = words;
    this.#asleep = asleep;
    this.#writeWords = writeWords;
    this.#readWords = readWords;
  }

  /** Whether any ring has records. */
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

  /** Marks the thread as asleep. Returns false, awake again, when a ring has records. */
  sleep(): boolean {
    if (this.#words === null) return true;
    return prepareSleep(this.#words, this.#asleep, this.#writeWords, this.#readWords);
  }
}

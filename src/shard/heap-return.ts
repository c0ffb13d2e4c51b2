/**
 * Gives the free part of the native heap back to the system. The C library keeps what large packets and their output
 * have used, because small pieces lie between: without this, one burst would stay with the process for ever. Rule: only
 * when much was released, and when it was not needed again for a while.
 */

const RELEASED_BYTES_MIN = 16 * 1024 * 1024;
const PAUSE_MS = 1000;

export class HeapReturn {
  readonly #usedBytes: () => number;
  readonly #trim: () => void;
  /** The most bytes in use since the last time. */
  #peakBytes = 0;
  #atMs = Number.POSITIVE_INFINITY;

  /** `usedBytes`: what the reactor's packets and output use now. `trim` takes milliseconds. */
  constructor(usedBytes: () => number, trim: () => void) {
    this.#usedBytes = usedBytes;
    this.#trim = trim;
  }

  /** Does what is due. Returns the time of the next call, or Infinity. */
  run(nowMs: number): number {
    const bytes = this.#usedBytes();
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    if (this.#peakBytes - bytes < RELEASED_BYTES_MIN) this.#atMs = Number.POSITIVE_INFINITY;
    else if (this.#atMs === Number.POSITIVE_INFINITY) this.#atMs = nowMs + PAUSE_MS;
    else if (nowMs >= this.#atMs) {
      this.#trim();
      this.#peakBytes = bytes;
      this.#atMs = Number.POSITIVE_INFINITY;
    }
    return this.#atMs;
  }
}

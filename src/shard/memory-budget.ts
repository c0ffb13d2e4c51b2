/**
 * --max-memory: queued workloads and unfinished frames of all threads together. Threads take it from one shared counter
 * in steps of 1 MiB, so the hot path compares two numbers of its own. Source: design rules, section 11.
 */

const MIB = 1024 * 1024;

export class MemoryBudget {
  /** MiB taken by all threads; null without a limit. */
  readonly #taken: Int32Array | null;
  readonly #limitMib: number;
  /** MiB taken by this thread. */
  #ownMib = 0;

  /** `limitBytes` 0 = no limit; `taken` is one shared word. */
  constructor(limitBytes: number, taken: Int32Array) {
    this.#limitMib = Math.floor(limitBytes / MIB);
    this.#taken = limitBytes === 0 ? null : taken;
  }

  get isLimited(): boolean {
    return this.#taken !== null;
  }

  /** Whether this thread may come to hold `bytes` in all; takes more of the budget if it must. */
  admits(bytes: number): boolean {
    const taken = this.#taken;
    if (taken === null || bytes <= this.#ownMib * MIB) return true;
    const moreMib = Math.ceil(bytes / MIB) - this.#ownMib;
    if (Atomics.add(taken, 0, moreMib) + moreMib > this.#limitMib) {
      Atomics.sub(taken, 0, moreMib);
      return false;
    }
    this.#ownMib += moreMib;
    return true;
  }

  /** Takes or gives back so that this thread has what it holds; returns by how many bytes it may grow. */
  settle(heldBytes: number): number {
    const taken = this.#taken;
    if (taken === null) return Number.POSITIVE_INFINITY;
    const heldMib = Math.ceil(heldBytes / MIB);
    const before = Atomics.add(taken, 0, heldMib - this.#ownMib);
    const total = before + heldMib - this.#ownMib;
    this.#ownMib = heldMib;
    return Math.max(0, this.#limitMib - total) * MIB + heldMib * MIB - heldBytes;
  }
}

/**
 * A set of small integers that finds its lowest member quickly: a bitmap with two summary bitmaps above it.
 *
 *   top     bit t = word t of middle is not zero
 *   middle  bit m = word m of bottom is not zero
 *   bottom  bit n = n is a member
 *
 * Unlike a heap, it holds each number once and removes it at once, so it has no stale entries.
 */
import { grown } from './grow.ts';

/** Set of integers 0 .. 2^31-1; one bit each up to the greatest ever added. */
export class IntSet {
  #bottom = new Int32Array(32);
  #middle = new Int32Array(1);
  #top = new Int32Array(1);

  /** Adds `value`; no effect when it is a member. */
  add(value: number): void {
    const at = value >>> 5;
    if (at >= this.#bottom.length) this.#grow(at);
    this.#bottom[at] = (this.#bottom[at] as number) | (1 << (value & 31));
    const above = at >>> 5;
    this.#middle[above] = (this.#middle[above] as number) | (1 << (at & 31));
    this.#top[above >>> 5] = (this.#top[above >>> 5] as number) | (1 << (above & 31));
  }

  /** Removes `value`; no effect when it is not a member. */
  delete(value: number): void {
    const at = value >>> 5;
    if (at >= this.#bottom.length) return;
    const left = (this.#bottom[at] as number) & ~(1 << (value & 31));
    this.#bottom[at] = left;
    if (left !== 0) return;
    const above = at >>> 5;
    const leftAbove = (this.#middle[above] as number) & ~(1 << (at & 31));
    this.#middle[above] = leftAbove;
    if (leftAbove !== 0) return;
    this.#top[above >>> 5] = (this.#top[above >>> 5] as number) & ~(1 << (above & 31));
  }

  has(value: number): boolean {
    const at = value >>> 5;
    return at < this.#bottom.length && ((this.#bottom[at] as number) & (1 << (value & 31))) !== 0;
  }

  /**
   * The lowest member, -1 when there is none. O(1) up to a million; beyond that it reads one word per 32,768 numbers.
   */
  lowest(): number {
    const top = this.#top;
    for (let t = 0; t < top.length; t++) {
      if (top[t] === 0) continue;
      const m = (t << 5) + lowestBit(top[t] as number);
      const b = (m << 5) + lowestBit(this.#middle[m] as number);
      return (b << 5) + lowestBit(this.#bottom[b] as number);
    }
    return -1;
  }

  #grow(at: number): void {
    let words = this.#bottom.length;
    while (words <= at) words *= 2;
    this.#bottom = grown(this.#bottom, words);
    this.#middle = grown(this.#middle, Math.max(1, words >>> 5));
    this.#top = grown(this.#top, Math.max(1, words >>> 10));
  }
}

/** Position of the lowest set bit of a word that is not zero. */
function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

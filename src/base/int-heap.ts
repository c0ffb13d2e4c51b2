/**
 * A plain binary min-heap of integers, for "lowest first" choices. Equal numbers may be in it several times.
 * Invariant: items[(i - 1) >> 1] <= items[i] for 0 < i < size.
 */
import { assert } from './assert.ts';

const CAPACITY_MIN = 64;

/** Min-heap of uint32. push and pop are O(log size); the memory shrinks with the content. */
export class IntHeap {
  #items = new Uint32Array(CAPACITY_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds `value`, 0 .. 2^32-1. */
  push(value: number): void {
    if (this.#size === this.#items.length) this.#resize(this.#items.length * 2);
    const items = this.#items;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as number;
      if (above <= value) break;
      items[at] = above;
      at = parent;
    }
    items[at] = value;
  }

  /** The lowest value; the heap must not be empty. */
  peek(): number {
    assert(this.#size > 0, 'peek into an empty heap');
    return this.#items[0] as number;
  }

  /** Takes the lowest value out; the heap must not be empty. */
  pop(): number {
    assert(this.#size > 0, 'pop from an empty heap');
    const items = this.#items;
    const lowest = items[0] as number;
    const size = --this.#size;
    const value = items[size] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (items[child + 1] as number) < (items[child] as number)) child++;
      const below = items[child] as number;
      if (below >= value) break;
      items[at] = below;
      at = child;
    }
    items[at] = value;
    if (size < items.length >> 2 && items.length > CAPACITY_MIN) this.#resize(items.length >> 1);
    return lowest;
  }

  #resize(capacity: number): void {
    const items = new Uint32Array(capacity);
    items.set(this.#items.subarray(0, this.#size));
    this.#items = items;
  }
}

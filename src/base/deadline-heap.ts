/**
 * Deadlines of many ids, the earliest first: a binary min-heap that knows the position of each id, so that a deadline
 * can be removed. Equal deadlines come out in the order of insertion. Invariant: entry (i - 1) >> 1 is not later than
 * entry i, and positions.get(ids[i]) === i.
 */
import { assert } from './assert.ts';

const CAPACITY_MIN = 64;

/** At most one deadline for each id (uint32). insert, remove and pop are O(log size); memory shrinks after a burst. */
export class DeadlineHeap {
  #at = new Float64Array(CAPACITY_MIN);
  #order = new Float64Array(CAPACITY_MIN);
  #ids = new Uint32Array(CAPACITY_MIN);
  readonly #positions = new Map<number, number>();
  #size = 0;
  #nextOrder = 0;

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return this.#positions.has(id);
  }

  /** The earliest deadline in ms, Infinity when there is none. */
  peekAt(): number {
    return this.#size === 0 ? Infinity : (this.#at[0] as number);
  }

  /** The id with the earliest deadline; the heap must not be empty. */
  peekId(): number {
    assert(this.#size > 0, 'peek into an empty deadline heap');
    return this.#ids[0] as number;
  }

  /** Deadline of `id`, or Infinity when it has none. */
  atOf(id: number): number {
    const position = this.#positions.get(id);
    return position === undefined ? Number.POSITIVE_INFINITY : (this.#at[position] as number);
  }

  /** Sets the deadline of `id`, which must not have one; `atMs` must not be NaN. */
  insert(id: number, atMs: number): void {
    assert(!this.#positions.has(id), 'insert a deadline: id has one');
    assert(!Number.isNaN(atMs), 'insert a deadline: instant is NaN');
    if (this.#size === this.#ids.length) this.#resize(this.#ids.length * 2);
    this.#rise(this.#size++, atMs, this.#nextOrder++, id);
  }

  /** Removes the deadline of `id`; false when it has none. */
  remove(id: number): boolean {
    const position = this.#positions.get(id);
    if (position === undefined) return false;
    this.#removeAt(position);
    return true;
  }

  /** Removes the earliest deadline and returns its id; the heap must not be empty. */
  pop(): number {
    assert(this.#size > 0, 'pop from an empty deadline heap');
    const id = this.#ids[0] as number;
    this.#removeAt(0);
    return id;
  }

  #removeAt(position: number): void {
    this.#positions.delete(this.#ids[position] as number);
    const last = --this.#size;
    if (position !== last) {
      const atMs = this.#at[last] as number;
      const order = this.#order[last] as number;
      const id = this.#ids[last] as number;
      if (position > 0 && this.#isLater((position - 1) >> 1, atMs, order)) {
        this.#rise(position, atMs, order, id);
      } else {
        this.#sink(position, atMs, order, id);
      }
    }
    if (last === 0) this.#nextOrder = 0;
    const capacity = this.#ids.length;
    if (last < capacity >> 2 && capacity > CAPACITY_MIN) this.#resize(capacity >> 1);
  }

  /** Puts an entry at `position` or above it, shifting later ones down. */
  #rise(position: number, atMs: number, order: number, id: number): void {
    let at = position;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isLater(parent, atMs, order)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, atMs, order, id);
  }

  /** Puts an entry at `position` or below it, shifting earlier ones up. */
  #sink(position: number, atMs: number, order: number, id: number): void {
    const size = this.#size;
    let at = position;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        this.#isLater(child, this.#at[right] as number, this.#order[right] as number)
      ) {
        child = right;
      }
      if (this.#isLater(child, atMs, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, atMs, order, id);
  }

  #isLater(position: number, atMs: number, order: number): boolean {
    const other = this.#at[position] as number;
    return other > atMs || (other === atMs && (this.#order[position] as number) > order);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#at[from] as number, this.#order[from] as number, this.#ids[from] as number);
  }

  #put(position: number, atMs: number, order: number, id: number): void {
    this.#at[position] = atMs;
    this.#order[position] = order;
    this.#ids[position] = id;
    this.#positions.set(id, position);
  }

  #resize(capacity: number): void {
    const at = new Float64Array(capacity);
    const order = new Float64Array(capacity);
    const ids = new Uint32Array(capacity);
    at.set(this.#at.subarray(0, this.#size));
    order.set(this.#order.subarray(0, this.#size));
    ids.set(this.#ids.subarray(0, this.#size));
    this.#at = at;
    this.#order = order;
    this.#ids = ids;
  }
}

/** Virtual time: what is to happen, in the order of time. Two events of one time happen in the order of their making. */
interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Clock {
  nowMs = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  after(delayMs: number, run: () => void): void {
    const entry = { atMs: this.nowMs + delayMs, order: ++this.#order, run };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Runs everything up to `endMs`. */
  runUntil(endMs: number, isOver: () => boolean = () => false): void {
    while (!isOver()) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > endMs) break;
      this.#removeFirst();
      this.nowMs = first.atMs;
      first.run();
    }
    if (!isOver()) this.nowMs = endMs;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A queue without the cost of Array.shift: a ring of slots that doubles. Taken slots are cleared. */
export class Fifo<T> {
  #slots: (T | undefined)[] = new Array(16);
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#first + this.#size) & (this.#slots.length - 1)] = item;
    this.#size++;
  }

  /** The oldest item, which stays in the queue; undefined when the queue is empty. */
  peek(): T | undefined {
    return this.#slots[this.#first];
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#first];
    this.#slots[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#slots.length - 1);
    this.#size--;
    return item;
  }

  /** Removes and returns all items, oldest first. */
  takeAll(): T[] {
    const items: T[] = [];
    while (this.#size > 0) items.push(this.shift() as T);
    this.#slots = new Array(16);
    this.#first = 0;
    return items;
  }

  #grow(): void {
    const slots: (T | undefined)[] = new Array(this.#slots.length * 2);
    for (let i = 0; i < this.#size; i++)
      slots[i] = this.#slots[(this.#first + i) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#first = 0;
  }
}

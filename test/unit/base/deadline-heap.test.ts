import { describe, expect, it } from 'vitest';
import { DeadlineHeap } from '../../../src/base/deadline-heap.ts';
import { Random } from '../../support/random.ts';

function drain(heap: DeadlineHeap): number[] {
  const ids: number[] = [];
  while (heap.size > 0) ids.push(heap.pop());
  return ids;
}

interface Deadline {
  atMs: number;
  order: number;
}
type Model = Map<number, Deadline>;

function compare(a: Deadline, b: Deadline): number {
  return a.atMs - b.atMs || a.order - b.order;
}

function earliest(model: Model): [number, Deadline] {
  let first: [number, Deadline] | undefined;
  for (const entry of model) if (!first || compare(entry[1], first[1]) < 0) first = entry;
  return first as [number, Deadline];
}

describe('DeadlineHeap', () => {
  it('says Infinity and refuses to name an id while it is empty', () => {
    const heap = new DeadlineHeap();
    expect(heap.peekAt()).toBe(Number.POSITIVE_INFINITY);
    expect(() => heap.peekId()).toThrow('empty deadline heap');
    expect(() => heap.pop()).toThrow('empty deadline heap');
  });

  it('gives the earliest deadline first, whatever the sign and fraction', () => {
    const heap = new DeadlineHeap();
    heap.insert(1, 10.5);
    heap.insert(2, -3);
    heap.insert(3, 10.25);
    heap.insert(4, Number.POSITIVE_INFINITY);
    expect([heap.peekAt(), heap.peekId()]).toEqual([-3, 2]);
    expect(drain(heap)).toEqual([2, 3, 1, 4]);
  });

  it('gives equal deadlines in the order in which they were inserted, also after removals', () => {
    const heap = new DeadlineHeap();
    for (let id = 0; id < 1000; id++) heap.insert(id, 5);
    for (let id = 0; id < 1000; id += 3) heap.remove(id);
    for (let id = 0; id < 1000; id += 3) heap.insert(id, 5);
    const first = Array.from({ length: 1000 }, (_, id) => id);
    expect(drain(heap)).toEqual([
      ...first.filter((id) => id % 3 !== 0),
      ...first.filter((id) => id % 3 === 0),
    ]);
  });

  it('takes ids over the whole of 32 bits', () => {
    const heap = new DeadlineHeap();
    heap.insert(0xffffffff, 2);
    heap.insert(0, 1);
    expect(heap.has(0xffffffff)).toBe(true);
    expect(drain(heap)).toEqual([0, 0xffffffff]);
  });

  it('refuses a second deadline for one id and a deadline that is no number', () => {
    const heap = new DeadlineHeap();
    heap.insert(7, 1);
    expect(() => heap.insert(7, 2)).toThrow('id has one');
    expect(() => heap.insert(8, Number.NaN)).toThrow('instant is NaN');
    expect([heap.size, heap.peekAt()]).toEqual([1, 1]);
  });

  it('says false when there is nothing to remove', () => {
    const heap = new DeadlineHeap();
    heap.insert(7, 1);
    expect(heap.remove(8)).toBe(false);
    expect(heap.remove(7)).toBe(true);
    expect(heap.remove(7)).toBe(false);
  });

  it.each([1, 2, 3])('agrees with a sorted list through bursts and drains (seed %i)', (seed) => {
    const random = new Random(seed);
    const heap = new DeadlineHeap();
    const model: Model = new Map();
    for (let step = 0; step < 20_000; step++) {
      const isFilling = step % 4_000 < 2_000;
      const id = random.below(2_000);
      if (random.below(100) < (isFilling ? 70 : 30)) {
        if (model.has(id)) continue;
        const atMs = random.below(500);
        heap.insert(id, atMs);
        model.set(id, { atMs, order: step });
      } else if (random.oneIn(2)) {
        expect(heap.remove(id)).toBe(model.delete(id));
      } else if (model.size > 0) {
        const [id, { atMs }] = earliest(model);
        expect([heap.peekAt(), heap.peekId(), heap.pop()]).toEqual([atMs, id, id]);
        model.delete(id);
      }
      if (heap.has(id) !== model.has(id) || heap.size !== model.size) expect(step).toBe('equal');
    }
    const expected = [...model].sort(([, a], [, b]) => compare(a, b)).map(([id]) => id);
    expect(drain(heap)).toEqual(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { IntSet } from '../../../src/base/int-set.ts';
import { Random } from '../../support/random.ts';

describe('IntSet', () => {
  it('has no lowest member while it is empty', () => {
    const set = new IntSet();
    expect(set.lowest()).toBe(-1);
    set.add(70_000);
    set.delete(70_000);
    expect(set.lowest()).toBe(-1);
  });

  it('finds a lone member wherever a word or a summary ends', () => {
    const set = new IntSet();
    for (const bits of [0, 5, 10, 15, 20, 22]) {
      for (const number of [2 ** bits - 1, 2 ** bits, 2 ** bits + 31]) {
        set.add(number);
        expect(set.lowest()).toBe(number);
        expect(set.has(number)).toBe(true);
        set.delete(number);
        expect(set.has(number)).toBe(false);
      }
    }
  });

  it('knows nothing of numbers beyond what it has room for', () => {
    const set = new IntSet();
    set.add(3);
    set.delete(1_000_000_000);
    expect(set.has(1_000_000_000)).toBe(false);
    expect(set.lowest()).toBe(3);
  });

  it('holds a number once, however often it is added', () => {
    const set = new IntSet();
    set.add(9);
    set.add(9);
    set.delete(9);
    expect(set.lowest()).toBe(-1);
  });

  it.each([
    [1, 40],
    [2, 3_000],
    [3, 200_000],
  ])('agrees with a Set (seed %i, numbers below %i)', (seed, bound) => {
    const random = new Random(seed);
    const set = new IntSet();
    const model = new Set<number>();
    for (let step = 0; step < 30_000; step++) {
      const number = random.below(bound);
      if (random.oneIn(2)) {
        set.add(number);
        model.add(number);
      } else {
        const victim = random.oneIn(2) ? Math.max(0, set.lowest()) : number;
        set.delete(victim);
        model.delete(victim);
      }
      if (set.has(number) !== model.has(number)) expect(step).toBe('equal');
      if (step % 64 === 0) expect(set.lowest()).toBe(lowestOf(model));
    }
    const rest = [...model].sort((a, b) => a - b);
    for (const number of rest) {
      expect(set.lowest()).toBe(number);
      set.delete(number);
    }
    expect(set.lowest()).toBe(-1);
  });
});

function lowestOf(model: Set<number>): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const number of model) lowest = Math.min(lowest, number);
  return model.size === 0 ? -1 : lowest;
}

import { describe, expect, it } from 'vitest';
import { IntHeap } from '../../../src/base/int-heap.ts';
import { Random } from '../../support/random.ts';

describe('IntHeap', () => {
  it('gives a burst of numbers back in rising order, equal ones as often as they went in', () => {
    const random = new Random(1);
    const heap = new IntHeap();
    const numbers = Array.from({ length: 20_000 }, () => random.below(5_000));
    numbers.push(0, 0xffffffff, 0x80000000);
    for (const number of numbers) heap.push(number);

    const out = numbers.map(() => heap.pop());

    expect(out).toEqual(numbers.sort((a, b) => a - b));
    expect(heap.size).toBe(0);
  });

  it('agrees with a sorted array while numbers come and go', () => {
    const random = new Random(2);
    const heap = new IntHeap();
    const model: number[] = [];
    // One comparison at the end: an expectation a step would take most of the time.
    const said: (number | undefined)[] = [];
    const wanted: (number | undefined)[] = [];
    for (let step = 0; step < 50_000; step++) {
      if (model.length === 0 || random.below(100) < (step % 20_000 < 10_000 ? 52 : 48)) {
        const number = random.next();
        heap.push(number);
        const at = model.findIndex((other) => other >= number);
        model.splice(at < 0 ? model.length : at, 0, number);
      } else {
        said.push(heap.peek(), heap.pop());
        wanted.push(model[0], model.shift());
      }
      said.push(heap.size);
      wanted.push(model.length);
    }
    expect(said).toEqual(wanted);
  });

  it('refuses to be read when it is empty', () => {
    const heap = new IntHeap();
    expect(() => heap.peek()).toThrow('empty heap');
    expect(() => heap.pop()).toThrow('empty heap');
    expect(heap.size).toBe(0);
  });
});

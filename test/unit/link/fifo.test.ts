/** The queue gives back what it was given, in order, and holds nothing else. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fifo } from '../../../src/link/fifo.ts';

it('behaves like an array that is pushed and shifted', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 300 }), (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      for (const step of steps) {
        if (step < 0) expect(fifo.shift()).toBe(model.shift());
        else
          for (let i = 0; i < step; i++) {
            fifo.push(i);
            model.push(i);
          }
        expect([fifo.size, fifo.peek()]).toEqual([model.length, model[0]]);
      }
      expect(fifo.takeAll()).toEqual(model);
      expect([fifo.size, fifo.shift()]).toEqual([0, undefined]);
    }),
  );
});

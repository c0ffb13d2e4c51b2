/** Connections by address: counted by thread, forgotten with it. */
import { expect, it } from 'vitest';
import { AddressCounts } from '../../../src/session/address-counts.ts';

it('adds up over threads and forgets those of a thread that died', () => {
  const counts = new AddressCounts();
  counts.add('a', 0);
  counts.add('a', 2);
  counts.add('a', 2);
  counts.add('b', 2);
  expect([counts.of('a'), counts.of('b'), counts.of('c')]).toEqual([3, 1, 0]);
  counts.remove('a', 2);
  expect(counts.of('a')).toBe(2);
  counts.forget(2);
  expect([counts.of('a'), counts.of('b')]).toEqual([1, 0]);
});

it('ignores an end that it knows nothing of', () => {
  const counts = new AddressCounts();
  counts.remove('a', 5);
  counts.forget(5);
  expect(counts.of('a')).toBe(0);
});

import { expect, it } from 'vitest';
import { HeapReturn } from '../../../src/shard/heap-return.ts';

const MIB = 1024 * 1024;

function begin() {
  const state = { bytes: 0, trims: 0 };
  const heap = new HeapReturn(
    () => state.bytes,
    () => state.trims++,
  );
  return {
    state,
    at: (nowMs: number, bytes: number) => {
      state.bytes = bytes;
      return heap.run(nowMs);
    },
  };
}

it('gives memory back once, a second after much was released', () => {
  const { state, at } = begin();
  expect(at(0, 100 * MIB)).toBe(Number.POSITIVE_INFINITY);
  expect(at(10, 0)).toBe(1010);
  expect(at(1009, 0)).toBe(1010);
  expect(state.trims).toBe(0);
  expect(at(1010, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(state.trims).toBe(1);
  expect(at(9999, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(state.trims).toBe(1);
});

it('waits again when the memory is needed meanwhile', () => {
  const { state, at } = begin();
  at(0, 100 * MIB);
  at(10, 0);
  expect(at(900, 90 * MIB)).toBe(Number.POSITIVE_INFINITY);
  expect(at(910, 0)).toBe(1910);
  expect(at(1010, 0)).toBe(1910);
  expect(state.trims).toBe(0);
});

it('leaves little as it is', () => {
  const { state, at } = begin();
  at(0, 16 * MIB - 1);
  expect(at(1, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(at(5000, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(state.trims).toBe(0);
});

import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/shard/memory-budget.ts';

const MIB = 1 << 20;

describe('the memory budget', () => {
  it('of 0 has no limit', () => {
    const taken = new Int32Array(1);
    const budget = new MemoryBudget(0, taken);
    expect(budget.isLimited).toBe(false);
    expect(budget.admits(1e15)).toBe(true);
    expect(budget.settle(1e15)).toBe(Number.POSITIVE_INFINITY);
    expect(taken[0]).toBe(0);
  });

  it('is shared by threads in steps of 1 MiB', () => {
    const taken = new Int32Array(1);
    const [a, b] = [new MemoryBudget(3 * MIB, taken), new MemoryBudget(3 * MIB, taken)];
    expect(a.admits(1)).toBe(true);
    expect(b.admits(MIB + 1)).toBe(true);
    expect(taken[0]).toBe(3);
    expect(a.admits(MIB)).toBe(true);
    expect(a.admits(MIB + 1)).toBe(false);
    expect(b.admits(2 * MIB)).toBe(true);
    expect(taken[0]).toBe(3);
  });

  it('gives back what a thread no longer holds', () => {
    const taken = new Int32Array(1);
    const [a, b] = [new MemoryBudget(3 * MIB, taken), new MemoryBudget(3 * MIB, taken)];
    expect(a.admits(3 * MIB)).toBe(true);
    expect(b.admits(1)).toBe(false);
    expect(a.settle(MIB)).toBe(2 * MIB);
    expect(b.admits(2 * MIB)).toBe(true);
    expect(a.settle(0)).toBe(MIB);
    expect(taken[0]).toBe(2);
  });

  it('says by how much a thread may grow: what is left of its own steps, and of all', () => {
    const taken = new Int32Array(1);
    const budget = new MemoryBudget(2 * MIB, taken);
    expect(budget.settle(0)).toBe(2 * MIB);
    expect(budget.settle(100)).toBe(2 * MIB - 100);
    expect(budget.settle(2 * MIB)).toBe(0);
    // A thread may hold more than the budget: jobs that another shard handed it, say.
    expect(budget.settle(3 * MIB)).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { isOwner, ownerThreads, shardOf, shardOfName } from '../../../src/protocol/shard-of.ts';

describe('shardOf', () => {
  it('is 0 without shards', () => {
    expect(shardOf(-5, 0)).toBe(0);
    expect(shardOfName(Buffer.from('resize'), 4711, 0)).toBe(0);
  });

  it('takes a hash as an unsigned number', () => {
    expect([0, 1, 2, -1, -2, 0x7fffffff, -0x80000000].map((hash) => shardOf(hash, 3))).toEqual([
      1, 2, 3, 1, 3, 2, 3,
    ]);
  });

  it('gives names the owners that journals of earlier versions have', () => {
    const names = Array.from({ length: 16 }, (_, i) => Buffer.from(`function-${i}`));
    const owners = (count: number) =>
      names.map((name) => shardOfName(name, 12_345, count)).join('');
    expect(owners(1)).toBe('1111111111111111');
    expect(owners(2)).toBe('1122112222221212');
    expect(owners(4)).toBe('1342332424423234');
    expect(owners(7)).toBe('3376261762551731');
  });
});

it('has the shards own functions and not the acceptor, or the one thread that is everything', () => {
  expect(ownerThreads(0)).toEqual([0]);
  expect(ownerThreads(3)).toEqual([1, 2, 3]);
  const owners = (shardCount: number) =>
    [-1, 0, 1, 2, 3, 4].filter((thread) => isOwner(thread, shardCount));
  expect(owners(0)).toEqual([0]);
  expect(owners(3)).toEqual([1, 2, 3]);
});

import { describe, expect, it } from 'vitest';
import { ListingQueue } from '../../../src/session/listing-queue.ts';

describe('a queue of listings', () => {
  it('makes four at a time, the others in the order in which they asked', () => {
    const queue = new ListingQueue();
    const begun: number[] = [];
    for (let i = 0; i < 7; i++) queue.enter(() => begun.push(i));
    expect(begun).toEqual([0, 1, 2, 3]);
    queue.leave();
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    queue.leave();
    queue.leave();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('puts a listing that leaves for its peer and comes again behind those that wait', () => {
    const queue = new ListingQueue();
    const begun: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) queue.enter(() => begun.push(name));
    queue.enter(() => begun.push('f'));
    queue.leave(); // a waits for its peer: e begins
    queue.enter(() => begun.push('a again'));
    queue.leave();
    queue.leave();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'a again']);
  });

  it('takes 100,000 that end at once without a call inside a call for each', () => {
    const queue = new ListingQueue();
    let ended = 0;
    const endAtOnce = () => {
      ended++;
      queue.leave();
    };
    for (let i = 0; i < 4; i++) queue.enter(() => {});
    for (let i = 0; i < 100_000; i++) queue.enter(endAtOnce);
    expect(ended).toBe(0);
    queue.leave();
    expect(ended).toBe(100_000);
  });
});

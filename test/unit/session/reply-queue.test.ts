import { describe, expect, it } from 'vitest';
import { ReplyQueue } from '../../../src/session/reply-queue.ts';

describe('the reply queue', () => {
  it('gives places in order and finds each by its id while it waits', () => {
    const queue = new ReplyQueue(5);
    const places = [queue.take(), queue.take(), queue.take()];
    expect(places.map((place) => place.id)).toEqual([5, 6, 7]);
    expect(queue.nextId).toBe(8);
    expect(queue.length).toBe(3);
    for (const place of places) expect(queue.find(place.id)).toBe(place);
    expect(queue.find(8)).toBeUndefined();
    expect(queue.find(4)).toBeUndefined();
  });

  it('does not find a place that has left', () => {
    const queue = new ReplyQueue(1);
    for (let i = 0; i < 5; i++) queue.take();
    queue.shift();
    queue.shift();
    expect(queue.front?.id).toBe(3);
    expect(queue.find(1)).toBeUndefined();
    expect(queue.find(2)).toBeUndefined();
    expect(queue.find(3)).toBe(queue.front);
  });

  it('goes on behind the greatest id', () => {
    const queue = new ReplyQueue(0x7fffffff);
    const [last, first] = [queue.take(), queue.take()];
    expect([last.id, first.id]).toEqual([0x7fffffff, -0x80000000]);
    expect(queue.find(first.id)).toBe(first);
    queue.shift();
    expect(queue.find(last.id)).toBeUndefined();
    expect(queue.find(first.id)).toBe(first);
  });

  it('keeps its order over many thousand places that come and go', () => {
    const queue = new ReplyQueue(1);
    let taken = 0;
    for (let i = 0; i < 20_000; i++) {
      queue.take();
      if (i % 3 === 0) continue;
      expect(queue.front?.id).toBe(++taken);
      queue.shift();
    }
    expect(queue.length).toBe(20_000 - taken);
    expect([...queue].map((place) => place.id)).toEqual(
      Array.from({ length: queue.length }, (_, i) => taken + 1 + i),
    );
  });

  it('gives postponed replies in a row one place, and each its number', () => {
    const queue = new ReplyQueue(1);
    expect([queue.postpone(), queue.postpone(), queue.postpone()]).toEqual([1, 2, 3]);
    const own = queue.take();
    expect([own.id, queue.postpone(), queue.postpone()]).toEqual([4, 5, 6]);
    expect([...queue].map(({ id, count }) => [id, count])).toEqual([
      [1, 3],
      [4, 1],
      [5, 2],
    ]);
    expect(queue.length).toBe(6);
    expect([1, 2, 3, 4, 5, 6].map((id) => queue.find(id)?.id)).toEqual([1, 1, 1, 4, 5, 5]);
    expect([0, 7].map((id) => queue.find(id))).toEqual([undefined, undefined]);
  });

  it('lets postponed replies pass in their order, and only when nothing is before them', () => {
    const queue = new ReplyQueue(0x7fffffff);
    const ids = [queue.postpone(), queue.postpone(), queue.postpone()] as const;
    queue.take();
    const last = queue.postpone();
    expect(ids).toEqual([0x7fffffff, -0x80000000, -0x7fffffff]);
    expect(queue.pass(ids[1])).toBe(false);
    expect(ids.map((id) => queue.pass(id))).toEqual([true, true, true]);
    expect(queue.pass(ids[2])).toBe(false);
    expect([queue.length, queue.pass(last)]).toEqual([2, false]);
    queue.shift();
    expect([queue.pass(last), queue.length, queue.front]).toEqual([true, 0, undefined]);
    // The place has left: the next one is new.
    expect(queue.postpone()).toBe(last + 1);
    expect(queue.front?.count).toBe(1);
  });

  it('splits a place for a reply that is there before those in front of it', () => {
    const queue = new ReplyQueue(1);
    for (let i = 0; i < 5; i++) queue.postpone();
    const third = queue.single(3);
    const parts = () => [...queue].map(({ id, count }) => [id, count]);
    expect(third).toMatchObject({ id: 3, count: 1, isFilled: false });
    expect(queue.single(3)).toBe(third);
    expect(parts()).toEqual([
      [1, 2],
      [3, 1],
      [4, 2],
    ]);
    expect([queue.single(5)?.id, queue.single(1)?.id, queue.single(6)]).toEqual([5, 1, undefined]);
    expect(queue.postpone()).toBe(6);
    expect(parts()).toEqual([1, 2, 3, 4, 5, 6].map((id) => [id, 1]));
    expect(queue.length).toBe(6);
  });
});

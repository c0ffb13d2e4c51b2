import { describe, expect, it } from 'vitest';
import { ReplyQueue } from '../../../src/session/reply-queue.ts';

describe('the reply queue', () => {
  it('gives places in order and finds each by its id while it waits', () => {
    const queue = new ReplyQueue(5, null, { held: 0 });
    const places = [queue.take(), queue.take(), queue.take()];
    expect(places.map((pending) => pending.id)).toEqual([5, 6, 7]);
    expect(queue.nextId).toBe(8);
    expect(queue.length).toBe(3);
    for (const pending of places) expect(queue.find(pending.id)).toBe(pending);
    expect(queue.find(8)).toBeUndefined();
    expect(queue.find(4)).toBeUndefined();
  });

  it('does not find a place that has left', () => {
    const queue = new ReplyQueue(1, null, { held: 0 });
    for (let i = 0; i < 5; i++) queue.take();
    queue.shift();
    queue.shift();
    expect(queue.front?.id).toBe(3);
    expect(queue.find(1)).toBeUndefined();
    expect(queue.find(2)).toBeUndefined();
    expect(queue.find(3)).toBe(queue.front);
  });

  it('begins again with 1 behind the greatest id', () => {
    const queue = new ReplyQueue(0x7fffffff, null, { held: 0 });
    const [last, first] = [queue.take(), queue.take()];
    expect([last.id, first.id]).toEqual([0x7fffffff, 1]);
    expect(queue.find(last.id)).toBe(last);
    expect(queue.find(first.id)).toBe(first);
    queue.shift();
    expect(queue.find(last.id)).toBeUndefined();
    expect(queue.find(first.id)).toBe(first);
  });

  it('keeps its order over many thousand places that come and go', () => {
    const queue = new ReplyQueue(1, null, { held: 0 });
    let taken = 0;
    for (let i = 0; i < 20_000; i++) {
      queue.take();
      if (i % 3 === 0) continue;
      expect(queue.front?.id).toBe(++taken);
      queue.shift();
    }
    expect(queue.length).toBe(20_000 - taken);
    expect([...queue].map((pending) => pending.id)).toEqual(
      Array.from({ length: queue.length }, (_, i) => taken + 1 + i),
    );
  });
});

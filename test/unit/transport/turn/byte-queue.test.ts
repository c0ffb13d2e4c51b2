import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteQueue } from '../../../../src/transport/turn/byte-queue.ts';

test('gives the bytes back in order, whatever the sizes of pushes and takes', () => {
  const step = fc.record({ push: fc.nat({ max: 9 }), take: fc.nat({ max: 9 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new ByteQueue();
      let pushed = 0;
      let taken = 0;
      for (const { push, take } of steps) {
        queue.push(Uint8Array.from({ length: push }, () => pushed++ & 0xff));
        const target = new Uint8Array(Math.min(take, queue.bytes));
        queue.take(target, 0, target.length);
        expect([...target]).toEqual(Array.from(target, () => taken++ & 0xff));
        expect(queue.bytes).toBe(pushed - taken);
      }
      expect(queue.takeAll().length).toBe(pushed - taken);
      expect(queue.bytes).toBe(0);
    }),
  );
});

test('drains in spans of the chunks that were pushed', () => {
  const queue = new ByteQueue();
  queue.push(Buffer.from('abc'));
  queue.push(Buffer.from('defg'));
  const spans: string[] = [];
  const collect = (chunk: Uint8Array, start: number, end: number) =>
    spans.push(Buffer.from(chunk.subarray(start, end)).toString());
  queue.drain(1, collect);
  queue.drain(4, collect);
  queue.drain(2, collect);
  expect(spans).toEqual(['a', 'bc', 'de', 'fg']);
});

test('is empty after clear', () => {
  const queue = new ByteQueue();
  queue.push(Buffer.from('abc'));
  queue.take(new Uint8Array(1), 0, 1);
  queue.clear();
  queue.push(Buffer.from('x'));
  expect(Buffer.from(queue.takeAll()).toString()).toBe('x');
});

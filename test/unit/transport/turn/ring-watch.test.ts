import { describe, expect, test } from 'vitest';
import { RingWatch } from '../../../../src/transport/turn/ring-watch.ts';

const ASLEEP = 0;

function watched() {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const rings = new RingWatch();
  rings.watch(words, ASLEEP, Int32Array.of(1, 3), Int32Array.of(2, 4));
  return { words, rings };
}

describe('the ring watch', () => {
  test('sleeps when no ring has anything', () => {
    const { words, rings } = watched();
    expect(rings.sleep()).toBe(true);
    expect(words[ASLEEP]).toBe(1);
    rings.wake();
    expect(words[ASLEEP]).toBe(0);
  });

  test.each([1, 3])('does not sleep while word %i is ahead of its read index', (write) => {
    const { words, rings } = watched();
    words[write] = 8;
    expect(rings.isWaiting()).toBe(true);
    expect(rings.sleep()).toBe(false);
    expect(words[ASLEEP]).toBe(0);
    words[write + 1] = 8;
    expect(rings.isWaiting()).toBe(false);
    expect(rings.sleep()).toBe(true);
  });

  test('may always sleep when nothing is watched', () => {
    const rings = new RingWatch();
    expect([rings.isWaiting(), rings.sleep()]).toEqual([false, true]);
    rings.wake();
  });
});

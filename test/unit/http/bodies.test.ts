/** Bodies of requests share one limit: the slowest makes room, so stalled ones keep nobody out. */
import { expect, it } from 'vitest';
import { Bodies, type Body } from '../../../src/http/bodies.ts';

const MIB = 1024 * 1024;

function stage(limitMib: number) {
  const bodies = new Bodies(limitMib * MIB);
  const out: string[] = [];
  const begin = (name: string, nowMs = 0): Body => bodies.begin(nowMs, () => out.push(name));
  return { bodies, out, begin };
}

it('two stalled bodies make room for others, the slowest first and no more than needed', () => {
  const { bodies, out, begin } = stage(256);
  const [first, second] = [begin('first'), begin('second')];
  expect(bodies.take(first, 128 * MIB, 0)).toBe(true);
  expect(bodies.take(second, 127 * MIB, 0)).toBe(true);
  // They have come fast so far, so the newcomer is refused.
  expect(bodies.take(begin('early', 500), 2 * MIB, 500)).toBe(false);
  expect(out).toEqual([]);
  const late = begin('late', 2_000);
  expect(bodies.take(late, 2 * MIB, 2_000)).toBe(false);
  bodies.release(late);
  expect(bodies.take(begin('later', 3_000), 2 * MIB, 3_000)).toBe(true);
  expect(out).toEqual(['first']);
  expect(bodies.bytes).toBe((127 + 2 + 2) * MIB);
});

it('a byte now and then is no progress', () => {
  const { bodies, out, begin } = stage(256);
  const trickles = [begin('a'), begin('b')];
  for (const body of trickles) bodies.take(body, 127 * MIB, 0);
  for (let nowMs = 100; nowMs <= 3_000; nowMs += 100)
    for (const body of trickles) bodies.take(body, 1, nowMs);
  expect(bodies.take(begin('honest', 3_000), 4 * MIB, 3_000)).toBe(true);
  expect(out).toEqual(['a']);
});

it('a body that comes fast stays, whoever else wants room', () => {
  const { bodies, out, begin } = stage(8);
  const fast = begin('fast');
  for (let nowMs = 0; nowMs < 3_000; nowMs += 500) bodies.take(fast, MIB, nowMs);
  expect(bodies.take(begin('other', 3_000), 4 * MIB, 3_000)).toBe(false);
  expect(out).toEqual([]);
});

it('a body that is whole waits for the job server and makes no room', () => {
  const { bodies, out, begin } = stage(4);
  const whole = begin('whole');
  bodies.take(whole, 4 * MIB, 0);
  bodies.complete(whole);
  expect(bodies.take(begin('other', 5_000), MIB, 9_000)).toBe(false);
  expect(out).toEqual([]);
  bodies.release(whole);
  expect(bodies.bytes).toBe(MIB);
});

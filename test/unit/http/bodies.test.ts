/** Bodies of requests share one limit: the slowest makes room, so stalled ones keep nobody out. */
import { expect, it } from 'vitest';
import { Account, accountWords } from '../../../src/base/account.ts';
import { Bodies, type Body } from '../../../src/http/bodies.ts';

const MIB = 1024 * 1024;

function stage(limitMib: number, account = new Account()) {
  const bodies = new Bodies(limitMib * MIB, account);
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

it('they are new work of the memory of all threads, which has what they give up at once', () => {
  const words = accountWords(2);
  const [own, other] = [0, 1].map((thread) => new Account(64 * MIB, words, thread)) as [
    Account,
    Account,
  ];
  const { bodies, out, begin } = stage(256, own);
  const body = begin('a');
  for (let mib = 0; mib < 55; mib++) expect(bodies.take(body, MIB, 0)).toBe(true);
  expect(own.held).toBe(55 * MIB);
  expect(other.admits(2 * MIB)).toBe(false);
  const next = begin('b');
  expect(bodies.take(next, 2 * MIB, 0)).toBe(false);
  bodies.release(next);
  // A stalled one makes room for it, as it does under the bodies' own limit.
  const late = begin('c', 2_000);
  body.rateAt(1_000);
  expect(bodies.take(late, 2 * MIB, 2_000)).toBe(true);
  expect(out).toEqual(['a']);
  bodies.release(late);
  expect(own.held).toBe(0);
  expect(other.admits(55 * MIB)).toBe(true);
});

it('there is no room for one when jobs fill the memory', () => {
  const account = new Account(64 * MIB, accountWords(1), 0);
  account.keep({ held: 0 }, 57 * MIB);
  account.grow();
  const { bodies, begin } = stage(256, account);
  const body = begin('a');
  expect(bodies.take(body, 1, 0)).toBe(false);
  bodies.release(body);
  expect(account.held).toBe(57 * MIB);
});

import { describe, expect, it } from 'vitest';
import { adoptSettings, type SettingsTable } from '../../../src/broker/function-settings.ts';
import { FunctionQueue } from '../../../src/broker/functions.ts';
import { Gate } from '../../../src/broker/gate.ts';
import { gateSettings } from '../../../src/policy/gate-settings.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import { Random } from '../../support/random.ts';

const settings = (policy: string, isPaused = false) =>
  gateSettings('f', policy === '' ? {} : parsePolicy(policy), isPaused, false);

/** Starts as many jobs as may start at `nowMs`; returns how many. */
function startAll(gate: Gate, nowMs: number, isWaiting = true): number {
  gate.advance(nowMs, isWaiting);
  let count = 0;
  for (; gate.room(0) > 0; count++) gate.start();
  return count;
}

/** The times of the first `count` starts of jobs that have waited since `sinceMs`. */
function startTimes(gate: Gate, sinceMs: number, count: number): number[] {
  const times: number[] = [];
  gate.advance(sinceMs, false);
  for (let nowMs = sinceMs; times.length < count; nowMs = gate.opensAtMs(0)) {
    gate.advance(nowMs, true);
    for (; gate.room(0) > 0; gate.start()) times.push(nowMs - sinceMs);
  }
  return times;
}

describe('the gate of a function', () => {
  it('lets as many jobs run as concurrency says', () => {
    const gate = new Gate(settings('concurrency:3'), 0);
    expect([0, 1, 2, 3, 4].map((assigned) => gate.room(assigned))).toEqual([3, 2, 1, 0, 0]);
    expect(gate.stateAt(2)).toBe('open');
    expect(gate.stateAt(3)).toBe('concurrency');
    expect(gate.opensAtMs(3)).toBe(Number.POSITIVE_INFINITY);
  });

  it('lets no job start while it is paused, and knows no time at which it opens', () => {
    const gate = new Gate(settings('concurrency:3,rate:5/s', true), 0);
    expect(gate.room(0)).toBe(0);
    expect(gate.stateAt(0)).toBe('paused');
    expect(gate.opensAtMs(0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is without limit when it only drains', () => {
    const gate = new Gate(gateSettings('f', {}, false, true), 0);
    expect(gate.room(1000)).toBe(Number.POSITIVE_INFINITY);
    expect(gate.isDraining).toBe(true);
  });

  it('is that of its name, and null for other names', () => {
    const table: SettingsTable = new Map([
      ['\xe9', { ...settings('concurrency:1'), name: '\xe9' }],
    ]);
    const gateOf = (name: string, known: SettingsTable) => {
      const fn = new FunctionQueue(1, Buffer.from(name, 'latin1'), 0);
      adoptSettings(fn, known, 0);
      return fn.gate;
    };
    expect(gateOf('\xe9', table)?.room(0)).toBe(1);
    expect(gateOf('f', table)).toBeNull();
    expect(gateOf('f', new Map())).toBeNull();
  });

  it.each([
    ['rate:100/s', [0, 10, 20, 30, 40]],
    ['rate:2/s', [0, 500, 1000, 1500, 2000]],
    ['rate:4/m', [0, 15_000, 30_000, 45_000, 60_000]],
    ['rate:100/s,burst:3', [0, 0, 0, 10, 20]],
    ['rate:200/s', [0, 0, 5, 10, 15]],
  ])('starts jobs under %s at %j ms', (policy, times) => {
    for (const sinceMs of [0, 5000.25, 86_400_000.125])
      expect(startTimes(new Gate(settings(policy), sinceMs), sinceMs, 5)).toEqual(times);
  });

  it('saves up all of the burst whatever the time is', () => {
    const random = new Random(1);
    for (let i = 0; i < 2000; i++) {
      const burst = random.between(1, 50);
      const count = random.pick([3, 7, 9, 11, 13, 300, 700, 2900]);
      const nowMs = random.below(1 << 30) / 1000;
      const gate = new Gate(settings(`rate:${count}/s,burst:${burst}`), nowMs);
      expect(gate.room(0)).toBe(burst);
      expect(startAll(gate, nowMs)).toBe(burst);
    }
  });

  it('keeps the rate although its timer is late', () => {
    const random = new Random(4711);
    const gate = new Gate(settings('rate:100/s'), 0);
    let count = 0;
    for (let nowMs = 0; nowMs < 10_000; ) {
      count += startAll(gate, nowMs);
      nowMs = gate.opensAtMs(0) + random.below(20_001) / 1000;
    }
    expect(count).toBeGreaterThanOrEqual(980);
    expect(count).toBeLessThanOrEqual(1020);
  });

  it('makes up for 100 ms at most, also when nobody has taken jobs for a minute', () => {
    const gate = new Gate(settings('rate:100/s,burst:5'), 0);
    expect(startAll(gate, 0)).toBe(5);
    expect(startAll(gate, 60_000)).toBe(5 + 10);
    expect(startAll(gate, 60_000)).toBe(0);
    expect(startAll(gate, 60_010)).toBe(1);
  });

  it('lets the burst start at once after a time without jobs, and no more', () => {
    const gate = new Gate(settings('rate:100/s,burst:5'), 0);
    expect(startAll(gate, 0)).toBe(5);
    expect(startAll(gate, 60_000, false)).toBe(5);
    expect(startAll(gate, 60_000)).toBe(0);
  });

  it('saves up a part of the burst in a shorter time', () => {
    const gate = new Gate(settings('rate:100/s,burst:5'), 0);
    expect(startAll(gate, 0)).toBe(5);
    expect(startAll(gate, 29.5, false)).toBe(2);
    expect(gate.opensAtMs(0)).toBeCloseTo(30, 6);
  });

  it('never lets more start in any window than burst and rate allow', () => {
    const random = new Random(7);
    const gate = new Gate(settings('rate:250/s,burst:4'), 0);
    const starts: number[] = [];
    for (let nowMs = 0; starts.length < 5000; nowMs += random.pick([0.5, 3, 40, 300, 2000])) {
      gate.advance(nowMs, random.oneIn(2));
      while (gate.room(0) > 0 && !random.oneIn(4)) {
        gate.start();
        starts.push(nowMs);
      }
    }
    let mostBeyond = 0;
    for (const [first, startMs] of starts.entries())
      for (let last = first; last < Math.min(starts.length, first + 500); last++) {
        const windowMs = (starts[last] as number) - startMs;
        mostBeyond = Math.max(mostBeyond, last - first + 1 - (windowMs + 100) / 4);
      }
    expect(mostBeyond).toBeLessThanOrEqual(4);
  });

  it('gives the smaller of the rooms of concurrency and rate', () => {
    const gate = new Gate(settings('concurrency:10,rate:100/s,burst:3'), 0);
    expect([0, 8, 9, 10].map((assigned) => gate.room(assigned))).toEqual([3, 2, 1, 0]);
    expect(startAll(gate, 0)).toBe(3);
    expect(gate.stateAt(9)).toBe('rate');
    expect(gate.stateAt(10)).toBe('concurrency');
    expect(gate.opensAtMs(9)).toBe(10);
    expect(gate.opensAtMs(10)).toBe(Number.POSITIVE_INFINITY);
  });

  it('waits at most the new interval when the rate changes', () => {
    const gate = new Gate(settings('rate:1/h'), 0);
    expect(startAll(gate, 0)).toBe(1);
    expect(gate.opensAtMs(0)).toBe(3_600_000);
    gate.change(settings('rate:100/s'), 50);
    expect(gate.opensAtMs(0)).toBe(60);
    gate.advance(60, true);
    gate.start();
    gate.change(settings('rate:1/m'), 60);
    // The start that the old rate allowed next stays.
    expect(gate.opensAtMs(0)).toBe(70);
    expect(startAll(gate, 70)).toBe(1);
    expect(gate.opensAtMs(0)).toBe(60_070);
  });

  it('gives no second burst when the same settings are set again', () => {
    const gate = new Gate(settings('rate:100/s,burst:5'), 0);
    expect(startAll(gate, 0)).toBe(5);
    gate.change(settings('rate:100/s,burst:5', true), 0);
    gate.change(settings('rate:100/s,burst:5'), 0);
    expect(gate.room(0)).toBe(0);
    expect(gate.opensAtMs(0)).toBe(10);
  });

  it('lets the burst start at once after a pause, however long it was', () => {
    const gate = new Gate(settings('rate:100/s,burst:5', true), 0);
    gate.advance(30_000, true);
    gate.change(settings('rate:100/s,burst:5'), 60_000);
    expect(startAll(gate, 60_000)).toBe(5);
  });
});

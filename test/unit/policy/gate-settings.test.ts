import { describe, expect, it } from 'vitest';
import { gateSettings, isOpenGate } from '../../../src/policy/gate-settings.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';

const of = (policy: string, isPaused = false, isDraining = false) =>
  gateSettings('f', policy === '' ? {} : parsePolicy(policy), isPaused, isDraining);

describe('settings of a gate', () => {
  it('are open without a policy', () => {
    expect(of('')).toEqual({
      name: 'f',
      concurrency: 0,
      intervalMs: 0,
      burst: 1,
      isPaused: false,
      isDraining: false,
      runs: null,
    });
  });

  it.each([
    ['rate:100/s', 10],
    ['rate:1/s', 1000],
    ['rate:30/m', 2000],
    ['rate:1/h', 3_600_000],
    ['rate:0', 0],
  ])('%s: from one start to the next', (policy, intervalMs) => {
    expect(of(policy).intervalMs).toBe(intervalMs);
  });

  it.each([
    ['rate:1/h', 1],
    ['rate:100/s', 1],
    ['rate:199/s', 1],
    ['rate:200/s', 2],
    ['rate:2900/s', 29],
    ['rate:5300/s', 53],
    ['rate:10000000/s', 100_000],
    ['rate:12000/m', 2],
    ['rate:100/s,burst:7', 7],
    ['rate:5000/s,burst:1', 1],
  ])('%s: save up 10 ms of the rate, at least 1, or the burst that is given', (policy, burst) => {
    expect(of(policy).burst).toBe(burst);
  });

  it.each([
    ['', false, false, true],
    ['concurrency:0,rate:0,burst:5', false, false, true],
    ['concurrency:1', false, false, false],
    ['rate:5/s', false, false, false],
    ['', true, false, false],
    ['', false, true, false],
  ])('%j, paused %s, draining %s: never close %s', (policy, isPaused, isDraining, isOpen) => {
    expect(isOpenGate(of(policy, isPaused, isDraining))).toBe(isOpen);
  });
});

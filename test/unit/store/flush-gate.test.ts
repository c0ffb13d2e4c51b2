import { describe, expect, it } from 'vitest';
import { FlushGate } from '../../../src/store/flush-gate.ts';

describe('the flush gate', () => {
  it('lets every commit begin at once when the store is not relaxed', () => {
    const gate = new FlushGate(null);
    gate.pass(1000);
    expect(gate.dueMs(false)).toBe(0);
    expect(gate.dueMs(true)).toBe(0);
  });

  it('keeps a commit that nobody waits for until the flush interval is over', () => {
    const gate = new FlushGate(50);
    gate.pass(1000);
    expect(gate.dueMs(false)).toBe(1050);
    gate.pass(1070);
    expect(gate.dueMs(false)).toBe(1120);
  });

  it('lets a commit that somebody waits for begin at once, and counts the interval from it', () => {
    const gate = new FlushGate(50);
    gate.pass(1000);
    expect(gate.dueMs(true)).toBe(0);
    gate.pass(1010);
    expect(gate.dueMs(false)).toBe(1060);
  });

  it('says when it let a commit through', () => {
    const gate = new FlushGate(null);
    gate.pass(1234);
    expect(gate.passedAtMs).toBe(1234);
  });
});

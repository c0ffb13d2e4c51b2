/** No peer and no number of peers makes a turn long: what they cost is counted in steps, not in time. */
import { describe, expect, it } from 'vitest';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { rawPacket } from '../../support/packet-text.ts';

const ECHO = rawPacket(16, 'still here');
/** What the thread may do in a turn for all listings, and the piece that passes it. */
const LISTING_STEPS = 90_000;

function withFunctions(count: number): MemoryDialogue {
  const dialogue = new MemoryDialogue();
  dialogue.push(
    'worker',
    Buffer.concat(Array.from({ length: count }, (_, i) => rawPacket(1, `f${i}`))),
  );
  dialogue.thread.run();
  return dialogue;
}

describe('listings', () => {
  it.each([
    ['status', 'status\n'],
    ['status by unique', rawPacket(41, 'u')],
  ])(
    'of 20 connections share the steps of a turn, first come, first served: %s',
    (_name, request) => {
      const dialogue = withFunctions(10_001);
      const names = Array.from({ length: 20 }, (_, i) => `admin${i}`);
      for (const name of names) dialogue.peer(name);
      dialogue.thread.run();
      for (const name of names) dialogue.push(name, request);
      const costs: number[] = [];
      const answered: string[] = [];
      for (let turn = 0; answered.length < names.length && turn < 1000; turn++) {
        dialogue.push('honest', ECHO);
        dialogue.thread.turn();
        costs.push(dialogue.thread.table.steps.count);
        expect(dialogue.take('honest').length, `turn ${turn}`).toBe(ECHO.length);
        answered.push(...names.filter((name) => dialogue.take(name).length > 0));
      }
      expect(answered).toEqual(names);
      expect(Math.max(...costs)).toBeLessThan(LISTING_STEPS);
      dialogue.sweep();
    },
  );
});

describe('a connection whose frames have cost 200,000 steps in a turn', () => {
  /** 500 workers that offer f and count as woken, one more that sleeps, so that each submit looks at all of them. */
  function scene(): MemoryDialogue {
    const dialogue = new MemoryDialogue({ fewFunctionsMax: 0 });
    const joining = Buffer.concat([rawPacket(1, 'f'), rawPacket(4, '')]);
    for (let i = 0; i < 500; i++) dialogue.push(`worker${i}`, joining);
    dialogue.push('client', submits(500));
    dialogue.thread.run();
    dialogue.push('sleeper', Buffer.concat([rawPacket(1, 'g'), rawPacket(4, '')]));
    dialogue.thread.run();
    return dialogue;
  }

  function submits(count: number): Buffer {
    return Buffer.concat(Array.from({ length: count }, () => rawPacket(18, 'f\0\0x')));
  }

  it('waits for the next one, and others are answered', () => {
    const dialogue = scene();
    const { thread } = dialogue;
    const before = thread.broker.counters.submitted;
    dialogue.push('client', submits(1000));
    dialogue.push('honest', ECHO);
    thread.turn();
    const inFirst = thread.broker.counters.submitted - before;
    expect(inFirst).toBeGreaterThan(100);
    expect(inFirst).toBeLessThan(500);
    expect(thread.table.steps.count).toBeLessThan(210_000);
    expect(dialogue.take('honest').length).toBe(ECHO.length);
    const costs: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      thread.turn();
      costs.push(thread.table.steps.count);
    }
    expect(Math.max(...costs)).toBeLessThan(210_000);
    expect(thread.broker.counters.submitted - before).toBe(1000);
  });

  it('goes on in turn with the others that wait, and many of them have less each', () => {
    const dialogue = scene();
    const { thread } = dialogue;
    const before = thread.broker.counters.submitted;
    for (let i = 0; i < 20; i++) dialogue.push(`client${i}`, submits(1000));
    const costs: number[] = [];
    for (let turn = 0; turn < 80; turn++) {
      thread.turn();
      costs.push(thread.table.steps.count);
    }
    expect(Math.max(...costs)).toBeLessThan(1_300_000);
    expect(thread.broker.counters.submitted - before).toBe(20_000);
  });
});

/** --dead-memory: what threads may hold together, and which dead jobs one thread drops. */
import { expect, it } from 'vitest';
import { DeadMemory, deadWords } from '../../../src/broker/dead-memory.ts';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';

const KIB = 1024;

it('lets one thread use all of the limit, and takes the part of the others from it when they need it', () => {
  const options = { limitBytes: 100 * KIB, ownerCount: 2, words: deadWords(3) };
  const [first, second] = [new DeadMemory(options, 1), new DeadMemory(options, 2)];
  expect(first.hold(100 * KIB)).toBe(false);
  expect(first.hold(100 * KIB + 1)).toBe(true);
  expect(first.hold(100 * KIB)).toBe(false);
  expect(second.hold(10 * KIB)).toBe(false);
  expect(first.hold(100 * KIB)).toBe(true);
  expect(first.hold(90 * KIB)).toBe(false);
  expect(second.hold(60 * KIB)).toBe(true);
  // A thread that starts again has none.
  new DeadMemory(options, 1);
  expect(second.hold(60 * KIB)).toBe(false);
});

it('has no limit without one', () => {
  const options = { limitBytes: 0, ownerCount: 1, words: deadWords(1) };
  expect(new DeadMemory(options, 0).hold(2 ** 50)).toBe(false);
  expect(new DeadMemory(null, 0).hold(2 ** 50)).toBe(false);
});

it('drops the oldest dead jobs of all functions beyond it, and counts them', () => {
  const rules = ['a=attempts:1', 'b=attempts:1', 'c=attempts:1,dead:1'];
  const deadMemory = { limitBytes: 5 * KIB, ownerCount: 1, words: deadWords(1) };
  const dialogue = new MemoryDialogue({ policies: rules.map(parsePolicyRule), deadMemory });
  const { broker } = dialogue.thread;
  const data = 'x'.repeat(KIB);
  for (const name of ['a', 'b', 'c']) dialogue.play(`worker > CAN_DO ${name}`);
  const die = (name: string, n: number) =>
    dialogue.play(`
      + 10 ms
      client > SUBMIT_JOB_BG ${name} "" ${data}
      client < JOB_CREATED #${n}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #${n} ${name} ${data}
      worker > WORK_FAIL #${n}
    `);
  // Each costs a little more than 1 KiB, so three have room, and four do not leave room for a fifth.
  for (const [i, name] of ['a', 'b', 'a', 'b'].entries()) die(name, i + 1);
  const cost = broker.jobs.deadBytesTotal / broker.jobs.dead;
  const room = Math.floor((5 * KIB) / cost);
  for (const [i, name] of ['c', 'a', 'c'].entries()) die(name, i + 5);
  expect(broker.jobs.dead).toBe(room);
  expect(broker.jobs.deadBytesTotal).toBeLessThanOrEqual(5 * KIB);
  expect(broker.counters.deadDropped).toEqual({ number: 1, bytes: 0, age: 0, memory: 6 - room });
  // The first ones died first, whatever their function.
  for (let n = 1; n <= 6 - room; n++)
    dialogue.play(String.raw`
      operator > "kick job #${n}\n"
      operator < "ERR UNKNOWN_JOB\r\n"
    `);
});

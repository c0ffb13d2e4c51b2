/** GET_STATUS_UNIQUE looks at every function: in steps, one search a connection, and nobody else waits. */
import { expect, it } from 'vitest';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { rawPacket } from '../../support/packet-text.ts';

/** A thread with so many functions that have a job; the unique of each is its number. */
function withJobs(count: number): MemoryDialogue {
  const dialogue = new MemoryDialogue();
  const submits = Array.from({ length: count }, (_, i) => rawPacket(18, `f${i}\0u${i}\0x`));
  dialogue.push('client', Buffer.concat(submits));
  dialogue.thread.run();
  dialogue.take('client');
  return dialogue;
}

const search = (unique: string) => rawPacket(41, unique);
const found = (unique: string, isKnown: boolean) => {
  const numbers = isKnown ? ['1', '0', '0', '0', '0'] : ['0', '0', '0', '0', '0'];
  const reply = rawPacket(42, [unique, ...numbers].join('\0'));
  return Buffer.concat([Buffer.from('\0RES', 'latin1'), reply.subarray(4)]).toString('latin1');
};

it('of 20,001 functions takes three turns', () => {
  const dialogue = withJobs(20_001);
  dialogue.push('asker', search('u20000'));
  dialogue.thread.turn();
  dialogue.thread.turn();
  expect(dialogue.take('asker').length).toBe(0);
  dialogue.thread.turn();
  expect(dialogue.take('asker').toString('latin1')).toBe(found('u20000', true));
});

it('of exactly one step of functions takes one turn', () => {
  const dialogue = withJobs(10_000);
  dialogue.push('asker', Buffer.concat([search('u9999'), search('none')]));
  dialogue.thread.turn();
  expect(dialogue.take('asker').toString('latin1')).toBe(found('u9999', true));
  dialogue.thread.turn();
  expect(dialogue.take('asker').toString('latin1')).toBe(found('none', false));
});

it('holds back what comes behind it on its connection, and nobody else', () => {
  const dialogue = withJobs(10_001);
  dialogue.push('asker', Buffer.concat([search('u10000'), search('u0'), rawPacket(16, 'x')]));
  dialogue.thread.turn();
  dialogue.push('other', rawPacket(16, 'y'));
  dialogue.thread.turn();
  expect(dialogue.take('other').length).toBe(13);
  dialogue.thread.run();
  const told = dialogue.take('asker').toString('latin1');
  expect(told.startsWith(found('u10000', true) + found('u0', true))).toBe(true);
  expect(told.endsWith('x')).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { connectionNumber } from '../../../src/session/listing-rows.ts';
import { Session } from '../../../src/session/session.ts';
import type { SessionTable } from '../../../src/session/session-table.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import type { OwnThreadOptions } from '../../support/own-thread.ts';
import { rawPacket } from '../../support/packet-text.ts';

function withFunctions(
  count: number,
  nameBytes = 1,
  options: OwnThreadOptions = {},
): MemoryDialogue {
  const dialogue = new MemoryDialogue(options);
  const pad = 'x'.repeat(nameBytes);
  const names = Array.from({ length: count }, (_, i) => rawPacket(1, `${pad}${i}`));
  dialogue.push('worker', Buffer.concat(names));
  dialogue.thread.run();
  return dialogue;
}

function linesOf(bytes: Buffer): string[] {
  return bytes.toString('latin1').split('\n').slice(0, -1);
}

describe('a listing', () => {
  it('of 2,500 functions takes three turns and leaves in one write', () => {
    const dialogue = withFunctions(2500);
    dialogue.push('admin', 'status\n');
    dialogue.thread.turn();
    dialogue.thread.turn();
    expect(dialogue.take('admin').length).toBe(0);
    dialogue.thread.turn();
    const lines = linesOf(dialogue.take('admin'));
    expect(new Set(lines).size).toBe(2501);
    expect(lines.at(-1)).toBe('.');
    dialogue.sweep();
  });

  it.each([
    ['show jobs', 3000],
    ['show unique jobs', 3000],
  ])('%s of 3,000 jobs is whole', (command, count) => {
    const dialogue = new MemoryDialogue();
    for (let i = 0; i < count; i++) dialogue.push('client', rawPacket(18, `f\0u${i}\0x`));
    dialogue.thread.run();
    dialogue.push('admin', `${command}\n`);
    dialogue.thread.run();
    expect(new Set(linesOf(dialogue.take('admin'))).size).toBe(count + 1);
  });

  it('of exactly 1,000 rows ends', () => {
    const dialogue = withFunctions(1000);
    dialogue.push('admin', 'status\n');
    dialogue.thread.run();
    expect(linesOf(dialogue.take('admin')).length).toBe(1001);
    dialogue.sweep();
  });

  it('of workers shows every connection and all that it offers', () => {
    const dialogue = withFunctions(1500);
    for (let i = 0; i < 1200; i++) dialogue.peer(`idle${i}`);
    dialogue.thread.run();
    dialogue.push('admin', 'workers\n');
    dialogue.thread.run();
    const lines = linesOf(dialogue.take('admin'));
    expect(lines.length).toBe(1203);
    expect(lines[0]?.split(' ').length).toBe(4 + 1500);
    expect(lines[1]).toBe('1 127.0.0.1 - :');
    dialogue.sweep();
  });

  it('holds back what comes behind it on its connection, and nobody else', () => {
    const dialogue = withFunctions(2500);
    dialogue.push('admin', 'status\nversion\n');
    dialogue.push('admin', rawPacket(16, 'x'));
    dialogue.thread.turn();
    dialogue.push('other', rawPacket(16, 'y'));
    dialogue.thread.turn();
    expect(dialogue.take('other').length).toBe(13);
    dialogue.thread.run();
    const told = dialogue.take('admin').toString('latin1');
    const echo = rawPacket(17, 'x', { magic: '\0RES' }).toString('latin1');
    expect(told.endsWith(`\n.\nOK 2.0.0+test\n${echo}`)).toBe(true);
    dialogue.sweep();
  });

  it('asked for a hundred times in one write is made one after the other', () => {
    const dialogue = withFunctions(1500);
    dialogue.push('admin', 'status\n'.repeat(100));
    const before = dialogue.thread.turns;
    dialogue.thread.run();
    // At most 1,000 rows of it a turn.
    expect(dialogue.thread.turns - before).toBeGreaterThanOrEqual(200);
    const lines = linesOf(dialogue.take('admin'));
    expect(lines.filter((line) => line === '.').length).toBe(100);
    expect(lines.length).toBe(1501 * 100);
    dialogue.sweep();
  });

  it('above 1 MiB leaves in parts, and waits for a peer that does not read', () => {
    const dialogue = withFunctions(1200, 4000);
    const { thread } = dialogue;
    const slow = thread.reactor.connect({ windowBytes: 100_000 });
    thread.reactor.push(slow, Buffer.from('status\n'));
    thread.run();
    const socket = thread.reactor.socketOf(slow);
    expect(socket.outbound.bytes).toBeGreaterThan(1 << 20);
    expect(socket.outbound.bytes).toBeLessThan(4_200_000);
    const parts: Buffer[] = [];
    for (;;) {
      const part = Buffer.from(thread.reactor.take(slow));
      if (part.length === 0) break;
      parts.push(part);
      thread.run();
    }
    const lines = linesOf(Buffer.concat(parts));
    expect(lines.length).toBe(1201);
    expect(lines.at(-1)).toBe('.');
    thread.reactor.end(slow);
    thread.run();
    dialogue.sweep();
  });

  it.each([
    ['ends', ['end']],
    ['fails', ['reset']],
    ['ends, then fails', ['end', 'reset']],
  ] as const)('under way leaves nothing behind when its connection %s', (_what, steps) => {
    const dialogue = withFunctions(1200, 4000);
    const { thread } = dialogue;
    const slow = thread.reactor.connect({ windowBytes: 100_000 });
    thread.reactor.push(slow, Buffer.from('status\n'));
    thread.run();
    const socket = thread.reactor.socketOf(slow);
    for (const step of steps) {
      socket[step]();
      thread.run();
    }
    // Whoever only says that it sends nothing more may still read all of it.
    for (let i = 0; i < 10; i++) {
      socket.take();
      thread.run();
    }
    dialogue.sweep();
  });

  it('over several turns reaches a peer that has sent its end already', () => {
    const dialogue = withFunctions(5000);
    const { thread } = dialogue;
    const admin = thread.reactor.connect({});
    thread.reactor.push(admin, Buffer.from('status\n'));
    thread.reactor.end(admin);
    thread.run();
    expect(linesOf(Buffer.from(thread.reactor.take(admin))).length).toBe(5001);
    dialogue.sweep();
  });

  it('goes on while functions come and go', () => {
    const dialogue = withFunctions(2500);
    dialogue.peer('other');
    dialogue.thread.run();
    dialogue.push('admin', 'status\n');
    dialogue.thread.turn();
    dialogue.push('worker', rawPacket(3));
    dialogue.push('other', `${'drop function x1500\n'}${'create function y\n'}`);
    dialogue.thread.run();
    expect(dialogue.take('other').toString()).toBe('OK\r\nOK\r\n');
    const lines = linesOf(dialogue.take('admin'));
    expect(lines.at(-1)).toBe('.');
    expect(lines.length).toBeGreaterThanOrEqual(2500);
    dialogue.sweep();
  });
});

it('of workers numbers every connection of the server differently', () => {
  const numbers = [0, 1, 2].flatMap((thread) => {
    const table = { options: { thread, shardCount: 2 } } as SessionTable;
    return Array.from({ length: 100 }, (_, slot) =>
      connectionNumber(table, new Session(slot, '::1', 1)),
    );
  });
  expect(new Set(numbers).size).toBe(300);
  const alone = { options: { thread: 0, shardCount: 0 } } as SessionTable;
  expect(connectionNumber(alone, new Session(7, '::1', 1))).toBe(7);
});

import { describe, expect, it } from 'vitest';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { handleOf } from '../../support/handles.ts';
import { rawPacket, request } from '../../support/packet-text.ts';

const LIMIT = 1 << 20;
const DATA_BYTES = 16_384;

/** A client with `submits` submits of one unique that a worker has; what waits for the client is not read. */
function coalesced(submits: number, options = {}) {
  const dialogue = new MemoryDialogue({ outputBytesMax: LIMIT, ...options });
  const { thread } = dialogue;
  dialogue.play(`
    worker > CAN_DO f
    client > SUBMIT_JOB f u data
    client < JOB_CREATED #1
  `);
  for (let i = 1; i < submits; i++) dialogue.push('client', request('SUBMIT_JOB', 'f', 'u', ''));
  thread.run();
  const replies = dialogue.take('client');
  dialogue.play(`
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
  `);
  /** The worker sends so many WORK_DATA within one turn; returns the bytes that were made for the client. */
  const stream = (count: number): number => {
    const packet = request('WORK_DATA', dialogue.handle(1), 'x'.repeat(DATA_BYTES));
    dialogue.push('worker', Buffer.concat(Array(count).fill(packet)));
    thread.turn();
    return thread.reactor.socketOf(dialogue.peer('client').conn).outbound.bytes;
  };
  return { dialogue, thread, replies, stream };
}

describe('the output limit', () => {
  it('is looked at before each copy: one that passes it is the last, and ends the connection', () => {
    const { dialogue, thread, stream } = coalesced(1000);
    const made = stream(3);
    expect(made).toBeGreaterThan(LIMIT);
    expect(made).toBeLessThan(LIMIT + 2 * (DATA_BYTES + 99));
    thread.run();
    expect(thread.warnings).toEqual([expect.stringContaining('it does not read its output')]);
    expect(thread.reactor.isClosed(dialogue.peer('client').conn)).toBe(true);
    dialogue.take('client');
    dialogue.sweep();
  });

  it('lets a client that reads have all of its copies', () => {
    const { dialogue, thread, stream } = coalesced(20);
    for (let i = 0; i < 20; i++) {
      expect(stream(2)).toBe(40 * (DATA_BYTES + 12 + dialogue.handle(1).length + 1));
      dialogue.take('client');
      thread.run();
    }
    expect(thread.warnings).toEqual([]);
    dialogue.sweep();
  });

  it('lets one packet of any size pass', () => {
    const { dialogue, thread } = coalesced(1);
    const result = 'x'.repeat(3 * LIMIT);
    dialogue.push('worker', request('WORK_COMPLETE', dialogue.handle(1), result));
    thread.run();
    expect(dialogue.take('client').length).toBeGreaterThan(3 * LIMIT);
    expect(thread.warnings).toEqual([]);
    dialogue.sweep();
  });

  it('counts replies behind one that is not there yet', () => {
    const dialogue = new CrossThreadDialogue({ thread: 1, shardCount: 2, outputBytesMax: LIMIT });
    const { thread } = dialogue;
    dialogue.play(`
      peer > SUBMIT_JOB ${dialogue.functionOf(2)} u data
      peer >> ECHO_REQ x
    `);
    const { conn } = dialogue.peer('peer');
    const data = Buffer.alloc(DATA_BYTES + 50);
    data.write(`${handleOf(2, 1, 1)}\0`);
    const copies = LIMIT / DATA_BYTES;
    for (let i = 0; i < copies; i++)
      dialogue.heard(2, 'NOTIFY', [conn, 1], rawPacket(28, data, { magic: '\0RES' }));
    expect(thread.warnings).toEqual([]);
    expect(dialogue.session('peer').replies?.byteCount).toBeGreaterThan(LIMIT);
    dialogue.heard(2, 'NOTIFY', [conn, 1], rawPacket(28, data, { magic: '\0RES' }));
    expect(thread.warnings).toEqual([expect.stringContaining('it does not read its output')]);
    expect(thread.reactor.isClosed(conn)).toBe(true);
  });

  it('counts results behind a listing that is not read', () => {
    const dialogue = new MemoryDialogue({ outputBytesMax: LIMIT, windowBytes: 0 });
    const { thread } = dialogue;
    for (let i = 0; i < 1500; i++)
      dialogue.push('worker', request('CAN_DO', `f${i}-`.padEnd(1200, 'x')));
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
    `);
    dialogue.push('client', 'status\n');
    thread.run();
    expect(dialogue.thread.table.live(dialogue.peer('client').conn)?.replies?.length).toBe(1);
    const packet = request('WORK_DATA', dialogue.handle(1), 'x'.repeat(DATA_BYTES));
    for (let i = 0; i < 200; i++) dialogue.push('worker', packet);
    thread.run();
    expect(thread.warnings).toEqual([expect.stringContaining('it does not read its output')]);
    expect(thread.reactor.isClosed(dialogue.peer('client').conn)).toBe(true);
    const { outbound } = thread.reactor.socketOf(dialogue.peer('client').conn);
    expect(outbound.bytes).toBeLessThan(2 * LIMIT);
  });

  it('holds for copies that another thread asks for', () => {
    const dialogue = new CrossThreadDialogue({ thread: 1, shardCount: 2, outputBytesMax: LIMIT });
    const { thread } = dialogue;
    const data = Buffer.alloc(DATA_BYTES + 50);
    data.write(`${handleOf(2, 1, 1)}\0`);
    dialogue.play('peer > (connect)');
    const { conn } = dialogue.peer('peer');
    dialogue.heard(2, 'NOTIFY', [conn, 3], rawPacket(28, data, { magic: '\0RES' }));
    expect(dialogue.take('peer').length).toBe(3 * (data.length + 12));
    dialogue.send(2, 'NOTIFY', [conn, 1023], rawPacket(28, data, { magic: '\0RES' }));
    const socket = thread.reactor.socketOf(conn);
    thread.turn();
    expect(socket.outbound.bytes).toBeLessThan(LIMIT + 2 * (DATA_BYTES + 99));
    thread.run();
    expect(thread.warnings).toEqual([expect.stringContaining('it does not read its output')]);
    expect(thread.reactor.isClosed(conn)).toBe(true);
  });
});

describe('the pause mark', () => {
  it('ends the turn of a connection whose own replies pass it', () => {
    const dialogue = new MemoryDialogue({ outputPauseBytes: 4096, windowBytes: 0 });
    const { thread } = dialogue;
    for (let i = 0; i < 100; i++)
      dialogue.push('client', request('SUBMIT_JOB_BG', 'f', '', 'x'.repeat(1000)));
    thread.run();
    dialogue.take('client');
    dialogue.play('worker > CAN_DO f');
    dialogue.push('worker', Buffer.concat(Array(100).fill(request('GRAB_JOB'))));
    const socket = thread.reactor.socketOf(dialogue.peer('worker').conn);
    thread.turn();
    expect(socket.outbound.bytes).toBeGreaterThan(4096);
    expect(socket.outbound.bytes).toBeLessThan(6000);
    let heard = 0;
    for (let turns = 0; turns < 100; turns++) {
      heard += dialogue.take('worker').length;
      thread.run();
      expect(socket.outbound.bytes).toBeLessThan(6000);
    }
    expect(heard).toBeGreaterThan(100 * 1000);
    dialogue.sweep();
  });
});

describe('submits of one connection that one job takes', () => {
  it('are 1,024; of more each is refused, in request order', () => {
    const { dialogue, replies } = coalesced(1026, { outputBytesMax: 64 * LIMIT });
    const created = rawPacket(8, dialogue.handle(1), { magic: '\0RES' });
    const refused = rawPacket(19, 'QUEUE_ERROR\0QUEUE_ERROR', { magic: '\0RES' });
    expect(replies.equals(Buffer.concat([...Array(1023).fill(created), refused, refused]))).toBe(
      true,
    );
    dialogue.play(`
      other > SUBMIT_JOB f u data
      other < JOB_CREATED #1
      other > GET_STATUS_UNIQUE u
      other < STATUS_RES_UNIQUE u 1 1 0 0 1025
    `);
    dialogue.push('worker', request('WORK_COMPLETE', dialogue.handle(1), 'done'));
    dialogue.thread.run();
    const done = rawPacket(13, `${dialogue.handle(1)}\0done`, { magic: '\0RES' });
    expect(dialogue.take('client').length).toBe(1024 * done.length);
    expect(dialogue.take('other').equals(done)).toBe(true);
    dialogue.sweep();
  });

  it('are free again with the job', () => {
    const { dialogue } = coalesced(1025, { outputBytesMax: 64 * LIMIT });
    dialogue.push('worker', request('WORK_FAIL', dialogue.handle(1)));
    dialogue.thread.run();
    dialogue.take('client');
    dialogue.play(`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #2
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f data
      worker > WORK_FAIL #2
      client < WORK_FAIL #2
      client < WORK_FAIL #2
    `);
    expect(dialogue.thread.broker.jobs.watchers.sideCount).toBe(0);
    dialogue.sweep();
  });

  it('take one number, whoever leaves first', () => {
    const dialogue = plays(`
      a > SUBMIT_JOB f u data
      a < JOB_CREATED #1
      b > SUBMIT_JOB f u data
      b < JOB_CREATED #1
      a > SUBMIT_JOB f u data
      a < JOB_CREATED #1
      b > SUBMIT_JOB f u data
      b < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      a > (end)
      a < (closed)
      c > GET_STATUS_UNIQUE u
      c < STATUS_RES_UNIQUE u 1 1 0 0 2
      worker > WORK_COMPLETE #1 done
      b < WORK_COMPLETE #1 done
      b < WORK_COMPLETE #1 done
    `);
    expect(dialogue.thread.broker.jobs.watchers.sideCount).toBe(0);
  });
});

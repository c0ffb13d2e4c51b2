/** --max-memory: what counts, what is refused when, and who is closed when it is full. Counted, not measured. */
import { describe, expect, it } from 'vitest';
import { Kept, nameCost } from '../../../src/broker/kept.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { rawPacket } from '../../support/packet-text.ts';

const MIB = 1 << 20;
const LIMIT = 64 * MIB;
/** New jobs stop here, but for the page that the last one began. */
const NEW_MAX = (LIMIT / 8) * 7 + 2 * 65_536;
const [CAN_DO, RESET_ABILITIES, SUBMIT_JOB, GRAB_JOB, WORK_COMPLETE] = [1, 3, 7, 9, 13] as const;
const [ERROR, ECHO_REQ, ECHO_RES, SUBMIT_JOB_BG] = [19, 16, 17, 18] as const;

class Stage extends MemoryDialogue {
  constructor(memoryBytesMax = LIMIT) {
    super({ memoryBytesMax });
  }

  /** Sends `packets` of `name`, some at a time, and has them handled. */
  send(name: string, packets: readonly Buffer[]): void {
    for (let i = 0; i < packets.length; i += 500) {
      this.push(name, Buffer.concat(packets.slice(i, i + 500)));
      this.thread.run();
    }
  }

  get heldBytes(): number {
    return this.thread.core.account.held;
  }

  /** Submits background jobs until one is refused; returns how many were taken. */
  fill(submit: (i: number) => Buffer, countMax = 4_000_000): number {
    for (let count = 0; count < countMax; ) {
      const packets = Array.from({ length: 2000 }, (_, i) => submit(count + i));
      this.push('client', Buffer.concat(packets));
      this.thread.run();
      const replies = packetsOf(this.take('client'));
      const refused = replies.findIndex(({ type }) => type === ERROR);
      if (refused >= 0) {
        expect(replies[refused]?.text).toBe('QUEUE_ERROR\0Job queue is full');
        return count + refused;
      }
      count += replies.length;
    }
    return countMax;
  }

  isClosed(name: string): boolean {
    return this.thread.reactor.isClosed(this.peer(name).conn);
  }
}

function packetsOf(bytes: Buffer): { type: number; text: string }[] {
  const packets = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at + 8);
    packets.push({
      type: bytes.readUInt32BE(at + 4),
      text: bytes.toString('latin1', at + 12, end),
    });
    at = end;
  }
  return packets;
}

const nameOf = (i: number, bytes = 8000) => `${i}`.padEnd(bytes, 'n');

describe('--max-memory', () => {
  it('of 64M full of jobs lets workers come and do them all, and then takes jobs again', () => {
    const stage = new Stage();
    const submit = (i: number) => rawPacket(SUBMIT_JOB_BG, `f\0u${i}\0x`);
    const count = stage.fill(submit);
    // 64 bytes of row, a block and its place in the index: some 110 bytes a job.
    expect(count).toBeGreaterThan(400_000);
    expect(stage.heldBytes).toBeLessThanOrEqual(NEW_MAX);
    const workers = ['worker1', 'worker2', 'worker3'];
    for (const worker of workers) stage.send(worker, [rawPacket(CAN_DO, 'f')]);
    for (let left = count; left > 0; ) {
      for (const worker of workers) {
        const grabs = Array.from({ length: 5000 }, () => rawPacket(GRAB_JOB, ''));
        stage.push(worker, Buffer.concat(grabs));
        stage.thread.run();
        const handles = packetsOf(stage.take(worker))
          .filter(({ text }) => text !== '')
          .map(({ text }) => text.slice(0, text.indexOf('\0')));
        stage.push(
          worker,
          Buffer.concat(handles.map((handle) => rawPacket(WORK_COMPLETE, `${handle}\0`))),
        );
        stage.thread.run();
        left -= handles.length;
      }
    }
    expect(stage.thread.broker.jobs.table.count).toBe(0);
    for (const worker of workers) expect(stage.isClosed(worker)).toBe(false);
    expect(stage.fill(submit, 100_000)).toBe(100_000);
    expect(stage.thread.warnings).toEqual([]);
  }, 120_000);

  it('takes a job where another has left, though the rest is as full as before', () => {
    const stage = new Stage(2 * MIB);
    const count = stage.fill((i) => rawPacket(SUBMIT_JOB_BG, `f\0\0${i}`.padEnd(100, 'x')));
    stage.send('worker', [rawPacket(CAN_DO, 'f'), rawPacket(GRAB_JOB, '')]);
    const assigned = packetsOf(stage.take('worker'))[0]?.text.split('\0')[0] as string;
    stage.send('worker', [rawPacket(WORK_COMPLETE, `${assigned}\0`)]);
    const again = rawPacket(SUBMIT_JOB_BG, 'f\0\0'.padEnd(100, 'x'));
    stage.send('client', [again, again]);
    expect(packetsOf(stage.take('client')).map(({ type }) => type)).toEqual([8, ERROR]);
    expect(count).toBeGreaterThan(5000);
  });

  it('counts names of functions that submits bring, and keeps no name that it refuses', () => {
    const stage = new Stage(LIMIT / 4);
    const count = stage.fill((i) => rawPacket(SUBMIT_JOB_BG, `${nameOf(i)}\0\0x`), 60_000);
    expect(count).toBeLessThan(NEW_MAX / 4 / 8000);
    expect(stage.thread.broker.functions.count).toBe(count);
    expect(stage.heldBytes).toBeLessThanOrEqual(NEW_MAX / 4);
  });

  it('counts names that CAN_DO brings, and closes the worker that holds most', () => {
    const stage = new Stage(LIMIT / 4);
    stage.send('honest', [rawPacket(CAN_DO, 'f')]);
    const names = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => rawPacket(CAN_DO, nameOf(from + i)));
    stage.send('small', names(100_000, 120));
    stage.send('greedy', names(0, 1200));
    expect(stage.isClosed('greedy')).toBe(true);
    expect(stage.heldBytes).toBeLessThanOrEqual(LIMIT / 4 + MIB);
    expect(stage.thread.warnings).toEqual([
      expect.stringMatching(/^close connection .*: memory is full and it holds most, \d{7} bytes$/),
    ]);
    expect([stage.isClosed('small'), stage.isClosed('honest')]).toEqual([false, false]);
    // Its names are forgotten when there is need of their memory: others may come.
    stage.send('next', names(10_000, 400));
    expect(stage.isClosed('next')).toBe(false);
    expect(stage.thread.warnings.length).toBe(1);
    stage.send('honest', [rawPacket(ECHO_REQ, 'x')]);
    expect(packetsOf(stage.take('honest'))).toEqual([{ type: ECHO_RES, text: 'x' }]);
  }, 60_000);

  it('counts output that peers do not read, and closes the one that leaves most', () => {
    const stage = new Stage(LIMIT / 4);
    const { reactor } = stage.thread;
    const conns = Array.from({ length: 6 }, (_, i) =>
      reactor.connect({ port: 2000 + i, windowBytes: 4096 }),
    );
    const echo = rawPacket(ECHO_REQ, 'e'.repeat(10_000));
    for (let round = 0; round < 40; round++) {
      for (const conn of conns) reactor.push(conn, Buffer.concat(Array(10).fill(echo)));
      stage.thread.run();
      expect(stage.heldBytes).toBeLessThanOrEqual(LIMIT / 4 + MIB);
    }
    const closed = conns.filter((conn) => reactor.isClosed(conn));
    expect(closed.length).toBeGreaterThanOrEqual(1);
    expect(closed.length).toBeLessThan(conns.length);
    expect(stage.thread.warnings[0]).toMatch(/: memory is full and it holds most, \d{7} bytes$/);
  });

  it('closes the one that fills it with an unfinished packet, not one with less', () => {
    const stage = new Stage(LIMIT / 4);
    const packet = rawPacket(SUBMIT_JOB, `f\0\0${'x'.repeat(10 * MIB)}`);
    stage.push('stalled', packet.subarray(0, 9 * MIB));
    stage.thread.run();
    const { reactor } = stage.thread;
    expect(reactor.unreadBytes(stage.peer('stalled').conn)).toBe(9 * MIB);
    const names = Array.from({ length: 450 }, (_, i) => rawPacket(CAN_DO, nameOf(i)));
    stage.send('worker', names);
    expect([stage.isClosed('stalled'), stage.isClosed('worker')]).toEqual([true, false]);
    expect(stage.thread.warnings).toEqual([
      expect.stringMatching(
        /^close connection .*: memory is full and it holds most, 9\d{6} bytes$/,
      ),
    ]);
    expect(stage.heldBytes).toBeLessThan(12 * MIB);
  }, 60_000);

  it('bounds the bytes of names of one connection also where there is no limit', () => {
    const stage = new Stage(0);
    const names = Array.from({ length: 9000 }, (_, i) => rawPacket(CAN_DO, nameOf(i)));
    stage.send('worker', names.slice(0, 8000));
    expect(stage.isClosed('worker')).toBe(false);
    stage.send('worker', names.slice(8000));
    expect(stage.isClosed('worker')).toBe(true);
    expect(stage.thread.warnings).toEqual([
      expect.stringContaining('CAN_DO: its function names have more than 67108864 bytes'),
    ]);
  }, 60_000);

  it('stores a name once for its sixteen registrations, and gives all back', () => {
    const stage = new Stage(0);
    stage.send('worker', [rawPacket(ECHO_REQ, '')]);
    const before = stage.heldBytes;
    stage.send(
      'worker',
      Array.from({ length: 100 }, () => rawPacket(CAN_DO, nameOf(0))),
    );
    // Once for the connection, once for the function.
    expect(stage.heldBytes - before).toBeLessThan(2 * nameCost(8000) + 4096);
    stage.push('admin', 'status\n');
    stage.thread.run();
    expect(stage.take('admin').toString()).toBe(`${nameOf(0)}\t0\t0\t16\n.\n`);
    stage.push('admin', 'workers\n');
    stage.thread.run();
    const rows = stage.take('admin').toString().split('\n');
    expect(rows[0]).toBe(`0 127.0.0.1 - :${` ${nameOf(0)}`.repeat(16)}`);
    stage.send('worker', [rawPacket(RESET_ABILITIES, '')]);
    stage.leave('admin');
    const fn = Kept.FUNCTION + nameCost(8000);
    expect(stage.heldBytes - before - fn).toBeLessThanOrEqual(Kept.PEER);
  });

  it('counts those who wait for one job beside the first, each once', () => {
    const stage = new Stage(0);
    const submit = rawPacket(SUBMIT_JOB, 'f\0u\0x');
    stage.send('first', [submit]);
    stage.send('other', [rawPacket(ECHO_REQ, '')]);
    const before = stage.heldBytes;
    stage.send('other', Array(1000).fill(submit));
    expect(stage.heldBytes - before).toBe(Kept.PEER + Kept.WATCH);
    stage.leave('other');
    expect(stage.heldBytes).toBeLessThan(before);
  });

  it('counts what only one connection waits for no longer than it is there', () => {
    const stage = new Stage();
    const before = stage.heldBytes;
    const submit = (i: number) => rawPacket(SUBMIT_JOB, `f\0u${i}\0x`);
    stage.send(
      'client',
      Array.from({ length: 50_000 }, (_, i) => submit(i)),
    );
    expect(stage.heldBytes - before).toBeGreaterThan(50_000 * 80);
    stage.leave('client');
    stage.thread.advance(60_000);
    // One segment of rows, one chunk of blocks and a small index stay for the next jobs.
    expect(stage.heldBytes - before).toBeLessThan(9 * MIB);
  }, 60_000);
});

describe('workers', () => {
  it('lists a row of 25 MB in pieces, each written when the peer has read the last', () => {
    const stage = new Stage(0);
    const { reactor } = stage.thread;
    const conn = reactor.connect({ port: 999, windowBytes: 4096 });
    for (let i = 0; i < 200; i++) {
      const registrations = Array.from({ length: 16 }, () => rawPacket(CAN_DO, nameOf(i)));
      stage.push('worker', Buffer.concat(registrations));
      stage.thread.run();
    }
    reactor.push(conn, Buffer.from('workers\n'));
    stage.thread.run();
    let most = 0;
    let total = 0;
    let end = '';
    for (; !end.endsWith('\n.\n'); stage.thread.run()) {
      // The peer reads all that there is; no more is made while it does not.
      most = Math.max(most, reactor.unsentBytes(conn));
      const piece = Buffer.from(reactor.take(conn));
      expect(piece.length).toBeGreaterThan(0);
      total += piece.length;
      end = piece.subarray(-20).toString('latin1');
    }
    expect(total).toBeGreaterThan(200 * 16 * 8001);
    expect(most).toBeLessThan(4 * MIB);
  }, 60_000);
});

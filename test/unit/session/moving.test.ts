import { describe, expect, it } from 'vitest';
import { decodeMove, encodeMove } from '../../../src/session/cross-thread/moving.ts';
import { Session } from '../../../src/session/session.ts';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { handleOf } from '../../support/handles.ts';
import { MemoryRegistry, type MemorySocket } from '../../support/memory-socket.ts';
import { rawPacket, request } from '../../support/packet-text.ts';

describe('a MOVE record', () => {
  it('carries what a session remembers, and the bytes under way', () => {
    const session = new Session(5, 'fe80::1', 65535);
    session.clientId = Uint8Array.of(1, 255, 32);
    session.takesExceptions = true;
    session.takesAttempts = true;
    session.isAsleep = true;
    session.sleepSerial = 0x7fffffff;
    const record = encodeMove(session, 77, Uint8Array.of(9, 8), Uint8Array.of(7));
    const bytes = new Uint8Array(record.length + 5);
    bytes.set(record, 3);
    const moved = decodeMove(bytes, 3, record.length);
    bytes.fill(0xdd);
    expect(moved.fd).toBe(77);
    expect([...moved.unread]).toEqual([9, 8]);
    expect([...moved.unsent]).toEqual([7]);
    const { conn, address, port, clientId, takesExceptions, takesAttempts, isAsleep, sleepSerial } =
      moved.session(1234);
    expect({ conn, address, port, takesExceptions, takesAttempts, isAsleep, sleepSerial }).toEqual({
      conn: 1234,
      address: 'fe80::1',
      port: 65535,
      takesExceptions: true,
      takesAttempts: true,
      isAsleep: true,
      sleepSerial: 0x7fffffff,
    });
    expect([...(clientId as Uint8Array)]).toEqual([1, 255, 32]);
  });

  it('tells an empty client id from none', () => {
    const plain = new Session(1, '', 0);
    const none = new Uint8Array(0);
    const record = encodeMove(plain, 1, none, none);
    expect(decodeMove(record, 0, record.length).session(1)).toEqual(plain);
    plain.clientId = new Uint8Array(0);
    const named = encodeMove(plain, 1, none, none);
    expect(decodeMove(named, 0, named.length).session(1).clientId).toHaveLength(0);
  });
});

/** An acceptor (thread 0 of 2 shards) and shard 2, with the records between them carried by hand. */
class Pair {
  readonly registry = new MemoryRegistry();
  readonly acceptor: CrossThreadDialogue;
  readonly shard: CrossThreadDialogue;
  readonly two: string;

  constructor(options = {}) {
    const both = { shardCount: 2, registry: this.registry, movesConnections: true, ...options };
    this.acceptor = new CrossThreadDialogue({ ...both, thread: 0 });
    this.shard = new CrossThreadDialogue({ ...both, thread: 2 });
    this.two = this.shard.functionOf(2);
  }

  connect(windowBytes = Number.POSITIVE_INFINITY): MemorySocket {
    const { reactor } = this.acceptor.thread;
    return reactor.socketOf(reactor.connect({ port: 7, windowBytes }));
  }

  /** Lets both threads work and carries their records until nothing is left; returns the kinds carried. */
  settle(): string[] {
    const kinds: string[] = [];
    for (;;) {
      this.acceptor.thread.run();
      this.shard.thread.run();
      const to2 = this.acceptor.records.splice(0).map((record) => [0, record] as const);
      const to0 = this.shard.records.splice(0).map((record) => [2, record] as const);
      if (to2.length + to0.length === 0) return kinds;
      for (const [from, { to, kind, a, b, c, d, payload }] of [...to2, ...to0]) {
        kinds.push(kind);
        if (to === 2) this.shard.send(from, kind, [a, b, c, d], payload);
        else if (to === 0) this.acceptor.send(from, kind, [a, b, c, d], payload);
      }
    }
  }

  get connections(): readonly [number, number] {
    return [this.acceptor.thread.table.connectionCount, this.shard.thread.table.connectionCount];
  }
}

function namesOf(bytes: Uint8Array): number[] {
  const buffer = Buffer.from(bytes);
  const types: number[] = [];
  for (let at = 0; at < buffer.length; at += 12 + buffer.readUInt32BE(at + 8))
    types.push(buffer.readUInt32BE(at + 4));
  return types;
}

describe('an acceptor', () => {
  it('answers what names no function, and hands over at the first frame that names one', () => {
    const pair = new Pair();
    const socket = pair.connect();
    socket.push(request('OPTION_REQ', 'exceptions'));
    socket.push(request('SET_CLIENT_ID', 'me'));
    socket.push(request('GRAB_JOB'));
    socket.push(request('PRE_SLEEP'));
    expect(pair.settle()).toEqual([]);
    expect(namesOf(socket.take())).toEqual([27, 10]);
    expect(pair.connections).toEqual([1, 0]);
    socket.push(Buffer.concat([request('CAN_DO', pair.two), request('ECHO_REQ', 'x')]));
    expect(pair.settle()).toEqual(['MOVE']);
    expect(namesOf(socket.take())).toEqual([17]);
    expect(pair.connections).toEqual([0, 1]);
    const [session] = [pair.shard.thread.table.atSlot(0)];
    expect(session).toMatchObject({
      takesExceptions: true,
      isAsleep: true,
      sleepSerial: 1,
      port: 7,
    });
    expect(Buffer.from(session?.clientId as Uint8Array).toString()).toBe('me');
    socket.push(request('SUBMIT_JOB', pair.two, '', 'x'));
    pair.settle();
    // It slept before it moved, so it is woken for the job.
    expect(namesOf(socket.take())).toEqual([6, 8]);
  });

  it.each(['SUBMIT_JOB', 'SUBMIT_JOB_LOW_BG'] as const)('hands over at %s, whole', (name) => {
    const pair = new Pair();
    for (const bytes of [0, 20_000, 70_000, 500_000]) {
      const socket = pair.connect();
      socket.push(request(name, pair.two, '', Buffer.alloc(bytes, 'w')));
      expect(pair.settle()).toEqual(['MOVE']);
      expect(namesOf(socket.take())).toEqual([8]);
      expect(pair.acceptor.thread.blobKib).toBe(0);
    }
  });

  it.each([0, 500_000])(
    'hands over at a submit to an alias, whose function the shard owns, with %i bytes',
    (bytes) => {
      const aliases = [{ name: 'urgent', target: new Pair().two, priority: 'high' }];
      const pair = new Pair({ aliases });
      const socket = pair.connect();
      // Its reply comes first, so the submits are held and read again.
      socket.push(request('GET_STATUS', handleOf(2, 1, 1)));
      socket.push(request('SUBMIT_JOB_LOW_BG', 'urgent', '', Buffer.alloc(bytes, 'w')));
      socket.push(request('SUBMIT_JOB_EPOCH', 'urgent', '', '1', 'x'));
      expect(pair.settle()).toEqual(['QUERY', 'RESULT', 'MOVE']);
      expect(namesOf(socket.take())).toEqual([20, 8, 8]);
      expect(pair.shard.thread.broker.functions.at(1)?.waiting).toEqual([2, 0, 0]);
      expect(pair.acceptor.thread.blobKib).toBe(0);
    },
  );

  it('hands over only when all its replies have left, and loses no frame', () => {
    const pair = new Pair();
    const socket = pair.connect();
    const unknown = handleOf(2, 1, 1);
    socket.push(
      Buffer.concat([
        request('GET_STATUS', unknown),
        request('SUBMIT_JOB_BG', pair.two, '', 'x'),
        Buffer.from('version\n'),
        request('SUBMIT_JOB_BG', pair.two, '', 'y'),
      ]),
    );
    expect(pair.settle()).toEqual(['QUERY', 'RESULT', 'MOVE']);
    const told = Buffer.from(socket.take()).toString('latin1');
    expect(told.match(/\0RES\0\0\0./g)?.map((head) => head.charCodeAt(7))).toEqual([20, 8, 8]);
    expect(told.indexOf('OK 2.0.0+test\n')).toBeGreaterThan(0);
    expect(pair.shard.thread.broker.jobs.table.count).toBe(2);
  });

  it('hands over frames that came with the end of their connection', () => {
    const pair = new Pair();
    const socket = pair.connect();
    socket.push(
      Buffer.concat([
        request('GET_STATUS', handleOf(2, 1, 1)),
        request('SUBMIT_JOB_BG', pair.two, '', 'x'),
        request('SUBMIT_JOB_BG', pair.two, '', 'y'),
      ]),
    );
    socket.end();
    pair.settle();
    expect(namesOf(socket.take())).toEqual([20, 8, 8]);
    pair.settle();
    expect(pair.shard.thread.broker.jobs.table.count).toBe(2);
    expect(pair.connections).toEqual([0, 0]);
    expect(pair.registry.count).toBe(0);
  });

  it('gives unsent output with the connection', () => {
    const pair = new Pair();
    const socket = pair.connect(5);
    socket.push(request('ECHO_REQ', 'e'.repeat(3000)));
    socket.push(request('SUBMIT_JOB_BG', pair.two, '', 'x'));
    pair.settle();
    const heard: Buffer[] = [];
    for (let i = 0; i < 5; i++) {
      heard.push(Buffer.from(socket.take()));
      pair.settle();
    }
    expect(namesOf(Buffer.concat(heard))).toEqual([17, 8]);
  });

  it('asks every shard for text commands and stays', () => {
    const pair = new Pair();
    const socket = pair.connect();
    socket.push(Buffer.from(`create function ${pair.two}\nshow x\n`));
    expect(pair.settle()).toEqual(['QUERY', 'RESULT']);
    expect(Buffer.from(socket.take()).toString()).toBe('OK\r\nERR UNKNOWN_SHOW_ARGUMENTS\r\n');
    expect(pair.connections).toEqual([1, 0]);
  });

  it('refuses results: it runs no jobs', () => {
    const pair = new Pair();
    const socket = pair.connect();
    for (const shard of [0, 1, 2, 3])
      socket.push(request('WORK_COMPLETE', handleOf(shard, 1, 1), 'x'));
    expect(pair.settle()).toEqual([]);
    expect(namesOf(socket.take())).toEqual([19, 19, 19, 19]);
  });

  it('closes a connection whose bytes under way fit into no record, and says so', () => {
    const pair = new Pair();
    const { reactor, table, warnings } = pair.acceptor.thread;
    const detach = reactor.detach.bind(reactor);
    // As long as it says, without its memory.
    const unread = { length: 2 ** 31 - 65_536 } as Uint8Array;
    reactor.detach = (conn) => ({ ...detach(conn), unread });
    const refused: number[] = [];
    Object.assign(table.hooks, { refuseHandshake: (fd: number) => refused.push(fd) });
    const socket = pair.connect();
    socket.push(request('SUBMIT_JOB', pair.two, '', 'x'));
    expect(pair.settle()).toEqual([]);
    expect(refused.length).toBe(1);
    expect(warnings).toEqual([
      'close connection 127.0.0.1:7: move: 2147418112 bytes are under way, limit 2147418111',
    ]);
    expect(table.incidents.counts()).toEqual({ dropped: 1 });
    expect(pair.connections).toEqual([0, 0]);
  });

  it('closes a connection whose shard does not run', () => {
    const pair = new Pair();
    pair.acceptor.cut(2);
    const socket = pair.connect();
    socket.push(request('SUBMIT_JOB', pair.two, '', Buffer.alloc(200_000)));
    pair.settle();
    expect(socket.isClosed).toBe(true);
    expect(pair.acceptor.thread.blobKib).toBe(0);
    expect(pair.connections).toEqual([0, 0]);
  });
});

describe('a home without memory for a frame', () => {
  const MIB = 1 << 20;

  it('refuses a submit here and keeps the connection', () => {
    const pair = new Pair({ memoryBytesMax: MIB });
    const socket = pair.connect();
    socket.push(request('SUBMIT_JOB', pair.two, '', Buffer.alloc(3 * MIB)));
    socket.push(rawPacket(16, 'x'));
    expect(pair.settle()).toEqual([]);
    const told = Buffer.from(socket.take());
    expect(namesOf(told)).toEqual([19, 17]);
    expect(told.toString('latin1')).toContain('QUEUE_ERROR\0Job queue is full');
    expect(pair.acceptor.thread.blobKib).toBe(0);
  });

  it('sends frames behind it to the owner when the connection cannot move', () => {
    const pair = new Pair({ memoryBytesMax: MIB });
    const socket = pair.connect();
    socket.push(request('SUBMIT_JOB_BG', pair.two, '', 'small'));
    const large = request('SUBMIT_JOB_BG', pair.two, '', Buffer.alloc(3 * MIB));
    socket.push(large.subarray(0, 60_000));
    pair.acceptor.thread.run();
    socket.push(large.subarray(60_000));
    pair.settle();
    expect(namesOf(socket.take())).toEqual([8, 19]);
    expect(pair.acceptor.thread.blobKib + pair.shard.thread.blobKib).toBe(0);
  });

  it('closes the connection of a result, near and far', () => {
    const pair = new Pair({ memoryBytesMax: MIB, movesConnections: false });
    const socket = pair.connect();
    socket.push(request('CAN_DO', pair.two));
    socket.push(request('SUBMIT_JOB_BG', pair.two, '', 'x'));
    socket.push(request('GRAB_JOB'));
    pair.settle();
    expect(namesOf(socket.take())).toEqual([8, 11]);
    socket.push(request('WORK_COMPLETE', handleOf(2, 1, 1), Buffer.alloc(3 * MIB)));
    pair.settle();
    expect(socket.isClosed).toBe(true);
    // The job is there again for the next worker.
    expect(pair.shard.thread.broker.counters.requeued).toBe(1);
  });
});

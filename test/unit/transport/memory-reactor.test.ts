/**
 * The reactor's contract where nothing happens by itself: holding, moving between reactors, full batches, limits.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { ReactorOptions } from '../../../src/native/contract.ts';
import { Control, GoneReason, RowKind } from '../../../src/protocol/batch.ts';
import { line, noise, sample } from '../../parity/corpus.ts';
import { DEFAULTS, type Event, echo, Host } from '../../parity/host.ts';
import { createMemoryReactor, type MemoryReactor } from '../../support/memory-reactor.ts';
import { MemoryRegistry } from '../../support/memory-socket.ts';

const KIB = 1024;
const GRAB_COUNT = 65_536;

function create(options: Partial<ReactorOptions> = {}, registry?: MemoryRegistry) {
  const memory = registry === undefined ? {} : { registry };
  return new Host((all) => createMemoryReactor(all, memory), options);
}

function runAll({ reactor }: Host<MemoryReactor>): void {
  while (reactor.runTurn());
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytes = (words: string): Buffer => Buffer.from(words, 'latin1');

let host: Host<MemoryReactor>;
let reactor: MemoryReactor;
beforeEach(() => {
  host = create();
  reactor = host.reactor;
});

describe('a memory reactor', () => {
  test('gives the address that the peer connects with', () => {
    reactor.connect({ address: 'fe80::1', port: 99, listener: 3 });
    runAll(host);
    const { type, text: address, args } = host.events[0]!;
    expect([type, address, args[0], args[1], args[2]]).toEqual([RowKind.OPEN, 'fe80::1', 7, 99, 3]);
  });

  test('echoes, and says false when there is nothing left to do', () => {
    host.handle = echo(host);
    const conn = reactor.connect();
    reactor.push(conn, bytes('a\nb\n'));
    expect(reactor.runTurn()).toBe(true);
    expect(reactor.runTurn()).toBe(false);
    expect(text(reactor.take(conn))).toBe('a\nb\n');
    expect(reactor.take(conn).length).toBe(0);
  });

  test('gives back the blobs of a turn that threw when it is destroyed, and sends nothing', async () => {
    host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      host.sendBlob(conn, reactor.blobFrom(noise(9), 0, 9), 0, 9);
      reactor.spill();
      host.sendBlob(conn, reactor.blobFrom(noise(9), 0, 9), 0, 9);
      throw new Error('broken');
    };
    const conn = reactor.connect();
    reactor.push(conn, bytes('a\n'));
    expect(() => runAll(host)).toThrow('broken');
    await reactor.destroy();
    expect(reactor.control[Control.BLOB_KIB]).toBe(0);
    expect(reactor.take(conn).length).toBe(0);
  });

  test('copies what is pushed', () => {
    const conn = reactor.connect();
    const shared = bytes('a\n');
    reactor.push(conn, shared);
    shared.fill(0x62);
    runAll(host);
    expect(host.said(conn)[1]).toBe('LINE a');
  });

  test('reads at most 64 KiB of a connection a turn', () => {
    const conn = reactor.connect();
    reactor.push(conn, Buffer.alloc(200 * KIB, `${'x'.repeat(KIB - 1)}\n`));
    const perTurn: number[] = [];
    while (reactor.runTurn()) perTurn.push(host.events.filter((e) => e.turn === host.turn).length);
    expect(perTurn).toEqual([65, 64, 64, 8]);
  });

  test('says when it is due', () => {
    let dueCount = 0;
    const own = createMemoryReactor(
      { ...DEFAULTS, onTurn: () => {}, onListenError: () => {} },
      { onDue: () => dueCount++ },
    );
    const conn = own.connect();
    while (own.runTurn());
    dueCount = 0;
    own.push(conn, bytes('x\n'));
    expect(dueCount).toBeGreaterThan(0);
  });

  test('closes behind the end of its peer, when the replies of that turn are out', () => {
    host.handle = echo(host);
    const conn = reactor.connect();
    reactor.push(conn, bytes('a\nrest'));
    reactor.end(conn);
    runAll(host);
    expect(host.said(conn).slice(1)).toEqual(['LINE a', 'GONE']);
    expect(reactor.isClosed(conn)).toBe(true);
    expect(text(reactor.take(conn))).toBe('a\n');
  });

  test('gives what came before a reset, then says so', () => {
    const conn = reactor.connect();
    reactor.push(conn, bytes('a\n'));
    reactor.socketOf(conn).reset();
    runAll(host);
    expect(host.said(conn).slice(1)).toEqual(['LINE a', 'GONE']);
    expect(host.events.at(-1)!.args[0]).toBe(GoneReason.RESET);
  });

  test('sends nothing of a turn that throws, and never runs again', () => {
    const conn = reactor.connect();
    runAll(host);
    host.handle = () => {
      host.send(conn, 'half');
      reactor.spill();
      throw new Error('broken');
    };
    reactor.push(conn, bytes('a\n'));
    expect(() => reactor.runTurn()).toThrow('broken');
    expect(reactor.runTurn()).toBe(false);
    expect(reactor.take(conn).length).toBe(0);
  });

  test('closes everything when destroyed', async () => {
    const conn = reactor.connect();
    runAll(host);
    host.send(conn, 'owed');
    await reactor.destroy();
    expect(reactor.isClosed(conn)).toBe(true);
    expect(text(reactor.take(conn))).toBe('owed');
    expect(reactor.runTurn()).toBe(false);
    expect(reactor.registry.count).toBe(0);
  });

  test('runs a turn for a ring before it would sleep', () => {
    const words = new Int32Array(new SharedArrayBuffer(64));
    reactor.watchRings(words, 0, Int32Array.of(1), Int32Array.of(2), -1);
    runAll(host);
    expect(words[0]).toBe(1);
    words[1] = 8;
    host.handleTurn = () => {
      expect(words[0]).toBe(0);
      words[2] = 8;
    };
    expect(reactor.runTurn()).toBe(true);
    expect(reactor.runTurn()).toBe(false);
  });
});

test('a reactor is due again for as long as a ring has something', () => {
  let dueCount = 0;
  const options = { ...DEFAULTS, onTurn: () => {}, onListenError: () => {} };
  const own = createMemoryReactor(options, { onDue: () => dueCount++ });
  const words = new Int32Array(new SharedArrayBuffer(64));
  words[1] = 8;
  own.watchRings(words, 0, Int32Array.of(1), Int32Array.of(2), -1);
  for (let i = 0; i < 3; i++) {
    dueCount = 0;
    expect(own.runTurn()).toBe(true);
    expect(dueCount).toBeGreaterThan(0);
  }
  words[2] = 8;
  own.runTurn();
  dueCount = 0;
  expect(own.runTurn()).toBe(false);
  expect(dueCount).toBe(0);
});

describe('full batches', () => {
  test('carry over what finds no row, connection by connection', () => {
    const conns = [reactor.connect(), reactor.connect()];
    for (const conn of conns) reactor.push(conn, Buffer.alloc(GRAB_COUNT, '\n'));
    let turns = 0;
    while (reactor.runTurn()) turns++;
    expect(turns).toBeGreaterThanOrEqual((2 * GRAB_COUNT) / 4096);
    for (const conn of conns) expect(host.count(RowKind.LINE, conn)).toBe(GRAB_COUNT);
  });

  test('leave a flood with its peer', () => {
    const conn = reactor.connect();
    const flood = 1 << 20;
    reactor.push(conn, Buffer.alloc(flood, '\n'));
    for (let i = 0; i < 50; i++) reactor.runTurn();
    const readBytes = flood - reactor.socketOf(conn).inbound.bytes;
    const unhandled = readBytes - host.count(RowKind.LINE);
    expect(unhandled).toBeLessThanOrEqual(3 * 64 * KIB);
  });

  test('carry over what finds no room in the arena, in order of arrival', () => {
    const conns = Array.from({ length: 40 }, () => reactor.connect());
    const frame = sample(16, [], noise(60_000)).bytes;
    for (const conn of conns) reactor.push(conn, frame);
    runAll(host);
    const echoed = host.events.filter(({ type }) => type === 16);
    expect(echoed.map(({ conn }) => conn)).toEqual(conns);
    expect(new Set(echoed.map(({ turn }) => turn)).size).toBeGreaterThan(1);
    expect(echoed.every(({ text: all }) => all === frame.toString('latin1'))).toBe(true);
  });

  test('serve small connections in the turn behind a flood', () => {
    const flood = reactor.connect();
    reactor.push(flood, Buffer.alloc(GRAB_COUNT, '\n'));
    reactor.runTurn();
    const other = reactor.connect();
    reactor.push(other, bytes('small\n'));
    const from = host.turn;
    runAll(host);
    const small = host.events.find((e) => e.conn === other && e.type === RowKind.LINE)!;
    expect(small.turn - from).toBeLessThanOrEqual(GRAB_COUNT / 4096);
  });

  test('give OPEN, DRAINED and GONE their rows in a later turn', () => {
    const flood = reactor.connect();
    reactor.push(flood, Buffer.alloc(10_000, '\n'));
    const late = reactor.connect();
    reactor.end(late);
    runAll(host);
    expect(host.said(late)).toEqual(['OPEN 127.0.0.1', 'GONE']);
    expect(host.count(RowKind.LINE, flood)).toBe(10_000);
  });
});

describe('holding', () => {
  test('gives a held read of many rows again, over several turns', () => {
    let held: Event | null = null;
    host.handle = (event) => {
      if (event.type !== RowKind.LINE || held !== null) return;
      held = event;
      host.hold(event);
    };
    const conn = reactor.connect();
    reactor.push(conn, Buffer.alloc(20_000, '\n'));
    runAll(host);
    expect(host.count(RowKind.LINE)).toBe(1);
    reactor.resume(conn);
    runAll(host);
    expect(host.count(RowKind.LINE)).toBe(1 + 20_000);
  });

  test('keeps the order when held again while the batch had room for a part only', () => {
    const lines = Array.from({ length: 4000 }, (_, i) => `${i}\n`);
    const conn = reactor.connect();
    const handled: string[] = [];
    const holdAt = new Set(['0\n', '100\n']);
    host.handle = (event) => {
      if (event.conn !== conn || event.type !== RowKind.LINE) return;
      if (holdAt.delete(event.text)) host.hold(event);
      else handled.push(event.text);
    };
    reactor.push(conn, bytes(lines.join('')));
    reactor.runTurn();
    const other = reactor.connect(); // fills two batches, and a third in part
    reactor.push(other, Buffer.alloc(10_000, '\n'));
    reactor.runTurn();
    reactor.resume(conn);
    while (holdAt.size > 0) reactor.runTurn();
    expect(host.count(RowKind.LINE, other)).toBe(10_000);
    reactor.resume(conn);
    runAll(host);
    expect(handled).toEqual(lines);
  });

  test('leaves the peer its bytes while held', () => {
    host.handle = (event) => {
      if (event.type === RowKind.LINE) host.hold(event);
    };
    const conn = reactor.connect();
    reactor.push(conn, bytes('a\n'));
    runAll(host);
    reactor.push(conn, bytes('b\n'));
    runAll(host);
    expect(reactor.socketOf(conn).inbound.bytes).toBe(2);
    expect(host.said(conn).slice(1)).toEqual(['LINE a']);
  });

  test('still sends', () => {
    host.handle = (event) => {
      if (event.type === RowKind.LINE) host.hold(event);
    };
    const conn = reactor.connect();
    reactor.push(conn, bytes('a\n'));
    runAll(host);
    host.send(conn, 'reply');
    runAll(host);
    expect(text(reactor.take(conn))).toBe('reply');
  });

  test('takes the reference of a blob back, and frees it when the connection closes', () => {
    host.handle = (event) => {
      if (event.type === 16) host.hold(event);
    };
    const conn = reactor.connect();
    reactor.push(conn, sample(16, [], noise(100_000)).bytes);
    runAll(host);
    expect(reactor.control[Control.BLOB_KIB]).toBe(98);
    reactor.close(conn);
    runAll(host);
    expect(reactor.control[Control.BLOB_KIB]).toBe(0);
  });
});

describe('moving a connection', () => {
  const registry = new MemoryRegistry();
  let from: Host<MemoryReactor>;
  let to: Host<MemoryReactor>;
  beforeEach(() => {
    from = create({}, registry);
    to = create({}, registry);
    to.handle = echo(to);
    from.handle = (event) => {
      if (event.text.startsWith('move') || event.type === 16) from.hold(event);
      else echo(from)(event);
    };
  });

  const move = (conn: number): number => {
    const { fd, unread, unsent } = from.reactor.detach(conn);
    return to.reactor.adopt(fd, unread, unsent);
  };

  test('takes unread frames, a half one and unsent output along', () => {
    const conn = from.reactor.connect();
    const peer = from.reactor.socketOf(conn);
    peer.push(bytes('here\nmove\nthere\nhal'));
    runAll(from);
    peer.push(bytes('f\n'));
    from.send(conn, 'owed ');
    const there = move(conn);
    expect(from.reactor.isClosed(conn)).toBe(true);
    runAll(to);
    expect(text(peer.take())).toBe('here\nowed move\nthere\nhalf\n');
    expect(to.said(there)).toEqual(['LINE move', 'LINE there', 'LINE half']);
  });

  test('takes a held large frame and its data along', () => {
    const conn = from.reactor.connect();
    const peer = from.reactor.socketOf(conn);
    const all = Buffer.concat([sample(16, [], noise(150_000)).bytes, line('behind').bytes]);
    peer.push(all);
    runAll(from);
    move(conn);
    expect(from.reactor.control[Control.BLOB_KIB]).toBe(0);
    runAll(to);
    expect(Buffer.from(peer.take()).equals(all)).toBe(true);
    expect(to.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('takes a blob that is still filling along', () => {
    const conn = from.reactor.connect();
    const peer = from.reactor.socketOf(conn);
    const all = Buffer.concat([line('move').bytes, sample(16, [], noise(150_000)).bytes]);
    peer.push(all.subarray(0, 60_000));
    runAll(from);
    move(conn);
    expect(from.reactor.control[Control.BLOB_KIB]).toBe(0);
    peer.push(all.subarray(60_000));
    runAll(to);
    expect(Buffer.from(peer.take()).equals(all)).toBe(true);
  });

  test('takes the end of the peer along', () => {
    const conn = from.reactor.connect();
    const peer = from.reactor.socketOf(conn);
    peer.push(bytes('move\n'));
    peer.end();
    runAll(from);
    expect(from.count(RowKind.GONE)).toBe(0);
    const there = move(conn);
    runAll(to);
    expect(to.said(there)).toEqual(['LINE move', 'GONE']);
    expect(peer.isClosed).toBe(true);
  });

  test('refuses a connection that is not held, or unknown', () => {
    const conn = from.reactor.connect();
    runAll(from);
    expect(() => from.reactor.detach(conn)).toThrow('not held');
    expect(() => from.reactor.detach(12345)).toThrow('not held');
    expect(() => to.reactor.adopt(9999, new Uint8Array(0), new Uint8Array(0))).toThrow('not open');
  });

  test('refuses a held frame whose data was dropped', () => {
    from.reactor.control[Control.BLOB_KIB_MAX] = 10;
    const conn = from.reactor.connect();
    from.reactor.push(conn, sample(16, [], noise(150_000)).bytes);
    runAll(from);
    expect(() => from.reactor.detach(conn)).toThrow('dropped');
  });
});

describe('a peer with a small window', () => {
  test('is paused, then read again at half of the mark', () => {
    host = create({ outputPauseBytes: 1000, outputBytesMax: 10_000 });
    reactor = host.reactor;
    const conn = reactor.connect({ windowBytes: 500 });
    host.handle = ({ type }) => {
      if (type === RowKind.LINE) host.send(conn, new Uint8Array(2000));
    };
    reactor.push(conn, bytes('a\n'));
    runAll(host);
    expect(reactor.unsentBytes(conn)).toBe(1500);
    reactor.push(conn, bytes('b\n'));
    runAll(host);
    expect(host.count(RowKind.LINE)).toBe(1);
    reactor.socketOf(conn).take(999);
    runAll(host);
    expect(reactor.unsentBytes(conn)).toBe(501);
    expect(host.count(RowKind.LINE)).toBe(1);
    reactor.socketOf(conn).take(1);
    runAll(host);
    expect(host.count(RowKind.LINE)).toBe(2);
  });

  test('is given up above the limit, also while it is held', () => {
    host = create({ outputPauseBytes: 1000, outputBytesMax: 3000 });
    reactor = host.reactor;
    const conn = reactor.connect({ windowBytes: 0 });
    host.handle = (event) => {
      if (event.type === RowKind.LINE) host.hold(event);
    };
    reactor.push(conn, bytes('a\n'));
    runAll(host);
    host.send(conn, new Uint8Array(3001));
    runAll(host);
    expect(host.count(RowKind.GONE)).toBe(0);
    host.send(conn, new Uint8Array(1));
    runAll(host);
    expect(host.events.at(-1)!.args[0]).toBe(GoneReason.OUTPUT_LIMIT);
    expect(reactor.isClosed(conn)).toBe(true);
  });

  test('may be sent one packet above the limit after the other when it takes each', () => {
    host = create({ outputPauseBytes: 1000, outputBytesMax: 3000 });
    reactor = host.reactor;
    const conn = reactor.connect({ windowBytes: 0 });
    runAll(host);
    for (const count of [4000, 5000, 6000]) {
      host.send(conn, new Uint8Array(count));
      runAll(host);
      expect(reactor.take(conn).length).toBe(count);
    }
    runAll(host);
    expect(host.count(RowKind.GONE)).toBe(0);
  });

  test('is told apart from one that has drained', () => {
    const conn = reactor.connect({ windowBytes: 100 });
    runAll(host);
    host.send(conn, new Uint8Array(300));
    reactor.notifyDrained(conn, 50);
    runAll(host);
    expect(host.count(RowKind.DRAINED)).toBe(0);
    reactor.take(conn);
    runAll(host);
    expect(host.count(RowKind.DRAINED)).toBe(1);
    runAll(host);
    expect(host.count(RowKind.DRAINED)).toBe(1);
  });

  test('is closed when it has taken what it was owed', () => {
    const conn = reactor.connect({ windowBytes: 0 });
    runAll(host);
    host.send(conn, 'owed');
    reactor.closeAfterFlush(conn, 1000);
    runAll(host);
    expect(reactor.isClosed(conn)).toBe(false);
    expect(text(reactor.take(conn))).toBe('owed');
    expect(reactor.isClosed(conn)).toBe(true);
  });

  test('gives rows no more once it is being closed', () => {
    const conn = reactor.connect({ windowBytes: 0 });
    runAll(host);
    host.send(conn, 'owed');
    reactor.closeAfterFlush(conn, 1000);
    reactor.push(conn, bytes('late\n'));
    runAll(host);
    expect(host.said(conn)).toEqual(['OPEN 127.0.0.1']);
  });
});

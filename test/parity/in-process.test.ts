/**
 * Connections inside the process, in one reactor with sockets: what the suites for both do not ask.
 */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { RowKind } from '../../src/protocol/batch.ts';
import { InProcessStream } from '../../src/transport/in-process/stream.ts';
import type { StreamReactor } from '../../src/transport/stream-connection.ts';
import { INSIDE, Peer } from './peer.ts';
import { carriers } from './peers.ts';
import { isKind, isLine, useStage } from './stage.ts';

describe.each(carriers.filter(({ way }) => way === 'in process'))('$label', (carrier) => {
  const stage = useStage(carrier);
  const reactor = () => stage.host.reactor as StreamReactor;
  const connectSocket = () => stage.connect({ port: stage.port, host: '127.0.0.1' });

  test('opens as a local peer that no listener accepted', async () => {
    await stage.connect();
    const { text, args } = await stage.host.event(isKind(RowKind.OPEN));
    expect([text, args[1], args[2]]).toEqual(['localhost', 0, 0]);
  });

  test('serves both kinds at once, each under ids of its own', async () => {
    const conns = new Map<string, number>();
    stage.host.handle = ({ type, conn, text }) => {
      if (type !== RowKind.LINE) return;
      const [from, to] = text.trim().split(' ') as [string, string];
      conns.set(from, conn);
      const target = conns.get(to);
      // From one kind to the other, and both in one turn.
      if (target !== undefined) {
        stage.host.send(conn, 'sent\n');
        stage.host.send(target, text);
      }
    };
    const peers = [await stage.connect(), await connectSocket(), await stage.connect()];
    peers.push(await connectSocket());
    for (const [i, peer] of peers.entries()) peer.write(`${i} -\n`);
    await stage.host.until(() => conns.size === 4);
    expect(new Set(conns.values()).size).toBe(4);
    for (const [i, peer] of peers.entries())
      for (let k = 0; k < 4; k++) peer.write(`${i} ${(i + 1) % 4}\n`);
    const texts = await Promise.all(peers.map((peer) => peer.text(4 * 5 + 4 * 4)));
    for (const [i, text] of texts.entries()) {
      expect(text.split('sent\n')).toHaveLength(5);
      expect(text.split(`${(i + 3) % 4} ${i}\n`)).toHaveLength(5);
    }
  });

  test('uses an id again only when nobody has it', async () => {
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.GONE) stage.host.close(conn);
    };
    const stays = await stage.connect();
    for (let i = 0; i < 300; i++) {
      const peer = i % 3 === 0 ? await connectSocket() : await stage.connect();
      peer.write(`${i}\n`);
      await stage.host.event(isLine(String(i)));
      peer.socket.destroy();
      await peer.closed;
    }
    stays.write('still here\n');
    const { conn } = await stage.host.event(isLine('still here'));
    await stage.host.until(() => stage.host.count(RowKind.GONE) === 300);
    const opened = stage.host.events.filter(isKind(RowKind.OPEN)).map((event) => event.conn);
    expect(opened.filter((id) => id === conn)).toHaveLength(1);
    expect(new Set(opened).size).toBe(301);
  });

  test('reads the memory of a write before the write is done, and not behind it', async () => {
    const peer = await stage.connect();
    const memory = Buffer.alloc(100_000, 'a');
    memory[99_999] = 0x0a;
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.OPEN) stage.host.reactor.hold(conn, 0);
    };
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    stage.host.reactor.hold(conn, 0);
    let isDone = false;
    const line = Buffer.from('short\n');
    peer.socket.write(line, () => {
      isDone = true;
      line.fill('x');
    });
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    expect(isDone).toBe(false);
    stage.host.reactor.resume(conn);
    await stage.host.event(isLine('short'));
    while (!isDone) await new Promise(setImmediate);
  });

  test('gives a peer that stops reading no more than it asks for', async () => {
    const peer = await stage.connect();
    peer.socket.pause();
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.LINE) stage.host.send(conn, Buffer.alloc(200_000, 'r'));
    };
    for (let i = 0; i < 3; i++) {
      peer.write('more\n');
      await stage.host.until(() => stage.host.count(RowKind.LINE) === i + 1);
      await new Promise(setImmediate);
    }
    const { conn } = stage.host.events[0]!;
    expect(stage.host.reactor.unsentBytes(conn)).toBe(400_000);
    peer.socket.resume();
    await peer.read(600_000);
    expect(stage.host.reactor.unsentBytes(conn)).toBe(0);
  });

  test('takes what was written before there was an other end, and an end as well', async () => {
    const stream = new InProcessStream();
    stream.end('early\n');
    await new Promise(setImmediate);
    reactor().attach(stream, INSIDE);
    await stage.host.event(isLine('early'));
    await stage.host.event(isKind(RowKind.GONE));
  });

  test('ends a stream that is refused, and takes its writes as done', async () => {
    const stream = new InProcessStream();
    const written = new Promise((resolve) => stream.write('to nobody', resolve));
    stream.resume();
    stream.refuse();
    await Promise.all([written, once(stream, 'close')]);
  });

  test('lets what a peer throws be its own', async () => {
    const stream = new InProcessStream();
    reactor().attach(stream, INSIDE);
    stream.on('data', () => {
      throw new Error('of the peer');
    });
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.LINE) stage.host.send(conn, 'answer');
    };
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    stream.write('question\n');
    const [error] = await thrown;
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect((error as Error).message).toBe('of the peer');
    const other = Peer.inProcessPeer(reactor());
    expect(await other.write('go\n').text(6)).toBe('answer');
  });

  test('ends with the reactor, and what was sent arrives', async () => {
    const peer = await stage.connect();
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.LINE) stage.host.send(conn, 'last words');
    };
    peer.write('go\n');
    await stage.host.event(isLine('go'));
    await stage.host.reactor.destroy();
    expect(await peer.rest()).toBe('last words');
    await peer.closed;
  });
});

/**
 * One suite for the addon's reactor and its twin, over real sockets: rows, output, limits, holding, closing.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReactorOptions } from '../../src/native/contract.ts';
import { Control, FaultReason, GoneReason, RowKind } from '../../src/protocol/batch.ts';
import { line, noise, sample } from './corpus.ts';
import { type Event, echo, Host } from './host.ts';
import { Peer } from './peer.ts';
import { implementations } from './peers.ts';

const LOCALHOST = { host: '127.0.0.1', port: 0, backlog: 511 };
/** Exits when word 0 is 1. */
const WAIT_FOR_SLEEP = `
  const { workerData: words } = require('node:worker_threads');
  while (Atomics.load(words, 0) === 0);`;
/** Writes word 1 while word 0 is 1, as a producer does whose doorbell is lost. */
const PUBLISH_WHEN_ASLEEP = `${WAIT_FOR_SLEEP}
  Atomics.store(words, 1, 8);`;
const isKind = (type: number) => (event: Event) => event.type === type;
const isLine = (text: string) => (event: Event) => event.text === `${text}\n`;

describe.each(implementations)('the reactor of the $kind', ({ kind, createReactor }) => {
  const hosts: Host[] = [];
  const peers: Peer[] = [];
  let host: Host;
  let port: number;

  const start = async (options: Partial<ReactorOptions> = {}): Promise<void> => {
    host = new Host(createReactor, options);
    hosts.push(host);
    ({ port } = await host.reactor.listen(LOCALHOST));
  };
  const connect = async (options: Partial<net.TcpNetConnectOpts> = {}): Promise<Peer> => {
    const peer = await Peer.connect({ port, host: '127.0.0.1', ...options });
    peers.push(peer);
    return peer;
  };

  beforeEach(() => start());
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.socket.destroy();
    for (const each of hosts.splice(0)) await each.reactor.destroy();
  });

  describe('connections', () => {
    test('says its kind', () => {
      expect(host.reactor.kind).toBe(kind);
    });

    test('opens a connection with the address of its peer', async () => {
      const peer = await connect();
      const { args, text, conn } = await host.event(isKind(RowKind.OPEN));
      expect(text).toBe('127.0.0.1');
      expect(args.slice(0, 2)).toEqual([9, peer.socket.localPort]);
      expect(conn).toBeGreaterThan(0);
    });

    test('names the listener that accepted', async () => {
      const second = await host.reactor.listen(LOCALHOST);
      peers.push(await Peer.connect({ port: second.port, host: '127.0.0.1' }));
      expect((await host.event(isKind(RowKind.OPEN))).args[2]).toBe(second.id);
    });

    test('writes IPv6 peers in full and mapped ones as IPv4', async () => {
      const second = await host.reactor.listen({
        host: '::',
        port: 0,
        backlog: 9,
        v6Only: false,
      });
      peers.push(await Peer.connect({ port: second.port, host: '::1' }));
      expect((await host.event(isKind(RowKind.OPEN))).text).toBe('::1');
      peers.push(await Peer.connect({ port: second.port, host: '127.0.0.1' }));
      await host.until(() => host.count(RowKind.OPEN) === 2);
      expect(host.events[1]!.text).toBe('127.0.0.1');
    });

    test('listens on a path with the mode given and calls its peers localhost', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'geartrain-'));
      const path = join(folder, 'socket');
      const listener = await host.reactor.listen({ path, mode: 0o640, backlog: 9 });
      expect(listener.port).toBe(0);
      expect(statSync(path).mode & 0o777).toBe(0o640);
      peers.push(await Peer.connect({ path }));
      const { text, args } = await host.event(isKind(RowKind.OPEN));
      expect([text, args[1]]).toEqual(['localhost', 0]);
      host.reactor.unlisten(listener.id);
      rmSync(folder, { recursive: true });
    });

    test('refuses a port that is taken, with the code', async () => {
      await expect(host.reactor.listen({ ...LOCALHOST, port })).rejects.toMatchObject({
        code: 'EADDRINUSE',
      });
    });

    test('stops accepting when it no longer listens, and keeps connections', async () => {
      const second = await host.reactor.listen(LOCALHOST);
      const peer = await Peer.connect({ port: second.port, host: '127.0.0.1' });
      peers.push(peer);
      host.handle = echo(host);
      await host.event(isKind(RowKind.OPEN));
      host.reactor.unlisten(second.id);
      expect(await peer.write('still\n').text(6)).toBe('still\n');
      await expect(Peer.connect({ port: second.port, host: '127.0.0.1' })).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
    });

    test('serves many connections, each with an id of its own', async () => {
      host.handle = echo(host);
      const many = await Promise.all(Array.from({ length: 200 }, () => connect()));
      many.forEach((peer, i) => {
        peer.write(`peer ${i}\n`);
      });
      for (const [i, peer] of many.entries()) {
        const expected = `peer ${i}\n`;
        expect(await peer.text(expected.length)).toBe(expected);
      }
      const opened = host.events.filter(isKind(RowKind.OPEN)).map(({ conn }) => conn);
      expect(new Set(opened).size).toBe(200);
    });

    test('gives a slot that is used again another id', async () => {
      const seen = new Set<number>();
      host.handle = (event) => {
        if (event.type === RowKind.OPEN) seen.add(event.conn);
        if (event.type === RowKind.LINE) host.close(event.conn);
      };
      for (let i = 0; i < 20; i++) await (await connect()).write('bye\n').closed;
      expect(seen.size).toBe(20);
    });
  });

  describe('input and output', () => {
    test('echoes lines and packets in order', async () => {
      host.handle = echo(host);
      const all = Buffer.concat([
        line('a').bytes,
        sample(16, [], noise(300)).bytes,
        line('b').bytes,
      ]);
      const peer = await connect();
      expect(await peer.write(all).read(all.length)).toEqual(all);
    });

    test('echoes what comes byte by byte', async () => {
      host.handle = echo(host);
      const all = Buffer.concat([sample(7, ['f', 'u'], noise(20)).bytes, line('b', '\r\n').bytes]);
      const peer = await connect();
      for (const byte of all) {
        await new Promise<void>((resolve) => peer.socket.write(Buffer.of(byte), () => resolve()));
      }
      expect(await peer.read(all.length)).toEqual(all);
    });

    test('echoes a frame of 5 MiB through a blob and gives its memory back', async () => {
      host.handle = (event) => {
        echo(host)(event);
        expect(event.blob === 0 || host.reactor.control[Control.BLOB_KIB]! >= 5 * 1024).toBe(true);
      };
      const { bytes } = sample(16, [], noise(5 << 20));
      const peer = await connect();
      expect((await peer.write(bytes).read(bytes.length)).equals(bytes)).toBe(true);
      await peer.write('x\n').read(2);
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
    });

    test('pipelines many frames without losing or swapping one', async () => {
      host.handle = echo(host);
      const peer = await connect();
      const all = Buffer.concat(
        Array.from({ length: 30_000 }, (_, i) => sample(16, [], Buffer.from(`frame ${i}`)).bytes),
      );
      expect((await peer.write(all).read(all.length)).equals(all)).toBe(true);
    });

    test('sends a blob in parts, mixed with bytes, as often as there are references', async () => {
      host.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        const blob = host.reactor.blobFrom(Buffer.from('--0123456789--'), 2, 12);
        expect(host.reactor.blobBytes(blob)).toBe(10);
        host.reactor.blobRetain(blob);
        host.send(conn, '<');
        host.sendBlob(conn, blob, 0, 10);
        host.send(conn, '|');
        host.sendBlob(conn, blob, 7, 3);
        host.send(conn, '>');
      };
      const peer = await connect();
      expect(await peer.write('go\n').text(16)).toBe('<0123456789|789>');
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
    });

    test('reads out of blobs', () => {
      const { reactor } = host;
      const blob = reactor.blobFrom(Buffer.from('0123456789'), 0, 10);
      const target = new Uint8Array(5);
      reactor.blobRead(blob, 4, target, 1, 3);
      expect([...target]).toEqual([0, 0x34, 0x35, 0x36, 0]);
      expect(reactor.control[Control.BLOB_KIB]).toBe(1);
      reactor.blobRelease(blob);
      expect(reactor.control[Control.BLOB_KIB]).toBe(0);
    });

    test('sends what is written outside of a turn', async () => {
      const peer = await connect();
      const { conn } = await host.event(isKind(RowKind.OPEN));
      await new Promise((resolve) => setTimeout(resolve, 1));
      host.send(conn, 'from a timer');
      host.reactor.nudge();
      expect(await peer.text(12)).toBe('from a timer');
    });

    test('moves output out of the way when asked, and keeps its order', async () => {
      host.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        host.send(conn, 'one ');
        host.reactor.spill();
        expect(host.reactor.control[Control.OUT_ROWS]).toBe(0);
        expect(host.reactor.control[Control.OUT_BYTES]).toBe(0);
        expect(host.reactor.unsentBytes(conn)).toBe(4);
        host.send(conn, 'two ');
        host.reactor.spill();
        host.send(conn, 'three');
      };
      const peer = await connect();
      expect(await peer.write('go\n').text(13)).toBe('one two three');
    });

    test('drops output for connections that it does not know', async () => {
      const peer = await connect();
      const { conn } = await host.event(isKind(RowKind.OPEN));
      host.handle = () => {
        host.send(conn + (1 << 20), 'stale');
        host.sendBlob(12345, host.reactor.blobFrom(noise(9), 0, 9), 0, 9);
        host.send(conn, 'right');
      };
      expect(await peer.write('go\n').text(5)).toBe('right');
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
    });

    test('finds faults and decodes nothing more', async () => {
      const peer = await connect();
      peer.write('before\n').write(Buffer.alloc(12)).write('behind\n');
      const { args, conn } = await host.event(isKind(RowKind.FAULT));
      expect(args[0]).toBe(FaultReason.BAD_MAGIC);
      peer.socket.end();
      await host.event(isKind(RowKind.GONE));
      expect(host.said(conn).slice(1)).toEqual(['LINE before', 'FAULT', 'GONE']);
    });

    test('drops the data of frames that pass the memory limit, and reads on behind them', async () => {
      host.reactor.control[Control.BLOB_KIB_MAX] = 1024;
      const peer = await connect();
      peer.write(sample(16, [], noise(2 << 20)).bytes).write(sample(16, [], noise(500_000)).bytes);
      await host.until(() => host.count(16) === 2);
      const [dropped, kept] = host.events.filter(isKind(16));
      expect([dropped!.blob, dropped!.dataBytes]).toEqual([-1, 2 << 20]);
      expect(kept!.blob).toBeGreaterThan(0);
      expect(kept!.dataBytes).toBe(500_000);
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(Math.ceil(500_000 / 1024));
      host.reactor.blobRelease(kept!.blob);
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
    });

    test('gives memory of an unfinished blob back when its peer leaves', async () => {
      const peer = await connect();
      peer.write(sample(16, [], noise(1 << 20)).bytes.subarray(0, 900_000));
      while (host.reactor.control[Control.BLOB_KIB] === 0) await new Promise(setImmediate);
      peer.reset();
      await host.event(isKind(RowKind.GONE));
      await host.reactor.destroy();
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
    });
  });

  describe('ends', () => {
    test('answers everything that came before the end, then closes', async () => {
      host.handle = echo(host);
      const peer = await connect();
      peer.write('one\ntwo\nincompl').socket.end();
      expect(await peer.rest()).toBe('one\ntwo\n');
      await peer.closed;
      const { conn } = host.events[0]!;
      expect(host.said(conn).slice(1)).toEqual(['LINE one', 'LINE two', 'GONE']);
      expect(host.events.at(-1)!.args[0]).toBe(GoneReason.END);
    });

    test('closes a connection whose end was given, also when nobody says close', async () => {
      const peer = await connect();
      peer.socket.end();
      await peer.closed;
      expect(host.count(RowKind.GONE)).toBe(1);
    });

    test('says when a connection was reset', async () => {
      const peer = await connect();
      await host.event(isKind(RowKind.OPEN));
      peer.reset();
      expect((await host.event(isKind(RowKind.GONE))).args[0]).toBe(GoneReason.RESET);
    });

    test('sends what was written, then closes, and gives no row more', async () => {
      host.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        host.send(conn, 'good');
        host.close(conn);
        host.send(conn, 'bye');
      };
      const peer = await connect();
      peer.write('one\n');
      expect(await peer.rest()).toBe('goodbye');
      await peer.closed;
      expect(host.said().slice(1)).toEqual(['LINE one']);
    });

    test('ignores calls for connections that are closed or never were', async () => {
      const peer = await connect();
      const { conn } = await host.event(isKind(RowKind.OPEN));
      host.reactor.close(conn);
      await peer.closed;
      const { reactor } = host;
      for (const id of [conn, 0, 5, 99 << 20, -1]) {
        reactor.close(id);
        reactor.closeAfterFlush(id, 10);
        reactor.hold(id, 0);
        reactor.resume(id);
        reactor.notifyDrained(id, 0);
        expect(reactor.unsentBytes(id)).toBe(0);
      }
      host.handle = echo(host);
      expect(await (await connect()).write('alive\n').text(6)).toBe('alive\n');
    });

    test('goes on sending for as long as it lingers', async () => {
      const reply = noise(8 << 20);
      host.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        host.send(conn, reply);
        host.closeAfterFlush(conn, 20_000);
      };
      const peer = await connect();
      peer.write('one\ntwo\n');
      expect((await peer.read(reply.length)).equals(reply)).toBe(true);
      await new Promise<void>((resolve) => {
        if (peer.socket.readableEnded) resolve();
        else peer.socket.once('end', resolve);
      });
      peer.socket.end();
      await peer.closed;
      expect(peer.errorCode).toBe('');
      expect(host.said().slice(1)).toEqual(['LINE one']);
    });

    test('stops lingering after its time when the peer does not read', async () => {
      host.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        host.send(conn, noise(20 << 20));
        host.closeAfterFlush(conn, 30);
      };
      const peer = await connect();
      peer.socket.pause();
      peer.write('one\n');
      await host.event(isKind(RowKind.LINE));
      await host.reactor.listen(LOCALHOST);
      await new Promise((resolve) => setTimeout(resolve, 60));
      peer.socket.resume();
      await peer.closed;
      expect(peer.errorCode === '' || peer.errorCode === 'ECONNRESET').toBe(true);
    });
  });

  describe('hold', () => {
    /** Holds at the first line `text`, and remembers it. */
    const holdAt = (text: string): { held: Event[] } => {
      const state = { held: [] as Event[] };
      host.handle = (event) => {
        if (!isLine(text)(event) || state.held.length > 0) return;
        state.held.push(event);
        host.hold(event);
      };
      return state;
    };

    test('gives the held frame and all behind it again after resume', async () => {
      const state = holdAt('b');
      const peer = await connect();
      peer.write('a\nb\nc\nd');
      await host.until(() => state.held.length > 0);
      peer.write('d\ne\n');
      const other = await connect();
      other.write('other\n');
      const { conn } = await host.event(isLine('other'));
      expect(conn).not.toBe(state.held[0]!.conn);
      expect(host.said(state.held[0]!.conn)).toEqual(['OPEN 127.0.0.1', 'LINE a', 'LINE b']);
      host.reactor.resume(state.held[0]!.conn);
      await host.event(isLine('e'));
      expect(host.said(state.held[0]!.conn).slice(2)).toEqual(
        ['b', 'b', 'c', 'dd', 'e'].map((text) => `LINE ${text}`),
      );
    });

    test('gives the end of a held connection behind what was held', async () => {
      const state = holdAt('a');
      const peer = await connect();
      peer.write('a\nb\n').socket.end();
      await host.until(() => state.held.length > 0);
      host.reactor.nudge();
      await host.until(() => host.turn > state.held[0]!.turn);
      expect(host.count(RowKind.GONE)).toBe(0);
      host.reactor.resume(state.held[0]!.conn);
      await host.event(isKind(RowKind.GONE));
      expect(host.said().slice(1)).toEqual(['LINE a', 'LINE a', 'LINE b', 'GONE']);
    });

    test('gives a fault behind what was held again', async () => {
      const state = holdAt('a');
      const peer = await connect();
      peer.write(Buffer.concat([Buffer.from('a\nb\n'), Buffer.alloc(12)]));
      await host.until(() => state.held.length > 0);
      host.reactor.resume(state.held[0]!.conn);
      await host.event(isKind(RowKind.FAULT));
      expect(host.said().slice(1)).toEqual(['LINE a', 'LINE a', 'LINE b', 'FAULT']);
    });

    test('takes a large frame back and gives it again with all its data', async () => {
      const { bytes } = sample(7, ['f', 'u'], noise(300_000));
      let held = 0;
      host.handle = (event) => {
        if (event.type !== 7) return;
        if (held++ === 0) host.hold(event);
      };
      const peer = await connect();
      peer.write(Buffer.concat([bytes, Buffer.from('behind\n')]));
      const first = await host.event(isKind(7));
      host.reactor.resume(first.conn);
      await host.event(isLine('behind'));
      const again = host.events.filter(isKind(7))[1]!;
      expect(again.text).toBe(first.text);
      const data = new Uint8Array(again.dataBytes);
      host.reactor.blobRead(again.blob, 0, data, 0, data.length);
      expect(noise(300_000).equals(data)).toBe(true);
      host.reactor.blobRelease(again.blob);
      expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
    });

    test('holds again and again without losing a frame', async () => {
      const peer = await connect();
      const said: string[] = [];
      host.handle = (event) => {
        if (event.type !== RowKind.LINE) return;
        const { text, conn } = event;
        said.push(text.trim());
        if (said.length % 3 !== 0) return;
        said.pop();
        host.hold(event);
        setImmediate(() => host.reactor.resume(conn));
        if (said.length > 0) said.push('');
      };
      const lines = Array.from({ length: 500 }, (_, i) => `${i}`);
      peer.write(`${lines.join('\n')}\n`);
      await host.until(() => said.at(-1) === '499');
      expect(said.filter((text) => text !== '')).toEqual(lines);
    });

    test('keeps a connection from being read while it is held', async () => {
      const state = holdAt('stop');
      const peer = await connect();
      peer.write('stop\n');
      await host.until(() => state.held.length > 0);
      const flood = Buffer.alloc(64 << 20, 'x\n');
      peer.write(flood);
      const other = await connect();
      host.handle = echo(host);
      for (let i = 0; i < 50; i++) await other.write('ping\n').text(5);
      expect(peer.socket.writableLength).toBeGreaterThan(0);
    });
  });

  describe('output limits', () => {
    const MIB = 1 << 20;

    test('stops reading a peer that does not read, and goes on at half of the mark', async () => {
      await host.reactor.destroy();
      await start({ outputPauseBytes: MIB, outputBytesMax: 1 << 30 });
      const peer = await connect();
      peer.socket.pause();
      const reply = Buffer.alloc(MIB, 'r');
      host.handle = ({ type, conn }) => {
        if (type === RowKind.LINE) host.send(conn, reply);
      };
      let sent = 0;
      while (host.events.length === 0 || host.reactor.unsentBytes(host.events[0]!.conn) <= MIB) {
        peer.write('more\n');
        sent++;
        await host.until(() => host.count(RowKind.LINE) === sent);
        await new Promise(setImmediate);
      }
      peer.write('late\n');
      const other = await connect();
      other.write('other\n');
      await host.event(isLine('other'));
      expect(host.events.some(isLine('late'))).toBe(false);
      peer.socket.resume();
      await host.event(isLine('late'));
      await peer.read((sent + 1) * MIB);
    });

    test('gives a peer up that lets too much wait', async () => {
      await host.reactor.destroy();
      await start({ outputPauseBytes: MIB, outputBytesMax: 2 * MIB });
      const peer = await connect();
      peer.socket.pause();
      host.handle = ({ type, conn }) => {
        if (type === RowKind.LINE) host.send(conn, Buffer.alloc(32 * MIB));
      };
      peer.write('go\n');
      expect((await host.event(isKind(RowKind.GONE))).args[0]).toBe(GoneReason.OUTPUT_LIMIT);
      peer.socket.resume();
      await peer.closed;
    });

    test('says once when output has drained', async () => {
      const peer = await connect();
      peer.socket.pause();
      const reply = Buffer.alloc(16 * MIB, 'r');
      host.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        host.send(conn, reply);
        host.reactor.notifyDrained(conn, 1000);
      };
      peer.write('go\n');
      const { conn, turn } = await host.event(isKind(RowKind.LINE));
      host.reactor.nudge();
      await host.until(() => host.turn > turn);
      expect(host.count(RowKind.DRAINED)).toBe(0);
      expect(host.reactor.unsentBytes(conn)).toBeGreaterThan(1000);
      peer.socket.resume();
      await peer.read(reply.length);
      await host.event(isKind(RowKind.DRAINED));
      expect(host.reactor.unsentBytes(conn)).toBe(0);
      expect(host.count(RowKind.DRAINED)).toBe(1);
    });

    test('says at once that little output has drained', async () => {
      await connect();
      const { conn } = await host.event(isKind(RowKind.OPEN));
      host.reactor.notifyDrained(conn, 0);
      host.reactor.nudge();
      expect((await host.event(isKind(RowKind.DRAINED))).conn).toBe(conn);
    });
  });

  describe('turns', () => {
    test('runs a turn without rows when nudged', async () => {
      const counts: number[] = [];
      host.handleTurn = (rowCount) => counts.push(rowCount);
      host.reactor.nudge();
      await host.until(() => counts.length > 0);
      expect(counts).toEqual([0]);
    });

    test('gives each connection one read a turn, so none waits for a flood', async () => {
      const flooder = await connect();
      flooder.write(Buffer.alloc(4 << 20, 'x\n'));
      await host.event(isLine('x'));
      const other = await connect();
      other.write('small\n');
      const small = await host.event(isLine('small'));
      const perTurn = host.events.filter((e) => e.turn === small.turn && e.text === 'x\n').length;
      expect(perTurn).toBeLessThanOrEqual(4096);
    });

    test('runs a turn when a ring has something, and says so before it sleeps', async () => {
      const [asleep, write, read] = [0, 1, 2];
      const words = new Int32Array(new SharedArrayBuffer(64));
      const seen: number[][] = [];
      host.handleTurn = () => {
        seen.push([Atomics.load(words, asleep), Atomics.load(words, write)]);
        Atomics.store(words, read, Atomics.load(words, write));
      };
      Atomics.store(words, write, 64);
      host.reactor.watchRings(words, asleep, Int32Array.of(write), Int32Array.of(read), -1);
      await host.until(() => seen.length > 0);
      expect(seen[0]).toEqual([0, 64]);
      const watcher = new Worker(WAIT_FOR_SLEEP, { eval: true, workerData: words });
      await once(watcher, 'exit'); // it exits when it has seen the word set
    });

    test('finds within about a second what a producer published without ringing', async () => {
      const words = new Int32Array(new SharedArrayBuffer(64));
      host.reactor.watchRings(words, 0, Int32Array.of(1), Int32Array.of(2), -1);
      const stored = new Promise<void>((resolve) => {
        host.handleTurn = () => {
          if (Atomics.load(words, 1) === 0) return;
          Atomics.store(words, 2, Atomics.load(words, 1));
          resolve();
        };
      });
      const producer = new Worker(PUBLISH_WHEN_ASLEEP, { eval: true, workerData: words });
      await once(producer, 'exit');
      await stored;
    });

    test('closes everything when destroyed, once what is owed has been sent', async () => {
      const own = new Host(createReactor);
      const listener = await own.reactor.listen(LOCALHOST);
      const peer = await Peer.connect({ port: listener.port, host: '127.0.0.1' });
      let destroyed: Promise<void> | null = null;
      own.handle = ({ type, conn }) => {
        if (type !== RowKind.LINE) return;
        own.send(conn, 'last words');
        destroyed = own.reactor.destroy();
      };
      peer.write('go\n');
      expect(await peer.rest()).toBe('last words');
      await destroyed;
      const { turn } = own;
      await expect(Peer.connect({ port: listener.port, host: '127.0.0.1' })).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
      expect(own.turn).toBe(turn);
      await own.reactor.destroy();
    });
  });
});

/**
 * What only the native reactor does: descriptors that leave and come, running out of them, hang-ups without spinning,
 * many reactors one after another. What it shares with the TypeScript core is tested by test/parity.
 */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { addonFunctions } from '../../../src/native/addon.ts';
import type { Detached } from '../../../src/native/contract.ts';
import { Control, GoneReason, RowKind } from '../../../src/protocol/batch.ts';
import { type Event, echo, type Host } from '../../parity/host.ts';
import { Peer } from '../../parity/peer.ts';
import { requirePeer } from '../../support/peers.ts';
import {
  connect,
  describeAddon,
  ECHO_REQ,
  frame,
  listen,
  makeHost,
  nextPass,
  openDescriptors,
  socketOptions,
} from './support.ts';

const LINE = RowKind.LINE;

/** Detaches the connection of the first line `move`, in the turn that gives it. */
function detachAt(host: Host, before: (event: Event) => void = () => {}): Promise<Detached> {
  return new Promise((resolve) => {
    host.handle = (event) => {
      if (event.type !== LINE || event.text !== 'move\n') return;
      before(event);
      host.hold(event);
      resolve(host.reactor.detach(event.conn));
    };
  });
}

/** Descriptors that this process may have. */
function fileLimit(): number {
  const line = readFileSync('/proc/self/limits', 'latin1').match(/^Max open files +(\d+)/m);
  return Number(line?.[1]);
}

/** How often the loop goes round in `ms`. */
async function passesOfLoop(ms: number): Promise<number> {
  const before = performance.nodeTiming.uvMetricsInfo.loopCount;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return performance.nodeTiming.uvMetricsInfo.loopCount - before;
}

describeAddon('the native reactor', () => {
  it('serves 64 connections at once, each in its order', async () => {
    const host = makeHost();
    host.handle = echo(host);
    const port = await listen(host);
    await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        const peer = await connect(port);
        for (let round = 0; round < 20; round++) {
          const frames = Array.from({ length: 10 }, (_, j) =>
            frame(ECHO_REQ, `${i} ${round} ${j}`),
          );
          const all = Buffer.concat(frames);
          expect(await peer.write(all).read(all.length)).toEqual(all);
        }
      }),
    );
    expect(host.count(ECHO_REQ)).toBe(64 * 200);
  });

  it('takes a frame of 100 MiB into a blob and sends it from there', async () => {
    const host = makeHost({ outputBytesMax: 1 << 28 });
    host.handle = echo(host);
    const peer = await connect(await listen(host));
    const bytes = Buffer.alloc(100 << 20);
    for (let i = 0; i < bytes.length; i += 4096) bytes.writeUInt32LE(i, i);
    const sent = frame(ECHO_REQ, bytes);
    expect((await peer.write(sent).read(sent.length)).equals(sent)).toBe(true);
    await peer.write('x\n').read(2);
    expect(host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  it('takes memory as bytes arrive, not as announced', async () => {
    const host = makeHost({ packetBytesMax: 0x7fff0000 });
    const peer = await connect(await listen(host));
    const head = frame(ECHO_REQ, '');
    head.writeUInt32BE(0x7ff00000, 8);
    peer.write(Buffer.concat([head, Buffer.alloc(100_000)]));
    while (host.reactor.control[Control.BLOB_KIB]! < 97) await nextPass();
    expect(host.reactor.control[Control.BLOB_KIB]).toBe(98);
    expect(process.memoryUsage().rss).toBeLessThan(1 << 30);
  });

  it('hands over descriptor, unread bytes and output of the same turn', async () => {
    const giver = makeHost();
    const taker = makeHost();
    const peer = await connect(await listen(giver));
    const detached = detachAt(giver, ({ conn }) => giver.send(conn, 'before '));
    peer.write('stays\nmove\nbehind\nhal');
    const { fd, unread, unsent } = await detached;
    expect(Buffer.from(unread).toString()).toBe('move\nbehind\nhal');
    expect(Buffer.from(unsent).toString()).toBe('before ');
    taker.handle = echo(taker);
    const conn = taker.reactor.adopt(fd, unread, unsent);
    peer.write('f\n');
    expect(await peer.text(24)).toBe('before move\nbehind\nhalf\n');
    expect(taker.said(conn)).toEqual(['LINE move', 'LINE behind', 'LINE half']);
    expect(giver.said().slice(1)).toEqual(['LINE stays', 'LINE move']);
  });

  it('puts a held blob back together when its connection leaves', async () => {
    const giver = makeHost();
    const taker = makeHost();
    const bytes = frame(7, `f\0u\0${'w'.repeat(3 << 20)}`);
    const peer = await connect(await listen(giver));
    const detached = new Promise<Detached>((resolve) => {
      giver.handle = (event) => {
        if (event.type !== 7) return;
        expect(event.blob).toBeGreaterThan(0);
        giver.hold(event);
        resolve(giver.reactor.detach(event.conn));
      };
    });
    peer.write(bytes);
    const { fd, unread, unsent } = await detached;
    expect(bytes.equals(unread)).toBe(true);
    expect(giver.reactor.control[Control.BLOB_KIB]).toBe(0);
    taker.reactor.adopt(fd, unread, unsent);
    const again = await taker.event(({ type }) => type === 7);
    expect(again.dataBytes).toBe(3 << 20);
    taker.reactor.blobRelease(again.blob);
  });

  it('moves a connection in the middle of a large frame', async () => {
    const giver = makeHost();
    const taker = makeHost();
    const bytes = frame(ECHO_REQ, 'd'.repeat(1 << 20));
    const peer = await connect(await listen(giver));
    peer.write(bytes.subarray(0, 500_000));
    while (giver.reactor.control[Control.BLOB_KIB]! < 480) await nextPass();
    const { conn } = await giver.event(({ type }) => type === RowKind.OPEN);
    giver.reactor.hold(conn, -1);
    const { fd, unread, unsent } = giver.reactor.detach(conn);
    expect(bytes.subarray(0, unread.length).equals(unread)).toBe(true);
    taker.handle = echo(taker);
    taker.reactor.adopt(fd, unread, unsent);
    peer.write(bytes.subarray(500_000));
    expect((await peer.read(bytes.length)).equals(bytes)).toBe(true);
  });

  it('gives no row of a connection that has left, and its id is stale', async () => {
    const giver = makeHost();
    const peer = await connect(await listen(giver));
    const detached = detachAt(giver);
    peer.write('move\n');
    const { fd } = await detached;
    const { conn } = giver.events[0]!;
    giver.send(conn, 'lost');
    giver.reactor.close(conn);
    peer.write('later\n');
    const other = await connect(await listen(giver));
    other.write('other\n');
    await giver.event(({ text }) => text === 'other\n');
    expect(giver.said(conn)).toEqual(['OPEN 127.0.0.1', 'LINE move']);
    addonFunctions().closeDescriptor(fd);
    expect(await peer.rest()).toBe('');
  });

  it.skipIf(!requirePeer('python'))('sets the options of accepted sockets', async () => {
    const keepalive = { idleSeconds: 77, intervalSeconds: -1, count: -1 };
    const host = makeHost({ keepalive, userTimeoutMs: 12_345 });
    const detached = detachAt(host);
    (await connect(await listen(host))).write('move\n');
    const { fd } = await detached;
    expect(await socketOptions(fd)).toBe('12345 77 1 1');
    addonFunctions().closeDescriptor(fd);
  });

  it('refuses to detach a connection that it does not know', () => {
    expect(() => makeHost().reactor.detach(1 << 20)).toThrow('cannot leave its thread');
  });

  it('refuses to adopt a descriptor that is no socket', () => {
    const fd = openSync('/dev/null', 'r');
    expect(() => makeHost().reactor.adopt(fd, new Uint8Array(0), new Uint8Array(0))).toThrow(
      'EPERM',
    );
    closeSync(fd);
  });

  it('does not spin on a held connection whose peer has hung up, and gives its end after resume', async () => {
    const host = makeHost();
    host.handle = (event) => {
      if (event.text === 'hold\n' && host.count(LINE) === 1) host.hold(event);
    };
    const peer = await connect(await listen(host));
    peer.write('hold\nlast\n');
    const { conn } = await host.event(({ text }) => text === 'hold\n');
    peer.write('more\n').socket.end();
    while ((await passesOfLoop(50)) > 20); // for ever, if it spins
    expect(host.count(RowKind.GONE)).toBe(0);
    host.reactor.resume(conn);
    await host.event(({ type }) => type === RowKind.GONE);
    expect(host.said(conn).slice(1)).toEqual([
      'LINE hold',
      'LINE hold',
      'LINE last',
      'LINE more',
      'GONE',
    ]);
  });

  it('gives the end again when the end itself was held', async () => {
    const host = makeHost();
    host.handle = (event) => {
      if (event.type === RowKind.GONE && host.count(RowKind.GONE) === 1) host.hold(event);
    };
    const peer = await connect(await listen(host));
    peer.write('ask\n').socket.end();
    const { conn } = await host.event(({ type }) => type === RowKind.GONE);
    await nextPass();
    host.send(conn, 'late answer');
    host.reactor.resume(conn);
    await host.until(() => host.count(RowKind.GONE) === 2);
    host.reactor.close(conn);
    expect(await peer.rest()).toBe('late answer');
  });

  it('reads no connection while reading is paused, and loses nothing', async () => {
    const host = makeHost();
    host.handle = echo(host);
    const port = await listen(host);
    const peers = await Promise.all([connect(port), connect(port), connect(port)]);
    for (const peer of peers) await peer.write('open\n').text(5);
    host.reactor.pauseReading(true);
    for (const peer of peers) peer.write('paused\n').socket.end();
    const late = await connect(port);
    late.write('late\n');
    await host.until(() => host.count(RowKind.OPEN) === 4);
    while ((await passesOfLoop(50)) > 20); // for ever, if it spins
    expect(host.count(LINE)).toBe(3);
    host.reactor.pauseReading(false);
    for (const peer of peers) expect(await peer.rest()).toBe('paused\n');
    expect(await late.text(5)).toBe('late\n');
  });

  it('reads what came before a reset', async () => {
    const host = makeHost();
    const peer = await connect(await listen(host));
    await host.event(({ type }) => type === RowKind.OPEN);
    peer.write('one\ntwo\nthr');
    await new Promise<void>((resolve) => peer.socket.write('', () => resolve()));
    peer.reset();
    const gone = await host.event(({ type }) => type === RowKind.GONE);
    expect(gone.args[0]).toBe(GoneReason.RESET);
    expect(host.said().slice(1, 3)).toEqual(['LINE one', 'LINE two']);
  });

  it('waits when descriptors run out, says so, and accepts when there are some again', async () => {
    const host = makeHost();
    const port = await listen(host);
    const limit = fileLimit();
    addonFunctions().setFileLimit(openDescriptors() + 40);
    const fillers: number[] = [];
    try {
      for (;;) fillers.push(openSync('/dev/null', 'r'));
    } catch {
      closeSync(fillers.pop()!);
    }
    const peer = await connect(port);
    while (host.listenErrors.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(host.listenErrors).toEqual(['EMFILE']);
    expect(host.count(RowKind.OPEN)).toBe(0);
    for (const fd of fillers) closeSync(fd);
    await host.event(({ type }) => type === RowKind.OPEN);
    peer.write('here\n');
    await host.event(({ text }) => text === 'here\n');
    expect(addonFunctions().setFileLimit(limit)).toBe(limit);
  });

  it('says why it cannot listen', async () => {
    const { reactor } = makeHost();
    const { port } = await reactor.listen({ host: '127.0.0.1', port: 0, backlog: 1 });
    const again = reactor.listen({ host: '127.0.0.1', port, backlog: 1 });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
    const foreign = reactor.listen({ host: '192.0.2.1', port: 0, backlog: 1 });
    await expect(foreign).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    const long = reactor.listen({ path: `/tmp/${'x'.repeat(200)}`, mode: 0o600, backlog: 1 });
    await expect(long).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
  });

  it('listens on a path with the mode asked for, and removes it again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-'));
    const path = join(folder, 'socket');
    const host = makeHost();
    host.handle = echo(host);
    const { id } = await host.reactor.listen({ path, mode: 0o640, backlog: 1 });
    expect(statSync(path).mode & 0o777).toBe(0o640);
    const peer = await Peer.connect({ path });
    expect(await peer.write('hello\n').text(6)).toBe('hello\n');
    expect(host.said()[0]).toBe('OPEN localhost');
    await expect(host.reactor.listen({ path, mode: 0o640, backlog: 1 })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    host.reactor.unlisten(id);
    expect(existsSync(path)).toBe(false);
    expect(await peer.write('still\n').text(6)).toBe('still\n');
    peer.socket.destroy();
    rmSync(folder, { recursive: true });
  });

  it('can be created and destroyed a thousand times without leaving a descriptor', async () => {
    const before = openDescriptors();
    for (let i = 0; i < 1000; i++) {
      const host = makeHost();
      if (i % 20 === 0) {
        host.handle = echo(host);
        const peer = await connect(await listen(host));
        expect(await peer.write('x\n').text(2)).toBe('x\n');
        peer.socket.destroy();
      }
      await host.reactor.destroy();
    }
    expect(openDescriptors()).toBe(before);
  });
});

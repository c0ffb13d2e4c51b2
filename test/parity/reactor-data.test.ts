/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets and inside the process. Bytes through a reactor and back: frames, blobs, faults, memory.
 */

import { describe, expect, test } from 'vitest';
import { Control, FaultReason, RowKind } from '../../src/protocol/batch.ts';
import { line, noise, sample } from './corpus.ts';
import { echo } from './host.ts';
import { carriers } from './peers.ts';
import { isKind, useStage } from './stage.ts';

describe.each(carriers)('the reactor of the $label', (carrier) => {
  const stage = useStage(carrier);

  test('echoes lines and packets in order', async () => {
    stage.host.handle = echo(stage.host);
    const all = Buffer.concat([line('a').bytes, sample(16, [], noise(300)).bytes, line('b').bytes]);
    const peer = await stage.connect();
    expect(await peer.write(all).read(all.length)).toEqual(all);
  });

  test('echoes what comes byte by byte', async () => {
    stage.host.handle = echo(stage.host);
    const all = Buffer.concat([sample(7, ['f', 'u'], noise(20)).bytes, line('b', '\r\n').bytes]);
    const peer = await stage.connect();
    for (const byte of all) {
      await new Promise<void>((resolve) => peer.socket.write(Buffer.of(byte), () => resolve()));
    }
    expect(await peer.read(all.length)).toEqual(all);
  });

  test('echoes a frame of 5 MiB through a blob and gives its memory back', async () => {
    stage.host.handle = (event) => {
      echo(stage.host)(event);
      expect(event.blob === 0 || stage.host.reactor.control[Control.BLOB_KIB]! >= 5 * 1024).toBe(
        true,
      );
    };
    const { bytes } = sample(16, [], noise(5 << 20));
    const peer = await stage.connect();
    expect((await peer.write(bytes).read(bytes.length)).equals(bytes)).toBe(true);
    await peer.write('x\n').read(2);
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('pipelines many frames without losing or swapping one', async () => {
    stage.host.handle = echo(stage.host);
    const peer = await stage.connect();
    const all = Buffer.concat(
      Array.from({ length: 30_000 }, (_, i) => sample(16, [], Buffer.from(`frame ${i}`)).bytes),
    );
    expect((await peer.write(all).read(all.length)).equals(all)).toBe(true);
  });

  test('sends a blob in parts, mixed with bytes, as often as there are references', async () => {
    stage.host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      const blob = stage.host.reactor.blobFrom(Buffer.from('--0123456789--'), 2, 12);
      expect(stage.host.reactor.blobBytes(blob)).toBe(10);
      stage.host.reactor.blobRetain(blob);
      stage.host.send(conn, '<');
      stage.host.sendBlob(conn, blob, 0, 10);
      stage.host.send(conn, '|');
      stage.host.sendBlob(conn, blob, 7, 3);
      stage.host.send(conn, '>');
    };
    const peer = await stage.connect();
    expect(await peer.write('go\n').text(16)).toBe('<0123456789|789>');
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('reads out of blobs', () => {
    const { reactor } = stage.host;
    const blob = reactor.blobFrom(Buffer.from('0123456789'), 0, 10);
    const target = new Uint8Array(5);
    reactor.blobRead(blob, 4, target, 1, 3);
    expect([...target]).toEqual([0, 0x34, 0x35, 0x36, 0]);
    expect(reactor.control[Control.BLOB_KIB]).toBe(1);
    reactor.blobRelease(blob);
    expect(reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('sends what is written outside of a turn', async () => {
    const peer = await stage.connect();
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    await new Promise((resolve) => setTimeout(resolve, 1));
    stage.host.send(conn, 'from a timer');
    stage.host.reactor.requestTurn();
    expect(await peer.text(12)).toBe('from a timer');
  });

  test('moves output out of the way when asked, and keeps its order', async () => {
    stage.host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      stage.host.send(conn, 'one ');
      stage.host.reactor.spill();
      expect(stage.host.reactor.control[Control.OUT_ROWS]).toBe(0);
      expect(stage.host.reactor.control[Control.OUT_BYTES]).toBe(0);
      expect(stage.host.reactor.unsentBytes(conn)).toBe(4);
      stage.host.send(conn, 'two ');
      stage.host.reactor.spill();
      stage.host.send(conn, 'three');
    };
    const peer = await stage.connect();
    expect(await peer.write('go\n').text(13)).toBe('one two three');
  });

  test('knows how much of a frame has come', async () => {
    stage.host.handle = echo(stage.host);
    const { reactor } = stage.host;
    const peer = await stage.connect();
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    for (const size of [1_000, 300_000]) {
      const { bytes } = sample(16, [], noise(size));
      peer.write(bytes.subarray(0, -1));
      while (reactor.unreadBytes(conn) < bytes.length - 1) await new Promise(setImmediate);
      expect(reactor.unreadBytes(conn)).toBe(bytes.length - 1);
      await peer.write(bytes.subarray(-1)).read(bytes.length);
      expect(reactor.unreadBytes(conn)).toBe(0);
    }
    expect(reactor.unreadBytes(conn + (1 << 20))).toBe(0);
  });

  test('drops output for connections that it does not know', async () => {
    const peer = await stage.connect();
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    stage.host.handle = () => {
      stage.host.send(conn + (1 << 20), 'stale');
      stage.host.sendBlob(12345, stage.host.reactor.blobFrom(noise(9), 0, 9), 0, 9);
      stage.host.send(conn, 'right');
    };
    expect(await peer.write('go\n').text(5)).toBe('right');
    while (stage.host.reactor.control[Control.BLOB_KIB] !== 0) await new Promise(setImmediate);
  });

  test('finds faults and decodes nothing more', async () => {
    const peer = await stage.connect();
    peer.write('before\n').write(Buffer.alloc(12)).write('behind\n');
    const { args, conn } = await stage.host.event(isKind(RowKind.FAULT));
    expect(args[0]).toBe(FaultReason.BAD_MAGIC);
    peer.socket.end();
    await stage.host.event(isKind(RowKind.GONE));
    expect(stage.host.said(conn).slice(1)).toEqual(['LINE before', 'FAULT', 'GONE']);
  });

  test('drops the data of frames that pass the memory limit, and reads on behind them', async () => {
    stage.host.reactor.control[Control.BLOB_KIB_MAX] = 1024;
    const peer = await stage.connect();
    peer.write(sample(16, [], noise(2 << 20)).bytes).write(sample(16, [], noise(500_000)).bytes);
    await stage.host.until(() => stage.host.count(16) === 2);
    const [dropped, kept] = stage.host.events.filter(isKind(16));
    expect([dropped!.blob, dropped!.dataBytes]).toEqual([-1, 2 << 20]);
    expect(kept!.blob).toBeGreaterThan(0);
    expect(kept!.dataBytes).toBe(500_000);
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(Math.ceil(500_000 / 1024));
    stage.host.reactor.blobRelease(kept!.blob);
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('runs a turn for every MiB by which limited blobs grow, without a row', async () => {
    stage.host.reactor.control[Control.BLOB_KIB_MAX] = 100 * 1024;
    const seen = new Set<number>();
    stage.host.handleTurn = (rowCount) => {
      if (rowCount === 0) seen.add((stage.host.reactor.control[Control.BLOB_KIB] as number) >> 10);
    };
    const peer = await stage.connect();
    peer.write(sample(16, [], noise(3 << 20)).bytes.subarray(0, -1));
    await stage.host.until(() => seen.has(2));
    expect([...seen]).toEqual([0, 1, 2].filter((mib) => seen.has(mib)));
  });

  test('gives memory of an unfinished blob back at the end of its peer, not only when it is closed', async () => {
    const peer = await stage.connect();
    peer.write(sample(16, [], noise(1 << 20)).bytes.subarray(0, 900_000));
    while (stage.host.reactor.control[Control.BLOB_KIB] === 0) await new Promise(setImmediate);
    peer.socket.end();
    const gone = await stage.host.event(isKind(RowKind.GONE));
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
    stage.host.send(gone.conn, 'still open');
    stage.host.reactor.close(gone.conn);
    stage.host.reactor.requestTurn();
    expect(await peer.rest()).toBe('still open');
    expect(stage.host.count(16)).toBe(0);
  });

  test('gives back what connections keep when it is destroyed: filling, un-read', async () => {
    const filling = await stage.connect();
    const held = await stage.connect();
    stage.host.handle = (event) => {
      if (event.type === 16) stage.host.hold(event);
    };
    held.write(sample(16, [], noise(300_000)).bytes);
    await stage.host.event(isKind(16));
    const kept = stage.host.reactor.control[Control.BLOB_KIB]!;
    expect(kept).toBe(Math.ceil(300_000 / 1024));
    filling.write(sample(16, [], noise(1 << 20)).bytes.subarray(0, 900_000));
    while (stage.host.reactor.control[Control.BLOB_KIB] === kept) {
      await new Promise(setImmediate);
    }
    await stage.host.reactor.destroy();
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('gives memory of an unfinished blob back when its peer leaves', async () => {
    const peer = await stage.connect();
    peer.write(sample(16, [], noise(1 << 20)).bytes.subarray(0, 900_000));
    while (stage.host.reactor.control[Control.BLOB_KIB] === 0) await new Promise(setImmediate);
    peer.reset();
    await stage.host.event(isKind(RowKind.GONE));
    await stage.host.reactor.destroy();
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });
});

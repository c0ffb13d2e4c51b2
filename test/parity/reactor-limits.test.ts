/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets and inside the process. Peers that do not read.
 */

import { describe, expect, test } from 'vitest';
import { GoneReason, RowKind, SLOT_MASK } from '../../src/protocol/batch.ts';
import { carriers } from './peers.ts';
import { isKind, isLine, useStage } from './stage.ts';

describe.each(carriers)('the reactor of the $label', (carrier) => {
  const stage = useStage(carrier);

  const MIB = 1 << 20;

  test('stops reading a peer that does not read, and goes on at half of the mark', async () => {
    await stage.host.reactor.destroy();
    await stage.start({ outputPauseBytes: MIB, outputBytesMax: 1 << 30 });
    const peer = await stage.connect();
    peer.socket.pause();
    const reply = Buffer.alloc(MIB, 'r');
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.LINE) stage.host.send(conn, reply);
    };
    let sent = 0;
    while (
      stage.host.events.length === 0 ||
      stage.host.reactor.unsentBytes(stage.host.events[0]!.conn) <= MIB
    ) {
      peer.write('more\n');
      sent++;
      await stage.host.until(() => stage.host.count(RowKind.LINE) === sent);
      await new Promise(setImmediate);
    }
    peer.write('late\n');
    const other = await stage.connect();
    other.write('other\n');
    await stage.host.event(isLine('other'));
    expect(stage.host.events.some(isLine('late'))).toBe(false);
    peer.socket.resume();
    await stage.host.event(isLine('late'));
    await peer.read((sent + 1) * MIB);
  });

  test('gives a peer up that lets too much wait', async () => {
    await stage.host.reactor.destroy();
    await stage.start({ outputPauseBytes: MIB, outputBytesMax: 2 * MIB });
    const peer = await stage.connect();
    peer.socket.pause();
    stage.host.handle = ({ type, conn }) => {
      if (type === RowKind.LINE) stage.host.send(conn, Buffer.alloc(32 * MIB));
    };
    peer.write('go\n');
    const { conn, turn } = await stage.host.event(isKind(RowKind.LINE));
    stage.host.reactor.requestTurn();
    await stage.host.until(() => stage.host.turn > turn);
    expect(stage.host.reactor.unsentBytes(conn)).toBeGreaterThan(2 * MIB);
    expect(stage.host.count(RowKind.GONE)).toBe(0);
    stage.host.send(conn, 'more');
    stage.host.reactor.requestTurn();
    expect((await stage.host.event(isKind(RowKind.GONE))).args[0]).toBe(GoneReason.OUTPUT_LIMIT);
    peer.socket.resume();
    await peer.closed;
  });

  test('shows how much output of a connection waits', async () => {
    const peer = await stage.connect();
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    const { reactor } = stage.host;
    const waiting = () => reactor.unsent[conn & SLOT_MASK];
    expect(waiting()).toBe(0);
    peer.socket.pause();
    const reply = Buffer.alloc(16 * MIB, 'r');
    const { turn } = stage.host;
    stage.host.send(conn, reply);
    reactor.requestTurn();
    await stage.host.until(() => stage.host.turn > turn);
    expect(waiting()).toBeGreaterThan(MIB);
    expect(waiting()).toBe(reactor.unsentBytes(conn));
    peer.socket.resume();
    reactor.notifyDrained(conn, 0);
    await peer.read(reply.length);
    await stage.host.event(isKind(RowKind.DRAINED));
    expect(waiting()).toBe(0);
  });

  test('says once when output has drained', async () => {
    const peer = await stage.connect();
    peer.socket.pause();
    const reply = Buffer.alloc(16 * MIB, 'r');
    stage.host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      stage.host.send(conn, reply);
      stage.host.reactor.notifyDrained(conn, 1000);
    };
    peer.write('go\n');
    const { conn, turn } = await stage.host.event(isKind(RowKind.LINE));
    stage.host.reactor.requestTurn();
    await stage.host.until(() => stage.host.turn > turn);
    expect(stage.host.count(RowKind.DRAINED)).toBe(0);
    expect(stage.host.reactor.unsentBytes(conn)).toBeGreaterThan(1000);
    peer.socket.resume();
    await peer.read(reply.length);
    await stage.host.event(isKind(RowKind.DRAINED));
    expect(stage.host.reactor.unsentBytes(conn)).toBe(0);
    expect(stage.host.count(RowKind.DRAINED)).toBe(1);
  });

  test('says at once that little output has drained', async () => {
    await stage.connect();
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    stage.host.reactor.notifyDrained(conn, 0);
    stage.host.reactor.requestTurn();
    expect((await stage.host.event(isKind(RowKind.DRAINED))).conn).toBe(conn);
  });
});

/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets and inside the process. The ways in which a connection ends.
 */

import { describe, expect, test } from 'vitest';
import { GoneReason, RowKind } from '../../src/protocol/batch.ts';
import { noise } from './corpus.ts';
import { echo } from './host.ts';
import { carriers } from './peers.ts';
import { isKind, LOCALHOST, useStage } from './stage.ts';

describe.each(carriers)('the reactor of the $label', (carrier) => {
  const stage = useStage(carrier);

  test('answers everything that came before the end, then closes', async () => {
    stage.host.handle = echo(stage.host);
    const peer = await stage.connect();
    peer.write('one\ntwo\nincompl').socket.end();
    expect(await peer.rest()).toBe('one\ntwo\n');
    await peer.closed;
    const { conn } = stage.host.events[0]!;
    expect(stage.host.said(conn).slice(1)).toEqual(['LINE one', 'LINE two', 'GONE']);
    expect(stage.host.events.at(-1)!.args[0]).toBe(GoneReason.END);
  });

  test('lets the thread answer behind the end of a peer, and close when it has', async () => {
    const peer = await stage.connect();
    peer.write('question\n').socket.end();
    const { conn, turn } = await stage.host.event(isKind(RowKind.GONE));
    stage.host.reactor.requestTurn();
    await stage.host.until(() => stage.host.turn > turn);
    stage.host.send(conn, 'late answer');
    stage.host.reactor.close(conn);
    stage.host.reactor.requestTurn();
    expect(await peer.rest()).toBe('late answer');
    await peer.closed;
    expect(stage.host.count(RowKind.GONE)).toBe(1);
  });

  test('says when a connection was reset', async () => {
    const peer = await stage.connect();
    await stage.host.event(isKind(RowKind.OPEN));
    peer.reset();
    expect((await stage.host.event(isKind(RowKind.GONE))).args[0]).toBe(GoneReason.RESET);
  });

  test('sends what was written, then closes, and gives no row more', async () => {
    stage.host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      stage.host.send(conn, 'good');
      stage.host.close(conn);
      stage.host.send(conn, 'bye');
    };
    const peer = await stage.connect();
    peer.write('one\n');
    expect(await peer.rest()).toBe('goodbye');
    await peer.closed;
    expect(stage.host.said().slice(1)).toEqual(['LINE one']);
  });

  test('ignores calls for connections that are closed or never were', async () => {
    const peer = await stage.connect();
    const { conn } = await stage.host.event(isKind(RowKind.OPEN));
    stage.host.reactor.close(conn);
    await peer.closed;
    const { reactor } = stage.host;
    for (const id of [conn, 0, 5, 99 << 20, -1]) {
      reactor.close(id);
      reactor.closeAfterFlush(id, 10);
      reactor.hold(id, 0);
      reactor.resume(id);
      reactor.notifyDrained(id, 0);
      expect(reactor.unsentBytes(id)).toBe(0);
    }
    stage.host.handle = echo(stage.host);
    expect(await (await stage.connect()).write('alive\n').text(6)).toBe('alive\n');
  });

  test('goes on sending for as long as it lingers', async () => {
    const reply = noise(8 << 20);
    stage.host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      stage.host.send(conn, reply);
      stage.host.closeAfterFlush(conn, 20_000);
    };
    const peer = await stage.connect();
    peer.write('one\ntwo\n');
    expect((await peer.read(reply.length)).equals(reply)).toBe(true);
    await new Promise<void>((resolve) => {
      if (peer.socket.readableEnded) resolve();
      else peer.socket.once('end', resolve);
    });
    peer.socket.end();
    await peer.closed;
    expect(peer.errorCode).toBe('');
    expect(stage.host.said().slice(1)).toEqual(['LINE one']);
  });

  test('stops lingering after its time when the peer does not read', async () => {
    stage.host.handle = ({ type, conn }) => {
      if (type !== RowKind.LINE) return;
      stage.host.send(conn, noise(20 << 20));
      stage.host.closeAfterFlush(conn, 30);
    };
    const peer = await stage.connect();
    peer.socket.pause();
    peer.write('one\n');
    await stage.host.event(isKind(RowKind.LINE));
    await stage.host.reactor.listen(LOCALHOST);
    await new Promise((resolve) => setTimeout(resolve, 60));
    peer.socket.resume();
    await peer.closed;
    expect(peer.errorCode === '' || peer.errorCode === 'ECONNRESET').toBe(true);
  });
});

/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets and inside the process. Reading that is paused for all connections.
 */
import { describe, expect, test } from 'vitest';
import { RowKind } from '../../src/protocol/batch.ts';
import { carriers } from './peers.ts';
import { isKind, isLine, useStage } from './stage.ts';

describe.each(carriers)('the reactor of the $label', (carrier) => {
  const stage = useStage(carrier);

  /** Runs turns until `isTrue`; without rows each needs a nudge. */
  const turnsUntil = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) {
      stage.host.reactor.requestTurn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  test('gives nothing of what peers send while reading is paused, and all of it afterwards', async () => {
    const peers = [await stage.connect(), await stage.connect()];
    for (const peer of peers) peer.write('before\n');
    await stage.host.until(() => stage.host.count(RowKind.LINE) === 2);
    stage.host.reactor.pauseReading(true);
    for (const peer of peers) peer.write('one\ntwo\n').socket.end();
    const late = await stage.connect();
    late.write('late\n');
    await stage.host.until(() => stage.host.count(RowKind.OPEN) === 3);
    const turn = stage.host.turn;
    await turnsUntil(() => stage.host.turn >= turn + 10);
    expect(stage.host.said().filter((text) => !text.startsWith('OPEN'))).toEqual([
      'LINE before',
      'LINE before',
    ]);
    stage.host.reactor.pauseReading(false);
    await stage.host.until(() => stage.host.count(RowKind.GONE) === 2);
    await stage.host.event(isLine('late'));
    for (const { conn } of stage.host.events.filter(isKind(RowKind.GONE)))
      expect(stage.host.said(conn).slice(2)).toEqual(['LINE one', 'LINE two', 'GONE']);
  });

  test('still sends while reading is paused', async () => {
    const peer = await stage.connect();
    peer.write('open\n');
    const { conn } = await stage.host.event(isLine('open'));
    stage.host.reactor.pauseReading(true);
    stage.host.send(conn, 'answer');
    stage.host.reactor.requestTurn();
    expect(await peer.text(6)).toBe('answer');
    stage.host.reactor.close(conn);
    expect(await peer.rest()).toBe('');
  });

  test('leaves a held connection held when reading goes on', async () => {
    let held = 0;
    stage.host.handle = (event) => {
      if (!isLine('hold')(event) || held !== 0) return;
      held = event.conn;
      stage.host.hold(event);
    };
    const peer = await stage.connect();
    peer.write('hold\nbehind\n');
    await stage.host.until(() => held !== 0);
    stage.host.reactor.pauseReading(true);
    stage.host.reactor.pauseReading(false);
    const turn = stage.host.turn;
    await turnsUntil(() => stage.host.turn >= turn + 10);
    expect(stage.host.said(held).slice(1)).toEqual(['LINE hold']);
    stage.host.reactor.pauseReading(true);
    stage.host.reactor.resume(held);
    const paused = stage.host.turn;
    await turnsUntil(() => stage.host.turn >= paused + 10);
    expect(stage.host.count(RowKind.LINE, held)).toBe(1);
    stage.host.reactor.pauseReading(false);
    await stage.host.event(isLine('behind'));
    expect(stage.host.said(held).slice(1)).toEqual(['LINE hold', 'LINE hold', 'LINE behind']);
  });
});

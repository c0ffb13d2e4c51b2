/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets and inside the process. Frames that are taken back and given again.
 */

import { describe, expect, test } from 'vitest';
import { Control, RowKind } from '../../src/protocol/batch.ts';
import { noise, sample } from './corpus.ts';
import { type Event, echo } from './host.ts';
import { carriers } from './peers.ts';
import { isKind, isLine, useStage } from './stage.ts';

describe.each(carriers)('the reactor of the $label', (carrier) => {
  const stage = useStage(carrier);

  /** Holds at the first line `text`, and remembers it. */
  const holdAt = (text: string): { held: Event[] } => {
    const state = { held: [] as Event[] };
    stage.host.handle = (event) => {
      if (!isLine(text)(event) || state.held.length > 0) return;
      state.held.push(event);
      stage.host.hold(event);
    };
    return state;
  };

  test('gives the held frame and all behind it again after resume', async () => {
    const state = holdAt('b');
    const peer = await stage.connect();
    peer.write('a\nb\nc\nd');
    await stage.host.until(() => state.held.length > 0);
    peer.write('d\ne\n');
    const other = await stage.connect();
    other.write('other\n');
    const { conn } = await stage.host.event(isLine('other'));
    expect(conn).not.toBe(state.held[0]!.conn);
    expect(stage.host.said(state.held[0]!.conn).slice(1)).toEqual(['LINE a', 'LINE b']);
    stage.host.reactor.resume(state.held[0]!.conn);
    await stage.host.event(isLine('e'));
    expect(stage.host.said(state.held[0]!.conn).slice(2)).toEqual(
      ['b', 'b', 'c', 'dd', 'e'].map((text) => `LINE ${text}`),
    );
  });

  test('gives the end of a held connection behind what was held', async () => {
    const state = holdAt('a');
    const peer = await stage.connect();
    peer.write('a\nb\n').socket.end();
    await stage.host.until(() => state.held.length > 0);
    stage.host.reactor.requestTurn();
    await stage.host.until(() => stage.host.turn > state.held[0]!.turn);
    expect(stage.host.count(RowKind.GONE)).toBe(0);
    stage.host.reactor.resume(state.held[0]!.conn);
    await stage.host.event(isKind(RowKind.GONE));
    expect(stage.host.said().slice(1)).toEqual(['LINE a', 'LINE a', 'LINE b', 'GONE']);
  });

  test('gives a fault behind what was held again', async () => {
    const state = holdAt('a');
    const peer = await stage.connect();
    peer.write(Buffer.concat([Buffer.from('a\nb\n'), Buffer.alloc(12)]));
    await stage.host.until(() => state.held.length > 0);
    stage.host.reactor.resume(state.held[0]!.conn);
    await stage.host.event(isKind(RowKind.FAULT));
    expect(stage.host.said().slice(1)).toEqual(['LINE a', 'LINE a', 'LINE b', 'FAULT']);
  });

  test('takes a large frame back and gives it again with all its data', async () => {
    const { bytes } = sample(7, ['f', 'u'], noise(300_000));
    let held = 0;
    stage.host.handle = (event) => {
      if (event.type !== 7) return;
      if (held++ === 0) stage.host.hold(event);
    };
    const peer = await stage.connect();
    peer.write(Buffer.concat([bytes, Buffer.from('behind\n')]));
    const first = await stage.host.event(isKind(7));
    stage.host.reactor.resume(first.conn);
    await stage.host.event(isLine('behind'));
    const again = stage.host.events.filter(isKind(7))[1]!;
    expect(again.text).toBe(first.text);
    const data = new Uint8Array(again.dataBytes);
    stage.host.reactor.blobRead(again.blob, 0, data, 0, data.length);
    expect(noise(300_000).equals(data)).toBe(true);
    stage.host.reactor.blobRelease(again.blob);
    expect(stage.host.reactor.control[Control.BLOB_KIB]).toBe(0);
  });

  test('holds again and again without losing a frame', async () => {
    const peer = await stage.connect();
    const said: string[] = [];
    stage.host.handle = (event) => {
      if (event.type !== RowKind.LINE) return;
      const { text, conn } = event;
      said.push(text.trim());
      if (said.length % 3 !== 0) return;
      said.pop();
      stage.host.hold(event);
      setImmediate(() => stage.host.reactor.resume(conn));
      if (said.length > 0) said.push('');
    };
    const lines = Array.from({ length: 500 }, (_, i) => `${i}`);
    peer.write(`${lines.join('\n')}\n`);
    await stage.host.until(() => said.at(-1) === '499');
    expect(said.filter((text) => text !== '')).toEqual(lines);
  });

  test('keeps a connection from being read while it is held', async () => {
    const state = holdAt('stop');
    const peer = await stage.connect();
    peer.write('stop\n');
    await stage.host.until(() => state.held.length > 0);
    const flood = Buffer.alloc(64 << 20, 'x\n');
    peer.write(flood);
    const other = await stage.connect();
    stage.host.handle = echo(stage.host);
    for (let i = 0; i < 50; i++) await other.write('ping\n').text(5);
    expect(peer.socket.writableLength).toBeGreaterThan(0);
  });
});

/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets. Who connects where, under which id.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RowKind } from '../../src/protocol/batch.ts';
import { echo } from './host.ts';
import { Peer } from './peer.ts';
import { implementations } from './peers.ts';
import { isKind, LOCALHOST, useStage } from './stage.ts';

describe.each(implementations)('the reactor of the $kind', (implementation) => {
  const stage = useStage(implementation);

  test('says its kind', () => {
    expect(stage.host.reactor.kind).toBe(implementation.kind);
  });

  test('opens a connection with the address of its peer', async () => {
    const peer = await stage.connect();
    const { args, text, conn } = await stage.host.event(isKind(RowKind.OPEN));
    expect(text).toBe('127.0.0.1');
    expect(args.slice(0, 2)).toEqual([9, peer.ports.localPort]);
    expect(conn).toBeGreaterThan(0);
  });

  test('names the listener that accepted', async () => {
    const second = await stage.host.reactor.listen(LOCALHOST);
    await stage.connect({ port: second.port, host: '127.0.0.1' });
    expect((await stage.host.event(isKind(RowKind.OPEN))).args[2]).toBe(second.id);
  });

  test('writes IPv6 peers in full and mapped ones as IPv4', async () => {
    const second = await stage.host.reactor.listen({
      host: '::',
      port: 0,
      backlog: 9,
      v6Only: false,
    });
    await stage.connect({ port: second.port, host: '::1' });
    expect((await stage.host.event(isKind(RowKind.OPEN))).text).toBe('::1');
    await stage.connect({ port: second.port, host: '127.0.0.1' });
    await stage.host.until(() => stage.host.count(RowKind.OPEN) === 2);
    expect(stage.host.events[1]!.text).toBe('127.0.0.1');
  });

  test('listens on a path with the mode given and calls its peers localhost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-'));
    const path = join(folder, 'socket');
    const listener = await stage.host.reactor.listen({ path, mode: 0o640, backlog: 9 });
    expect(listener.port).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    await stage.connect({ path });
    const { text, args } = await stage.host.event(isKind(RowKind.OPEN));
    expect([text, args[1]]).toEqual(['localhost', 0]);
    stage.host.reactor.unlisten(listener.id);
    rmSync(folder, { recursive: true });
  });

  test('refuses a port that is taken, with the code', async () => {
    await expect(
      stage.host.reactor.listen({ ...LOCALHOST, port: stage.port }),
    ).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  test('stops accepting when it no longer listens, and keeps connections', async () => {
    const second = await stage.host.reactor.listen(LOCALHOST);
    const peer = await stage.connect({ port: second.port, host: '127.0.0.1' });
    stage.host.handle = echo(stage.host);
    await stage.host.event(isKind(RowKind.OPEN));
    stage.host.reactor.unlisten(second.id);
    expect(await peer.write('still\n').text(6)).toBe('still\n');
    await expect(Peer.connect({ port: second.port, host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  test('serves many connections, each with an id of its own', async () => {
    stage.host.handle = echo(stage.host);
    const many = await Promise.all(Array.from({ length: 200 }, () => stage.connect()));
    many.forEach((peer, i) => {
      peer.write(`peer ${i}\n`);
    });
    for (const [i, peer] of many.entries()) {
      const expected = `peer ${i}\n`;
      expect(await peer.text(expected.length)).toBe(expected);
    }
    const opened = stage.host.events.filter(isKind(RowKind.OPEN)).map(({ conn }) => conn);
    expect(new Set(opened).size).toBe(200);
  });

  test('gives a slot that is used again another id', async () => {
    const seen = new Set<number>();
    stage.host.handle = (event) => {
      if (event.type === RowKind.OPEN) seen.add(event.conn);
      if (event.type === RowKind.LINE) stage.host.close(event.conn);
    };
    for (let i = 0; i < 20; i++) await (await stage.connect()).write('bye\n').closed;
    expect(seen.size).toBe(20);
  });
});

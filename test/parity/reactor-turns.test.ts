/**
 * One suite for the addon's reactor and the TypeScript core, over real sockets. When a turn runs, and when none runs any more.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { RowKind } from '../../src/protocol/batch.ts';
import { Host } from './host.ts';
import { Peer } from './peer.ts';
import { implementations } from './peers.ts';
import { isLine, LOCALHOST, useStage } from './stage.ts';

/** Exits when word 0 is 1. */
const WAIT_FOR_SLEEP = `
  const { workerData: words } = require('node:worker_threads');
  while (Atomics.load(words, 0) === 0);`;
/** Writes word 1 while word 0 is 1, as a producer does whose doorbell is lost. */
const PUBLISH_WHEN_ASLEEP = `${WAIT_FOR_SLEEP}
  Atomics.store(words, 1, 8);`;

describe.each(implementations)('the reactor of the $kind', (implementation) => {
  const stage = useStage(implementation);

  test('runs a turn without rows when nudged', async () => {
    const counts: number[] = [];
    stage.host.handleTurn = (rowCount) => counts.push(rowCount);
    stage.host.reactor.requestTurn();
    await stage.host.until(() => counts.length > 0);
    expect(counts).toEqual([0]);
  });

  test('gives each connection one read a turn, so none waits for a flood', async () => {
    const flooder = await stage.connect();
    flooder.write(Buffer.alloc(4 << 20, 'x\n'));
    await stage.host.event(isLine('x'));
    const other = await stage.connect();
    other.write('small\n');
    const small = await stage.host.event(isLine('small'));
    const perTurn = stage.host.events.filter(
      (e) => e.turn === small.turn && e.text === 'x\n',
    ).length;
    expect(perTurn).toBeLessThanOrEqual(4096);
  });

  test('runs a turn when a ring has something, and says so before it sleeps', async () => {
    const [asleep, write, read] = [0, 1, 2];
    const words = new Int32Array(new SharedArrayBuffer(64));
    const seen: number[][] = [];
    stage.host.handleTurn = () => {
      seen.push([Atomics.load(words, asleep), Atomics.load(words, write)]);
      Atomics.store(words, read, Atomics.load(words, write));
    };
    Atomics.store(words, write, 64);
    stage.host.reactor.watchRings(words, asleep, Int32Array.of(write), Int32Array.of(read), -1);
    await stage.host.until(() => seen.length > 0);
    expect(seen[0]).toEqual([0, 64]);
    const watcher = new Worker(WAIT_FOR_SLEEP, { eval: true, workerData: words });
    await once(watcher, 'exit'); // it exits when it has seen the word set
  });

  test('finds within about a second what a producer published without ringing', async () => {
    const words = new Int32Array(new SharedArrayBuffer(64));
    stage.host.reactor.watchRings(words, 0, Int32Array.of(1), Int32Array.of(2), -1);
    const stored = new Promise<void>((resolve) => {
      stage.host.handleTurn = () => {
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
    const own = new Host(implementation.createReactor);
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

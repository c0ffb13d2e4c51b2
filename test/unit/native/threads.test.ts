/**
 * The native reactor in worker threads: connections that move there, threads that end in every way, rings.
 */
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { addonFunctions } from '../../../src/native/addon.ts';
import type { Detached } from '../../../src/native/contract.ts';
import { RowKind } from '../../../src/protocol/batch.ts';
import {
  connect,
  describeAddon,
  ECHO_REQ,
  frame,
  listen,
  makeHost,
  message,
  nextPass,
  openDescriptors,
  startEndingWorker,
  startWorker,
} from './support.ts';

describeAddon('the native reactor in threads', () => {
  it('serves a connection that has moved to another thread', async () => {
    const worker = await startWorker('adopt');
    const host = makeHost();
    const port = await listen(host);
    for (let i = 0; i < 20; i++) {
      const moved = new Promise<Detached>((resolve) => {
        host.handle = (event) => {
          if (event.type !== RowKind.LINE) return;
          host.send(event.conn, 'sent before ');
          host.hold(event);
          resolve(host.reactor.detach(event.conn));
        };
      });
      const peer = await connect(port);
      const big = frame(ECHO_REQ, 'b'.repeat(200_000));
      peer.write(Buffer.concat([Buffer.from('first\n'), big]));
      const adopted = message(worker);
      worker.postMessage(await moved);
      await adopted;
      peer.write('after\n');
      expect(await peer.text(18)).toBe('sent before first\n');
      expect((await peer.read(12)).equals(big.subarray(0, 12))).toBe(true);
      peer.socket.destroy();
    }
  });

  it('closes a first-message queue with all its peers when its thread is terminated', async () => {
    await (await startWorker('idle')).terminate();
    await nextPass();
    const before = openDescriptors();
    for (let i = 0; i < 10; i++) {
      const worker = await startWorker('firstMessageQueue');
      const port = await message<number>(worker);
      const peers = await Promise.all(Array.from({ length: 30 }, () => connect(port)));
      for (const [j, peer] of peers.entries()) peer.write(j % 2 === 0 ? 'GET / HTTP/1.1\n\n' : 'G');
      if (i % 2 === 0) await nextPass();
      await worker.terminate();
      for (const peer of peers) peer.socket.destroy();
    }
    await vi.waitFor(() => expect(openDescriptors()).toBeLessThanOrEqual(before));
  });

  it('closes its sockets and leaves no descriptor when its thread is terminated', async () => {
    await (await startWorker('idle')).terminate();
    await nextPass();
    const before = openDescriptors();
    for (let i = 0; i < 10; i++) {
      const worker = await startWorker('echo');
      const port = await message<number>(worker);
      const peer = await connect(port);
      expect(await peer.write('alive\n').text(6)).toBe('alive\n');
      const flooder = await connect(port);
      flooder.write(Buffer.alloc(1 << 20, 'x\n'));
      await worker.terminate();
      await peer.closed;
      await flooder.closed;
    }
    expect(openDescriptors()).toBe(before);
  });

  it.each(['decoder', 'reactor'])(
    'lets a thread be terminated that makes one %s after another',
    async (what) => {
      for (let i = 0; i < 5; i++) {
        const worker = await startWorker('create', { what });
        expect(await worker.terminate()).toBe(1);
      }
    },
  );

  it('lets a thread end by itself that has a reactor with nothing to do', async () => {
    const { exited } = await startEndingWorker('idle');
    expect(await exited).toBe(0);
  });

  it('survives the end of its thread in the middle of a turn', async () => {
    const worker = await startWorker('exit');
    const exited = once(worker, 'exit');
    const peer = await connect(await message<number>(worker));
    peer.write('go\n');
    expect(await exited).toEqual([3]);
    await peer.closed;
  });

  it('ends the thread with what its turn threw, and sends nothing of that turn', async () => {
    const worker = await startWorker('throw');
    const failed = once(worker, 'error');
    const peer = await connect(await message<number>(worker));
    peer.write('go\n');
    const [error] = await failed;
    expect((error as Error).message).toBe('thrown in a turn');
    expect(await peer.rest()).toBe('');
  });

  it('wakes a sleeping thread by its doorbell whenever another thread has published', async () => {
    const words = new Int32Array(new SharedArrayBuffer(64 * 4 * 2));
    const end = (from: number) => ({ write: from, read: from + 1, asleep: from + 16 });
    const rounds = 5000; // with lost wake-ups of a second each the test could not end in time
    const bells = [addonFunctions().doorbellCreate(), addonFunctions().doorbellCreate()] as const;
    const data = { words, rounds };
    const first = { own: end(0), other: end(64), bell: bells[0], otherBell: bells[1] };
    const second = { own: end(64), other: end(0), bell: bells[1], otherBell: bells[0] };
    const workers = [
      await startWorker('pingPong', { ...data, ...first }),
      await startWorker('pingPong', { ...data, ...second }),
    ];
    const done = workers.map((worker) => message(worker));
    Atomics.add(words, 0, 1);
    addonFunctions().doorbellRing(bells[0]);
    await Promise.race(done);
    const exits = workers.map((worker) => once(worker, 'exit'));
    for (const worker of workers) worker.postMessage('end');
    await Promise.all(exits);
    for (const bell of bells) addonFunctions().doorbellClose(bell);
  });
});

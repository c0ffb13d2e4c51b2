/** The shard host and everything that may end a shard. Runs the built output: threads load no TypeScript on Node 20. */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createShardHost } from '../../../dist/shard/pool.js';
import type { ShardHost } from '../../../src/shard/pool.ts';

interface Up {
  /** The system's number of the thread. */
  readonly up: number;
  readonly port: number;
}

interface Death {
  readonly shard: number;
  readonly error: Error & { code?: string };
  /** True when the system had no such thread any more at the time of the report. */
  readonly isThreadGone: boolean;
}

/** Joining a thread returns a moment before the system has forgotten it; one that runs on stays for good. */
function isGone(thread: number): boolean {
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (let ms = 0; ms < 100 && existsSync(`/proc/self/task/${thread}`); ms++)
    Atomics.wait(word, 0, 0, 1);
  return !existsSync(`/proc/self/task/${thread}`);
}

/** A host with its deaths and fatal errors, each of which may be awaited. */
class Stage {
  readonly host: ShardHost;
  readonly deaths: Death[] = [];
  readonly fatal: (Error & { code?: string })[] = [];
  readonly orders: MessagePort[] = [];
  readonly #threads: number[] = [];
  #wake: () => void = () => {};

  constructor(file: string, count = 1, oldGenerationMb = 0) {
    const limits = { resourceLimits: { maxOldGenerationSizeMb: oldGenerationMb } };
    this.host = createShardHost({
      file: new URL(`../../support/shards/${file}`, import.meta.url),
      count,
      ...(oldGenerationMb > 0 ? limits : {}),
      onDeath: (shard, error) => {
        const isThreadGone = isGone(this.#threads[shard] as number);
        this.deaths.push({ shard, error, isThreadGone });
        this.#wake();
      },
      onFatal: (error) => {
        this.fatal.push(error);
        this.#wake();
      },
    });
  }

  start(shard: number, listenPort = 0): void {
    const { port1, port2 } = new MessageChannel();
    this.orders[shard] = port1;
    this.host.start(shard, { orders: port2, listenPort }, [port2]);
  }

  /** Starts a shard and resolves when it listens. */
  async up(shard: number, listenPort = 0): Promise<Up> {
    this.start(shard, listenPort);
    const [up] = (await once(this.orders[shard] as MessagePort, 'message')) as [Up];
    this.#threads[shard] = up.up;
    return up;
  }

  /** Gives an order and resolves when a death or fatal error is reported. */
  async end(shard: number, order: string): Promise<Death> {
    this.orders[shard]?.postMessage(order);
    await this.report();
    return this.deaths.at(-1) as Death;
  }

  report(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

let stage: Stage;

afterEach(async () => {
  stage.orders.forEach((port, shard) => {
    port.close();
    stage.host.kill(shard);
  });
  await stage.host.stop();
});

describe('shard host', () => {
  it('runs each shard in a thread of its own and ends when all have stopped softly', async () => {
    stage = new Stage('obey.mjs', 3);
    const ups = await Promise.all([0, 1, 2].map((shard) => stage.up(shard)));
    expect(new Set(ups.map(({ up }) => up)).size).toBe(3);
    for (const port of stage.orders) port.postMessage('stop');
    await stage.host.stop();
    expect(stage.deaths).toEqual([]);
    expect(stage.fatal).toEqual([]);
  });

  it.each([
    ['an error in a callback', 'throw', 'thrown in a callback'],
    ['the rejection of its own promise', 'reject', 'rejected'],
    ['a rejection that is no Error', 'reject text', 'only text'],
    ['process.exit', 'exit', 'exited with code: 3'],
  ])('reports %s once, after the thread has ended', async (_name, order, message) => {
    stage = new Stage('obey.mjs');
    await stage.up(0);
    const death = await stage.end(0, order);
    expect(death).toMatchObject({ shard: 0, isThreadGone: true });
    expect(death.error).toBeInstanceOf(Error);
    expect(death.error.message).toContain(message);
    await stage.host.stop();
    expect(stage.deaths).toHaveLength(1);
    expect(stage.fatal).toEqual([]);
  });

  it('frees what a shard held when its promise rejects, so that it can be started again', async () => {
    stage = new Stage('obey.mjs');
    const first = await stage.up(0);
    await stage.end(0, 'reject');
    const second = await stage.up(0, first.port);
    expect(second.port).toBe(first.port);
  });

  it('starts a shard again and again', async () => {
    stage = new Stage('obey.mjs');
    const { port } = await stage.up(0);
    for (const order of ['throw', 'exit', 'reject', 'throw', 'exit']) {
      await stage.end(0, order);
      await stage.up(0, port);
    }
    expect(stage.deaths).toHaveLength(5);
  });

  it('leaves the other shards alone when one dies', async () => {
    stage = new Stage('obey.mjs', 2);
    await Promise.all([stage.up(0), stage.up(1)]);
    expect(await stage.end(1, 'throw')).toMatchObject({ shard: 1 });
    stage.orders[0]?.postMessage('stop');
    await stage.host.stop();
    expect(stage.deaths).toHaveLength(1);
  });

  it('kills a shard in an endless loop and can start it again', async () => {
    stage = new Stage('obey.mjs');
    const { port } = await stage.up(0);
    stage.orders[0]?.postMessage('loop');
    stage.host.kill(0);
    await stage.report();
    expect(stage.deaths[0]?.error.code).toBe('ERR_GEARTRAIN_SHARD_KILLED');
    expect(stage.deaths[0]?.isThreadGone).toBe(true);
    expect((await stage.up(0, port)).port).toBe(port);
  });

  it('kills a shard that has not begun', async () => {
    stage = new Stage('obey.mjs');
    stage.start(0);
    stage.host.kill(0);
    await stage.report();
    expect(stage.deaths[0]?.error.code).toBe('ERR_GEARTRAIN_SHARD_KILLED');
    expect(stage.fatal).toEqual([]);
    await stage.up(0);
    await stage.end(0, 'throw');
    await stage.up(0);
  });

  it('reports a shard that runs out of its heap', async () => {
    stage = new Stage('obey.mjs', 1, 32);
    await stage.up(0);
    expect((await stage.end(0, 'fill')).error.code).toBe('ERR_WORKER_OUT_OF_MEMORY');
    await stage.up(0);
  });

  it.each([
    ['is missing', 'nowhere.mjs', 'nowhere.mjs'],
    ['fails while it is loaded', 'broken.mjs', 'broken while loading'],
    ['has no default export', 'no-default.mjs', 'not a function'],
  ])('gives up once when the file %s', async (_name, file, message) => {
    stage = new Stage(file, 2);
    stage.start(0);
    stage.start(1);
    await stage.report();
    await stage.host.stop();
    expect(stage.fatal).toHaveLength(1);
    expect(stage.fatal[0]).toMatchObject({ code: 'ERR_GEARTRAIN_SHARD_LOAD' });
    expect(stage.fatal[0]?.message).toContain(message);
    expect(stage.deaths).toEqual([]);
  });

  it('reports a death when the thread that replaces a dead one ends before it is ready, and goes on', async () => {
    stage = new Stage('obey.mjs');
    await stage.up(0);
    process.once('worker', (thread) => void thread.terminate());
    await stage.end(0, 'exit');
    stage.start(0);
    await stage.report();
    expect(stage.deaths).toHaveLength(2);
    expect(stage.deaths[1]?.error.message).toContain('ended before it was ready');
    await stage.up(0);
    expect(stage.fatal).toEqual([]);
  });

  it('gives up when the data cannot be posted', async () => {
    stage = new Stage('obey.mjs');
    stage.host.start(0, { orders: () => {} }, []);
    await stage.report();
    expect(stage.fatal[0]?.message).toContain('could not be cloned');
  });

  it('refuses a second start of a running shard, an unknown shard and a start after stop', async () => {
    stage = new Stage('obey.mjs');
    await stage.up(0);
    expect(() => stage.host.start(0, {}, [])).toThrow('it is running');
    expect(() => stage.host.start(1, {}, [])).toThrow('no such shard');
    stage.orders[0]?.postMessage('stop');
    await stage.host.stop();
    expect(() => stage.host.start(0, {}, [])).toThrow('the host is stopped');
  });

  it('waits in stop until a shard that is late is killed', async () => {
    stage = new Stage('obey.mjs');
    await stage.up(0);
    stage.orders[0]?.postMessage('loop');
    const stopped = stage.host.stop();
    stage.host.kill(0);
    await stopped;
    expect(stage.deaths).toHaveLength(1);
  });

  it('keeps the loop of a shard turning when its task has ended', async () => {
    stage = new Stage('obey.mjs');
    await stage.up(0);
    const word = once(stage.orders[0] as MessagePort, 'message');
    stage.orders[0]?.postMessage('leave');
    expect(await word).toEqual(['still here']);
  });

  it('lets a stopped shard be killed without effect', async () => {
    stage = new Stage('obey.mjs');
    await stage.up(0);
    stage.orders[0]?.postMessage('stop');
    await stage.host.stop();
    stage.host.kill(0);
    expect(stage.deaths).toEqual([]);
  });
});

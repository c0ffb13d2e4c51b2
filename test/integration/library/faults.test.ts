/**
 * What goes wrong between programs and servers. Two facts must hold in every case: every promise ends, and no job is
 * reported done that was not run. Counts are printed, so that one sees what was survived.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { SubmittedJob } from '../../../src/index.ts';
import { CuttingProxy } from '../../support/cutting-proxy.ts';
import { freePort } from '../../support/free-port.mjs';
import { LibraryYard } from '../../support/library.ts';
import { requirePeer } from '../../support/peers.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { daemonPath, gearmandPath } from '../../support/servers.ts';

const yard = new LibraryYard();
const FAST = { backoff: { minMs: 1, maxMs: 20 } };

/** How jobs ended, by `done` or the code of the error. */
class Ends {
  readonly counts: Record<string, number> = {};
  readonly values = new Map<string, string>();

  async add(name: string, job: SubmittedJob<unknown>): Promise<void> {
    let end = 'done';
    try {
      this.values.set(name, await job.text());
    } catch (error) {
      end = (error as { code: string }).code;
    }
    this.counts[end] = (this.counts[end] ?? 0) + 1;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }
}

/** A daemon that is killed without a word and started again on the same port. */
class Mortal {
  readonly port: number;
  readonly #argv: readonly string[];
  #child: ChildProcess | null = null;

  constructor(port: number, argv: readonly string[]) {
    this.port = port;
    this.#argv = argv;
    running.add(this);
  }

  start(): void {
    const [command, ...args] = this.#argv as [string, ...string[]];
    this.#child = spawn(command, args, { stdio: 'ignore' });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

const running = new Set<Mortal>();
afterEach(async () => {
  for (const mortal of running) await mortal.kill();
  running.clear();
});

const DAEMONS = [
  {
    label: 'our daemon',
    isThere: true,
    argv: (port: number) => [
      process.execPath,
      daemonPath,
      ...['--listen', '127.0.0.1', '--port', String(port), '--threads', '0'],
    ],
  },
  {
    label: 'the C gearmand',
    isThere: requirePeer('gearmand'),
    argv: (port: number) => [
      gearmandPath(),
      ...[
        '-L',
        '127.0.0.1',
        '-p',
        String(port),
        '-t',
        '1',
        '-l',
        'stderr',
        '-P',
        `/tmp/geartrain-faults-${port}.pid`,
      ],
    ],
  },
];

describe.each(DAEMONS)('$label', ({ label, isThere, argv }) => {
  it.skipIf(!isThere)(
    'killed and started again four times under load: every job ends, and none that was not run is done',
    { timeout: 60_000 },
    async () => {
      const port = await freePort();
      const daemon = new Mortal(port, argv(port));
      daemon.start();
      const servers = [`127.0.0.1:${port}`];
      const worker = yard.worker({ servers, concurrency: 8, ...FAST });
      const ran = new Set<string>();
      worker.add('mark', async (job) => {
        ran.add(job.text());
        return `ran ${job.text()}`;
      });
      await worker.start();
      const client = yard.client({ servers, ...FAST });
      const ends = new Ends();
      const keyedEnds = new Ends();
      const all: Promise<void>[] = [];
      let count = 0;
      const submitSome = (): void => {
        if (client.outstanding > 500) return;
        for (let i = 0; i < 100; i++) {
          const name = `job ${count++}`;
          const isKeyed = i % 2 === 0;
          const job = client.submit('mark', name, isKeyed ? { unique: name } : {});
          all.push((isKeyed ? keyedEnds : ends).add(name, job));
        }
      };
      for (let round = 0; round < 4; round++) {
        // The next kill comes when some of these are done and others are under way.
        const before = ends.total + keyedEnds.total;
        submitSome();
        while (ends.total + keyedEnds.total < before + 40) {
          submitSome();
          await new Promise((resolve) => setImmediate(resolve));
        }
        submitSome();
        await daemon.kill();
        submitSome();
        daemon.start();
      }
      await Promise.all(all);
      for (const [name, value] of [...ends.values, ...keyedEnds.values]) {
        expect(value).toBe(`ran ${name}`);
        expect(ran.has(name)).toBe(true);
      }
      expect(ends.total + keyedEnds.total).toBe(count);
      // A submit with a key is sent again until it was confirmed.
      expect(keyedEnds.counts.ERR_GEARMAN_MAYBE_QUEUED).toBeUndefined();
      expect(client.outstanding).toBe(0);
      const shown = (counts: object): string => JSON.stringify(counts);
      console.log(
        `${label}: ${count} jobs over 4 kills; with key ${shown(keyedEnds.counts)}, without ${shown(ends.counts)}`,
      );
    },
  );
});

describe('a connection that is cut', () => {
  /** Runs three jobs through a proxy that cuts the client's or the worker's first connection. */
  async function dialogue(
    port: number,
    who: 'client' | 'worker',
    cut: { from: 'client' | 'server'; afterBytes: number } | null,
  ): Promise<{
    ends: Ends;
    ran: Map<string, number>;
    counted: CuttingProxy['counted'];
    hasCut: boolean;
  }> {
    await using proxy = await CuttingProxy.start(port, cut);
    const direct = [`127.0.0.1:${port}`];
    const proxied = [proxy.address];
    const worker = yard.worker({ servers: who === 'worker' ? proxied : direct, ...FAST });
    const ran = new Map<string, number>();
    worker.add('mark', (job) => {
      ran.set(job.text(), (ran.get(job.text()) ?? 0) + 1);
      job.progress(1, 1);
      return `ran ${job.text()}`;
    });
    await worker.start();
    const client = yard.client({ servers: who === 'client' ? proxied : direct, ...FAST });
    const ends = new Ends();
    await Promise.all([
      ends.add('keyed', client.submit('mark', 'keyed', { unique: 'k' })),
      ends.add('bare', client.submit('mark', 'bare')),
      ends.add('behind', client.submit('mark', 'behind', { background: true })),
    ]);
    await client.close();
    await worker.drain();
    return { ends, ran, counted: { ...proxy.counted }, hasCut: proxy.hasCut };
  }

  it.each(['client', 'worker'] as const)(
    'of the %s at every byte in both directions leaves no promise open and no false result',
    { timeout: 60_000 },
    async (who) => {
      const server = createServer({ host: '127.0.0.1', port: 0, jobHandlePrefix: 'H' });
      await server.listen();
      yard.keep(server);
      const { port } = server.address as { port: number };
      const whole = await dialogue(port, who, null);
      expect(whole.ends.counts).toEqual({ done: 3 });
      const total: Record<string, number> = {};
      let cuts = 0;
      for (const from of ['client', 'server'] as const)
        for (let afterBytes = 0; afterBytes < whole.counted[from]; afterBytes++) {
          const { ends, ran, hasCut } = await dialogue(port, who, { from, afterBytes });
          if (hasCut) cuts++;
          expect(ends.total).toBe(3);
          for (const name of ['keyed', 'bare']) {
            const value = ends.values.get(name);
            if (value === undefined) continue;
            expect(value).toBe(`ran ${name}`);
            expect(ran.get(name)).toBeGreaterThan(0);
          }
          if (who === 'worker') expect(ends.counts).toEqual({ done: 3 });
          for (const [end, count] of Object.entries(ends.counts))
            total[end] = (total[end] ?? 0) + count;
        }
      const known = ['done', 'ERR_GEARMAN_MAYBE_QUEUED', 'ERR_GEARMAN_JOB_LOST'];
      expect(Object.keys(total).filter((end) => !known.includes(end))).toEqual([]);
      expect(cuts).toBeGreaterThan(whole.counted.client);
      console.log(`${who} cut ${cuts} times: ${JSON.stringify(total)}`);
    },
  );
});

describe('a server that accepts and never answers', () => {
  it('gets no job: those go to the server that works', async () => {
    const silent = await ScriptedServer.start();
    yard.keep(silent);
    const server = createServer({ host: '127.0.0.1', port: 0 });
    await server.listen();
    yard.keep(server);
    const servers = [silent.address, `127.0.0.1:${(server.address as { port: number }).port}`];
    const options = { servers, connectTimeoutMs: 100, ...FAST };
    const worker = yard.worker(options);
    worker.add('reverse', (job) => [...job.text()].reverse().join(''));
    await worker.start();
    const client = yard.client(options);
    const jobs = Array.from({ length: 50 }, (_, i) =>
      client.submit('reverse', `job ${i}`, i % 2 === 0 ? { unique: `key ${i}` } : {}).text(),
    );
    expect((await Promise.all(jobs))[7]).toBe('7 boj');
    const pings = await client.ping();
    expect(pings.map((ping) => ping.error === null)).toEqual([false, true]);
  });

  it('that is the only one: the submit ends with its time, and nothing hangs at the end', async () => {
    const silent = await ScriptedServer.start();
    yard.keep(silent);
    const client = yard.client({ servers: [silent.address], connectTimeoutMs: 50, ...FAST });
    await expect(client.submit('f', 'x', { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'ERR_GEARMAN_TIMEOUT',
    });
    const queued = client.submit('f', 'x');
    await client.close();
    await expect(queued).rejects.toMatchObject({ code: 'ERR_GEARMAN_CLOSED' });
  });
});

describe('a name that changes its address', () => {
  it('is followed by client and worker', async () => {
    const old = createServer({ host: '127.0.0.2', port: 0 });
    await old.listen();
    const { port } = old.address as { port: number };
    let address = '127.0.0.2';
    let lookups = 0;
    const lookup: LookupFunction = (_name, options, done) => {
      lookups++;
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };
    const options = { servers: [`jobs.test:${port}`], lookup, ...FAST };
    const worker = yard.worker(options);
    worker.add('where', () => address);
    await worker.start();
    const client = yard.client(options);
    expect(await client.submit('where', '').text()).toBe('127.0.0.2');
    const young = createServer({ host: '127.0.0.3', port });
    await young.listen();
    yard.keep(young);
    address = '127.0.0.3';
    await old.close();
    expect(await client.submit('where', '', { unique: 'k' }).text()).toBe('127.0.0.3');
    expect(lookups).toBeGreaterThanOrEqual(4);
  });
});

/** Client and worker against every kind of job server: the same facts hold for all of them. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobFailed, json } from '../../../dist/index.js';
import type { JobEvent, SubmittedJob } from '../../../src/index.ts';
import { LibraryYard, type RunningServer, serverVariants } from '../../support/library.ts';

const yard = new LibraryYard();
const reverse = (text: string): string => [...text].reverse().join('');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function eventsOf(job: SubmittedJob<Uint8Array>): Promise<JobEvent<Uint8Array>[]> {
  const events: JobEvent<Uint8Array>[] = [];
  for await (const event of job) events.push(event);
  return events;
}

/** Something that opens once. */
function gate(): { wait: Promise<void>; open: () => void } {
  let release = (): void => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { wait, open: release };
}

const failureOf = (job: PromiseLike<unknown>): Promise<Error & { exception?: Uint8Array }> =>
  Promise.resolve(job).then(
    () => Promise.reject(new Error('it did not fail')),
    (error) => error,
  );

describe.each(serverVariants())('client and worker, $label', (variant) => {
  let server: RunningServer;
  let functionCount = 0;
  /** A function that no other test has. */
  const newName = (): string => `function ${++functionCount}`;
  beforeAll(async () => {
    server = await variant.start();
  });
  afterAll(async () => {
    await server.stop();
  });

  it('run a job and give its result', async () => {
    const name = newName();
    const worker = yard.worker(server.connection);
    worker.add(name, (job) => reverse(job.text()));
    await worker.start();
    const job = yard.client(server.connection).submit(name, 'Hello World!');
    expect(await job.text()).toBe('!dlroW olleH');
    expect(await job.handle).toMatch(/^H:/);
    expect(await job).toEqual(bytes('!dlroW olleH'));
  });

  it('tell what a job says while it runs, in order', async () => {
    const name = newName();
    const worker = yard.worker(server.connection);
    worker.add(name, async (job) => {
      job.progress(1, 2);
      job.sendData('part');
      job.warn('careful');
      job.progress(2, 2);
      return 'whole';
    });
    await worker.start();
    expect(await eventsOf(yard.client(server.connection).submit(name, ''))).toEqual([
      { type: 'status', numerator: 1, denominator: 2 },
      { type: 'data', data: bytes('part') },
      { type: 'warning', data: bytes('careful') },
      { type: 'status', numerator: 2, denominator: 2 },
      { type: 'complete', result: bytes('whole') },
    ]);
  });

  it('carry values through a codec', async () => {
    const name = newName();
    const worker = yard.worker({ ...server.connection, codec: json });
    worker.add(name, (job) => job.input.reduce((sum: number, n: number) => sum + n, 0));
    await worker.start();
    const client = yard.client({ ...server.connection, codec: json });
    expect(await client.submit(name, [1, 2, 3])).toBe(6);
    expect(await client.submit(name, [])).toBe(0);
  });

  it('carry bytes unchanged, whatever their size', async () => {
    const name = newName();
    const worker = yard.worker({ ...server.connection, concurrency: 4 });
    worker.add(name, (job) => job.data);
    await worker.start();
    const client = yard.client(server.connection);
    for (const size of [0, 1, 8191, 16_385, 32_767, 32_768, 65_524, 65_536, 1 << 20, 5_000_001]) {
      const workload = new Uint8Array(randomBytes(size));
      const result = await client.submit(name, workload);
      expect([size, Buffer.compare(result, workload)]).toEqual([size, 0]);
    }
  });

  it('end a job whose handler throws with JobFailed and what it threw', async () => {
    const names = [newName(), newName(), newName()] as const;
    const worker = yard.worker({ ...server.connection, concurrency: 3 });
    worker.add(names[0], async () => {
      throw new Error('no coffee');
    });
    worker.add(names[1], () => {
      throw new JobFailed();
    });
    worker.add(names[2], () => 'still there');
    await worker.start();
    const client = yard.client(server.connection);
    const thrown = await failureOf(client.submit(names[0], ''));
    expect(thrown).toMatchObject({ code: 'ERR_GEARMAN_JOB_FAILED', exception: bytes('no coffee') });
    expect(thrown).toBeInstanceOf(JobFailed);
    expect(await failureOf(client.submit(names[1], ''))).toMatchObject({
      code: 'ERR_GEARMAN_JOB_FAILED',
      exception: null,
    });
    const silent = yard.client({ ...server.connection, exceptions: false });
    expect((await failureOf(silent.submit(names[0], ''))).exception).toBe(null);
    expect(await client.submit(names[2], '').text()).toBe('still there');
  });

  it('answer where jobs stand, by handle and by unique', async () => {
    const name = newName();
    const client = yard.client(server.connection);
    const unique = `unique of ${name}`;
    const handle = await client.submit(name, 'x', { background: true, unique });
    const queued = { isKnown: true, isRunning: false, numerator: 0, denominator: 0 };
    expect(await client.status(handle)).toEqual(queued);
    expect(await client.statusByUnique(unique)).toMatchObject(queued);
    expect((await client.status('H:never:1')).isKnown).toBe(false);
    let finish = (): void => {};
    let begun = (): void => {};
    const isRunning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const worker = yard.worker(server.connection);
    worker.add(name, async (job) => {
      job.progress(3, 4);
      begun();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await worker.start();
    await isRunning;
    // The status left before: one more round trip on each connection, and it is there.
    let status = await client.status(handle);
    while (status.denominator === 0) status = await client.status(handle);
    expect(status).toEqual({ isKnown: true, isRunning: true, numerator: 3, denominator: 4 });
    finish();
    await worker.drain();
    while ((await client.status(handle)).isKnown);
  });

  it('make one job of equal uniques, and give its result to all', async () => {
    const name = newName();
    const clients = [yard.client(server.connection), yard.client(server.connection)];
    const jobs = [0, 1, 1].map((i) => clients[i]?.submit(name, 'x', { unique: `one ${name}` }));
    const handles = await Promise.all(jobs.map((job) => job?.handle));
    expect(new Set(handles).size).toBe(1);
    let runs = 0;
    const worker = yard.worker(server.connection);
    worker.add(name, (job) => {
      job.sendData('part');
      return `run ${++runs} of ${job.unique}`;
    });
    await worker.start();
    const told = await Promise.all(jobs.map((job) => eventsOf(job as SubmittedJob<Uint8Array>)));
    for (const events of told)
      expect(events).toEqual([
        { type: 'data', data: bytes('part') },
        { type: 'complete', result: bytes(`run 1 of one ${name}`) },
      ]);
  });

  it('run high jobs before normal ones before low ones', async () => {
    const name = newName();
    const client = yard.client(server.connection);
    const jobs = (['low', 'normal', 'high', 'low', 'high'] as const).map((priority) =>
      client.submit(name, priority, { priority }),
    );
    await Promise.all(jobs.map((job) => job.handle));
    const order: string[] = [];
    const worker = yard.worker(server.connection);
    worker.add(name, (job) => {
      order.push(job.text());
    });
    await worker.start();
    await Promise.all(jobs);
    expect(order).toEqual(['high', 'high', 'normal', 'low', 'low']);
  });

  it('start a job of a given time not before it', { timeout: 15_000 }, async () => {
    const name = newName();
    const worker = yard.worker(server.connection);
    const ran = new Promise<number>((resolve) => {
      worker.add(name, () => resolve(Date.now()));
    });
    await worker.start();
    const client = yard.client(server.connection);
    const runAt = new Date(Date.now() + 1200);
    const handle = await client.submit(name, '', { runAt });
    expect((await client.status(handle)).isKnown).toBe(true);
    // The C gearmand 1.1.20 wakes nobody for such a job.
    if (!variant.isOurs) return;
    expect(await ran).toBeGreaterThanOrEqual(Math.floor(runAt.getTime() / 1000) * 1000);
  });

  it('carry the reducer of a job', async () => {
    const name = newName();
    const worker = yard.worker(server.connection);
    worker.add(name, (job) => `${job.unique} by ${job.reducer} of ${job.text()}`);
    await worker.start();
    const job = yard.client(server.connection).submit(name, 'w', { reducer: 'sum', unique: name });
    expect(await job.text()).toBe(`${name} by sum of w`);
  });

  it('run thousands of jobs, as many at a time as they may', async () => {
    const name = newName();
    let running = 0;
    let most = 0;
    // Jobs wait until all slots of both workers are taken at the same time.
    const full = gate();
    const workers = [3, 5].map((concurrency) => yard.worker({ ...server.connection, concurrency }));
    for (const worker of workers) {
      worker.add(name, async (job) => {
        most = Math.max(most, ++running);
        if (running === 8) full.open();
        await full.wait;
        running--;
        return reverse(job.text());
      });
      await worker.start();
    }
    const client = yard.client(server.connection);
    const seen = new Set<number>();
    const inputs = (function* () {
      for (let i = 0; i < 3000; i++) yield { functionName: name, input: `job ${i}` };
    })();
    const result = await client.submitMany(inputs, {
      inFlightMax: 500,
      onJob: (outcome) => {
        if (!('result' in outcome)) throw outcome.error;
        expect(Buffer.from(outcome.result as Uint8Array).toString()).toBe(
          reverse(`job ${outcome.index}`),
        );
        seen.add(outcome.index);
      },
    });
    expect(result).toEqual({ submitted: 3000, completed: 3000, failed: 0, errors: [] });
    expect(seen.size).toBe(3000);
    expect(most).toBe(8);
  });

  it('keep functions with limits of their own apart', async () => {
    const names = [newName(), newName()] as const;
    const most = [0, 0];
    const running = [0, 0];
    const full = gate();
    const worker = yard.worker({ ...server.connection, concurrency: 6 });
    for (const [i, name] of names.entries())
      worker.add(
        name,
        async () => {
          running[i] = (running[i] as number) + 1;
          most[i] = Math.max(most[i] as number, running[i] as number);
          if (running[0] === 1 && running[1] === 2) full.open();
          await full.wait;
          await new Promise((resolve) => setImmediate(resolve));
          running[i] = (running[i] as number) - 1;
        },
        { concurrency: i + 1 },
      );
    await worker.start();
    const client = yard.client(server.connection);
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => client.submit(names[i % 2] as string, '')),
    );
    expect(most).toEqual([1, 2]);
  });

  it('fail a job whose time is over, while the worker goes on', async () => {
    const name = newName();
    const worker = yard.worker({ ...server.connection, concurrency: 2 });
    const reasons: unknown[] = [];
    worker.add(
      name,
      (job, { signal }) => {
        if (job.text() === 'quick') return 'done';
        return new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            resolve();
          });
        });
      },
      { timeoutMs: 200 },
    );
    await worker.start();
    const client = yard.client(server.connection);
    const slow = failureOf(client.submit(name, 'slow'));
    expect(await client.submit(name, 'quick').text()).toBe('done');
    expect(await slow).toMatchObject({ code: 'ERR_GEARMAN_JOB_FAILED' });
    expect(reasons).toMatchObject([{ code: 'ERR_GEARMAN_TIMEOUT' }]);
  });

  it('hand over: a worker drains, another one goes on', async () => {
    const name = newName();
    const first = yard.worker({ ...server.connection, concurrency: 2 });
    const second = yard.worker({ ...server.connection, concurrency: 2 });
    const runs = { first: 0, second: 0 };
    first.add(name, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      runs.first++;
    });
    second.add(name, () => {
      runs.second++;
    });
    await first.start();
    const client = yard.client(server.connection);
    const jobs = Array.from({ length: 400 }, () => client.submit(name, ''));
    await jobs[20];
    expect(await first.drain()).toEqual({ abandoned: 0 });
    await second.start();
    await Promise.all(jobs);
    expect(runs.first).toBeGreaterThan(20);
    expect(runs.first + runs.second).toBe(400);
  });

  it('give the jobs of a worker that leaves to another one', async () => {
    const name = newName();
    const first = yard.worker(server.connection);
    let begun = (): void => {};
    const isRunning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    first.add(name, (_job, { signal }) => {
      begun();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    });
    await first.start();
    const job = yard.client(server.connection).submit(name, 'x');
    await isRunning;
    await first.close();
    const second = yard.worker(server.connection);
    second.add(name, () => 'by the second');
    await second.start();
    expect(await job.text()).toBe('by the second');
  });

  it('answer a ping', async () => {
    const [ping] = await yard.client(server.connection).ping();
    expect(ping?.error).toBe(null);
    expect(ping?.roundTripMs).toBeGreaterThan(0);
  });
});

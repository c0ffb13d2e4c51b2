/** `client.admin` against every kind of job server: listings for all of them, policies and pauses for ours. */
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { LibraryYard, type RunningServer, serverVariants } from '../../support/library.ts';

const yard = new LibraryYard();
const background = { background: true } as const;

const variants = serverVariants();
const ours = variants.filter(({ isOurs }) => isOurs);
const others = variants.filter(({ isOurs }) => !isOurs);

let nameCount = 0;
/** A function that no other test has; its name needs an escape in the commands for policies. */
const newName = (): string => `größe-${++nameCount}\\`;

/** Starts a server for all tests of a block. */
function useServer(
  start: (options?: ServerOptions) => Promise<RunningServer>,
): () => RunningServer {
  let server: RunningServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
  });
  return () => server;
}

const named = <R extends { name: string }>(rows: readonly R[], name: string): R | undefined =>
  rows.find((row) => row.name === name);

describe.each(variants)('client.admin, $label', (variant) => {
  const server = useServer(variant.start);

  it('lists functions, connections and jobs', async () => {
    const name = newName();
    const client = yard.client({ ...server().connection, id: 'the operator' });
    const worker = yard.worker({ ...server().connection, id: 'the worker' });
    const events = new EventEmitter();
    const started = once(events, 'started');
    worker.add(name, async () => {
      events.emit('started');
      await once(events, 'end');
    });
    await worker.start();
    const running = await client.submit(name, '', background);
    await started;
    const queued = await client.submit(name, '', background);

    const where = { server: client.servers[0]?.server };
    const { admin } = client;
    expect(named(await admin.status(), name)).toEqual({
      ...where,
      name,
      total: 2,
      running: 1,
      workers: 1,
    });
    const connections = await admin.workers();
    const own = connections.find(({ functions }) => functions.includes(name));
    expect(own).toMatchObject({ ...where, id: 'the worker', functions: [name] });
    expect(connections.filter(({ id }) => id === 'the operator')).toHaveLength(2);
    const jobs = await admin.jobs();
    for (const handle of [running, queued])
      expect(jobs.find((job) => job.handle === handle)).toEqual({
        ...where,
        handle,
        lostRuns: 0,
        isIgnored: false,
        isBackground: true,
      });
    events.emit('end');
  });

  it('cancels a queued job', async () => {
    const name = newName();
    const client = yard.client(server().connection);
    const handle = await client.submit(name, '', background);
    expect(await client.admin.cancel(handle)).toBe(true);
    expect(await client.admin.cancel('H:nobody:1')).toBe(false);
    // gearmand keeps the row until a worker would get the job.
    if (variant.isOurs) expect(named(await client.admin.status(), name)?.total).toBe(0);
  });
});

describe.each(ours)('policies by client.admin, $label', (variant) => {
  const server = useServer(variant.start);

  it('are set, shown and removed', async () => {
    const name = newName();
    const { admin } = yard.client(server().connection);
    expect(await admin.policy(name, { concurrency: 5, rate: '100/s' })).toEqual({ isKept: false });
    await admin.policy(name, 'rate:0,burst:3');
    const policy = { concurrency: 5, rate: 0, burst: 3 };
    expect(named(await admin.policy(), name)).toMatchObject({ policy, isPaused: false });
    expect(await admin.policy(name)).toMatchObject([
      { name, policy, origins: { concurrency: 'command', rate: 'command', burst: 'command' } },
    ]);
    await admin.resetPolicy(name);
    expect(await admin.policy(name)).toMatchObject([{ policy: {}, origins: {} }]);
    expect(named(await admin.policy(), name)).toBeUndefined();
  });

  it('with a key that does not exist are refused with a sentence', async () => {
    const { admin } = yard.client(server().connection);
    await expect(admin.policy('f', { concurency: 5 } as object)).rejects.toMatchObject({
      code: 'ERR_GEARMAN_COMMAND',
      serverCode: 'INVALID_POLICY',
      message: expect.stringContaining('did you mean concurrency?'),
    });
  });

  it('pause keeps jobs back until resume', async () => {
    const name = newName();
    const client = yard.client(server().connection);
    const worker = yard.worker(server().connection).add(name, () => 'done');
    await worker.start();
    await client.admin.pause(name);
    const job = client.submit(name, '');
    await job.handle;
    expect(named(await client.admin.policy(), name)).toMatchObject({
      isPaused: true,
      pausedSeconds: null,
    });
    expect(named(await client.admin.functions(), name)).toMatchObject({
      queued: 1,
      running: 0,
      workers: 1,
      created: 1,
      gate: 'paused',
      isDraining: false,
    });
    await client.admin.resume(name);
    expect(await job.text()).toBe('done');
    await client.admin.pause(name, { seconds: 3600 });
    const pausedSeconds = (await client.admin.policy(name))[0]?.pausedSeconds;
    expect(pausedSeconds).toBeGreaterThan(3500);
    expect(pausedSeconds).toBeLessThanOrEqual(3600);
  });

  it('drain refuses new jobs until resume', async () => {
    const name = newName();
    const client = yard.client(server().connection);
    await client.admin.drain(name);
    expect(await client.admin.policy(name)).toMatchObject([{ isDraining: true, isPaused: false }]);
    await expect(client.submit(name, '', background)).rejects.toMatchObject({
      code: 'ERR_GEARMAN_SERVER',
      serverCode: 'QUEUE_ERROR',
    });
    await client.admin.resume(name);
    expect(await client.submit(name, '', background)).toMatch(/^H:/);
  });
});

describe.each(ours)('dead jobs by client.admin, $label', (variant) => {
  const server = useServer(variant.start);

  it('are listed, shown and kicked', async () => {
    const name = newName();
    const client = yard.client(server().connection);
    const { admin } = client;
    await admin.policy(name, 'attempts:2,backoff:fixed:1ms,jitter:0');
    let isBroken = true;
    const done = new EventEmitter();
    const worker = yard.worker(server().connection).add(name, (job) => {
      if (isBroken) throw new Error(`größe | ${job.unique}`);
      done.emit(job.unique);
    });
    await worker.start();
    const handles = [];
    for (const unique of ['first', 'second'])
      handles.push(await client.submit(name, 'data', { ...background, unique }));
    const dead = async () => (await admin.dead(name)).length;
    await expect.poll(dead).toBe(2);

    const where = { server: client.servers[0]?.server };
    const errorsOf = (unique: string) =>
      Array(2).fill({ cause: 'exception', text: `größe | ${unique}` });
    const [first, second] = handles as [string, string];
    const rows = await admin.dead(name);
    expect(rows.find(({ handle }) => handle === first)).toMatchObject({
      ...where,
      unique: 'first',
      cause: 'exception',
      attempts: 2,
      lostRuns: 0,
      workloadBytes: 4,
      errors: errorsOf('first'),
    });
    expect(await admin.dead(name, { limit: 1 })).toEqual([expect.objectContaining(where)]);
    expect(await admin.job(second)).toMatchObject({
      ...where,
      handle: second,
      functionName: name,
      unique: 'second',
      state: 'dead',
      priority: 'normal',
      isBackground: true,
      attempts: 2,
      nextRunMs: null,
      workloadBytes: 4,
      errors: errorsOf('second'),
    });

    isBroken = false;
    const isDone = Promise.all(['first', 'second'].map((unique) => once(done, unique)));
    expect(await admin.kickJob(second)).toBe(true);
    expect(await admin.kick(name)).toEqual({ kicked: 1, left: 0 });
    await isDone;
    expect(await admin.dead(name)).toEqual([]);
  });

  it('are made of waiting ones by bury', async () => {
    const name = newName();
    const client = yard.client(server().connection);
    const { admin } = client;
    const handle = await client.submit(name, '', background);
    expect(await admin.buryJob(handle)).toBe(true);
    expect(await admin.dead(name)).toMatchObject([{ handle, unique: null, cause: 'buried' }]);
    expect(await admin.buryJob(handle)).toBe(false);
    const job = client.submit(name, '');
    await expect(admin.buryJob(await job.handle)).rejects.toMatchObject({
      code: 'ERR_GEARMAN_COMMAND',
      serverCode: 'FOREGROUND',
    });
    expect(await admin.cancel(await job.handle)).toBe(true);
    await job.catch(() => undefined);
    expect(await admin.job('H:nobody:1')).toBeNull();
    expect(await admin.kickJob('H:nobody:1')).toBe(false);
  });
});

describe.each(ours.slice(0, 2))('policies in a state directory, $label', (variant) => {
  it('last longer than the server', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'geartrain-admin-'));
    const name = newName();
    try {
      const before = await variant.start({ stateDir });
      const { admin } = yard.client(before.connection);
      expect(await admin.policy(name, { burst: 7 })).toEqual({ isKept: true });
      expect(await admin.drain(name)).toEqual({ isKept: true });
      await before.stop();
      const after = await variant.start({ stateDir });
      expect(await yard.client(after.connection).admin.policy(name)).toMatchObject([
        { policy: { burst: 7 }, isDraining: true },
      ]);
      await after.stop();
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

describe.each(others)('what $label does not have', (variant) => {
  const server = useServer(variant.start);

  it('is refused with a sentence of our own', async () => {
    const client = yard.client(server().connection);
    const label = client.servers[0]?.server;
    const { admin } = client;
    const lacks = (what: string) => ({
      code: 'ERR_GEARMAN_NO_COMMAND',
      serverCode: 'UNKNOWN_COMMAND',
      message: `job server ${label} has no ${what}; it is not geartrain, or an earlier version of it`,
    });
    await expect(admin.pause('f')).rejects.toMatchObject(lacks('pauses'));
    await expect(admin.resume('f')).rejects.toMatchObject(lacks('pauses'));
    await expect(admin.drain('f')).rejects.toMatchObject(lacks('draining of functions'));
    await expect(admin.policy()).rejects.toMatchObject(lacks('policies'));
    await expect(admin.policy('f', 'rate:0')).rejects.toMatchObject(lacks('policies'));
    await expect(admin.dead('f')).rejects.toMatchObject(lacks('dead jobs'));
    await expect(admin.kick('f')).rejects.toMatchObject(lacks('dead jobs'));
    await expect(admin.kickJob('H:a:1')).rejects.toMatchObject(lacks('dead jobs'));
    await expect(admin.buryJob('H:a:1')).rejects.toMatchObject(lacks('dead jobs'));
    await expect(admin.job('H:a:1')).rejects.toMatchObject({
      ...lacks('report about one job'),
      serverCode: 'UNKNOWN_SHOW_ARGUMENTS',
    });
    await expect(admin.functions()).rejects.toMatchObject(lacks('listing of functions with ages'));
    expect(await admin.status()).toEqual([]);
  });
});

it('reads the servers that can be reached and changes all of them', async () => {
  const variant = ours[0] as (typeof ours)[0];
  const [first, second] = await Promise.all([variant.start(), variant.start()]);
  const servers = [first, second].flatMap(({ connection }) => connection.servers ?? []);
  const client = yard.client({ servers });
  await client.admin.pause('f');
  expect(await client.admin.policy()).toMatchObject(
    servers.map((server) => ({ server, name: 'f', isPaused: true })),
  );
  await second.stop();
  const reached = async () => (await client.admin.policy()).map(({ server }) => server);
  await expect.poll(reached).toEqual([servers[0]]);
  await expect(client.admin.resume('f')).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_GEARMAN_(LOST|CONNECT)$/),
  });
  await first.stop();
});

/**
 * `--store-queue-on-shutdown`: nothing is written while the server runs, everything when it ends, and rows that were
 * there go one by one. Source: what gearmand 1.1.20 does.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useYard, type Variant, variants } from '../../support/embedding/servers.ts';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import { DATABASES, type Database } from '../../support/store/databases.ts';
import type { WireConnection } from '../../support/wire.ts';

const kind = DATABASES.find(({ name }) => name === 'libsqlite3');
if (kind === undefined) throw new Error('there is no row for SQLite');
const hasGearmand = requirePeer('gearmand');
const LATER_SECONDS = 2_000_000_000;
const BIG = Buffer.alloc(200_000, 'big workload ');

describe.skipIf(!kind.isThere())('a server that stores its queue when it ends', () => {
  const yard = useYard();
  let database: Database;
  let tables = 0;
  let table = '';
  beforeAll(async () => {
    database = await kind.start();
  });
  afterAll(() => database.close());
  const fresh = (): void => {
    table = `jobs_${++tables}`;
  };
  const rows = async (): Promise<string[]> => {
    const found = await database.ask(`SELECT CAST(unique_key AS TEXT) AS name FROM ${table}`);
    return found.map(({ name }) => String(name)).sort();
  };
  const options = () => ({ ...database.options(table), storeQueueOnShutdown: true });
  const daemon = (threads: number): Promise<TestServer> =>
    startServer('geartrain', {
      threads,
      args: [...database.gearmand(table), '--store-queue-on-shutdown'],
    });

  async function submitAll(client: WireConnection): Promise<void> {
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_LOW_BG', 'work', 'low', 'last');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'work', 'first', '1');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'work', 'big', BIG);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_HIGH_BG', 'work', 'high', '\0high\n');
    const later = String(LATER_SECONDS);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', 'work', 'later', later, 'never');
    // A foreground job lives and ends with its client, unless a background submit joins it.
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'work', 'mine', 'x');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'work', 'ours', '2');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'work', 'ours', '2');
  }

  async function run(server: TestServer): Promise<string[]> {
    const worker = await server.connect('worker');
    worker.send('CAN_DO', 'work');
    const ran: string[] = [];
    for (;;) {
      worker.send('GRAB_JOB_UNIQ');
      const item = await worker.next();
      if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN_UNIQ') return ran;
      ran.push(String(item.args[2]));
      if (ran.at(-1) === 'big') expect(item.data.equals(BIG)).toBe(true);
      if (ran.at(-1) === 'high') expect(item.data.toString()).toBe('\0high\n');
      worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
    }
  }

  const STORED = ['big', 'first', 'high', 'later', 'low', 'ours'];

  for (const [threads, signal, next] of [
    [0, 'SIGTERM', 'geartrain'],
    [2, 'SIGINT', 'gearmand'],
  ] as const)
    it.skipIf(next === 'gearmand' && !hasGearmand)(
      `writes nothing before ${signal} with ${threads} shards, and all for ${next} then`,
      async () => {
        fresh();
        const server = await daemon(threads);
        const client = await server.connect('client');
        await submitAll(client);
        // One that runs when the server ends has not ended.
        const worker = await server.connect('worker');
        worker.send('CAN_DO', 'work');
        const taken = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
        expect(String(taken.args[2])).toBe('high');
        expect(await rows()).toEqual([]);
        process.kill(server.pid, signal);
        expect(await server.exited).toEqual({ code: 0, signal: null });
        expect(await rows()).toEqual(STORED);

        const heir = await startServer(next, { args: database.gearmand(table) });
        const order = await run(heir);
        await heir.stop();
        if (next === 'geartrain') {
          expect(order).toEqual(['high', 'first', 'big', 'ours', 'low']);
          expect(await rows()).toEqual(['later']);
        } else {
          // It has another order, and hands out no low job while a normal one is scheduled.
          expect(order.sort()).toEqual(['big', 'first', 'high', 'ours']);
          expect(await rows()).toEqual(['later', 'low']);
        }
      },
      30_000,
    );

  it('removes rows that were there when their jobs end, and keeps the others for a crash', async () => {
    fresh();
    const first = await daemon(0);
    await submitAll(await first.connect('client'));
    await first.stop();
    const second = await daemon(0);
    const worker = await second.connect('worker');
    worker.send('CAN_DO', 'work');
    const job = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
    worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
    const client = await second.connect('client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'work', 'new', '');
    const left = STORED.filter((unique) => unique !== String(job.args[2]));
    while ((await rows()).length === STORED.length) await worker.barrier();
    expect(await rows()).toEqual(left);
    process.kill(second.pid, 'SIGKILL');
    await second.exited;
    expect(await rows()).toEqual(left);
  }, 30_000);

  it('stores more than waits at a time, in the order of the submits', async () => {
    fresh();
    const variant = variants([0])[0] as Variant;
    const first = await yard().start(variant, options());
    const client = await yard().peer(first, 'client');
    // Above the 64 MiB that may wait for a database.
    const workload = Buffer.alloc(20 * 1024 * 1024, 'x');
    for (let i = 0; i < 5; i++)
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'work', `job-${i}`, workload);
    await first.server.close();
    const found = await database.ask(
      `SELECT CAST(unique_key AS TEXT) AS name, length(data) AS bytes FROM ${table} ORDER BY rowid`,
    );
    expect(found.map(({ name, bytes }) => `${name} ${bytes}`)).toEqual(
      Array.from({ length: 5 }, (_, i) => `job-${i} ${workload.length}`),
    );
  }, 60_000);

  it.each(variants([0, 2]))(
    'says how many it has lost when it cannot write, $label',
    async (variant) => {
      fresh();
      const { server, log, port } = await yard().start(variant, options());
      const client = await yard().peer({ port }, 'client');
      for (const name of ['a', 'b', 'c', 'd'])
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', name);
      await database.run(...database.refuse(table));
      await expect(server.close()).rejects.toThrow('4 background jobs are lost');
      await expect(server.closed).rejects.toThrow('4 background jobs are lost');
      expect(log.lines.some((line) => line.includes('background jobs are refused'))).toBe(true);
      await database.run(...database.allow(table));
      expect(await rows()).toEqual([]);
    },
  );

  it('exits with 1 then, and its log says so', async () => {
    fresh();
    const server = await daemon(2);
    const client = await server.connect('client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'work', '', 'x');
    await database.run(...database.refuse(table));
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output()).toContain('1 background jobs are lost: they could not be stored');
    await database.run(...database.allow(table));
  });
});

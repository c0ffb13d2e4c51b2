/**
 * Attempts and dead jobs in databases: over restarts with other numbers of shards, beside gearmand's table, when rows
 * are changed by hand or run by gearmand, and through an outage.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { endOldestThread, killShard, untilMended } from '../../support/embedding/deaths.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { requirePeer } from '../../support/peers.ts';
import { startServer } from '../../support/servers.ts';
import { DATABASES, type Database } from '../../support/store/databases.ts';
import type { WireConnection } from '../../support/wire.ts';

const yard = useYard();
const [variant] = variants([0]);
if (variant === undefined) throw new Error('no way to run a server');
const policies = { f: { attempts: 3, backoff: 'fixed:1h', jitter: 0 } };
const OUTAGE_MS = 3_000;

/** Submits a background job; its handle. */
async function submit(client: WireConnection, unique: string, work = unique): Promise<string> {
  const { args } = await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', unique, work);
  return String(args[0]);
}

/** Lets the next job fail; its workload. */
async function fail(worker: WireConnection): Promise<string> {
  worker.send('CAN_DO', 'f');
  const { args, data } = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
  worker.send('WORK_FAIL', args[0] as Buffer);
  await worker.barrier();
  return String(data);
}

/** A value of `show job`. */
async function shown(client: WireConnection, handle: string, key: string): Promise<string> {
  const rows = await client.list(`show job ${handle}`);
  return rows.find((row) => row.startsWith(`${key}\t`))?.split('\t')[1] ?? '';
}

for (const kind of DATABASES)
  describe.skipIf(!kind.isThere())(`attempts and dead jobs in ${kind.name}`, () => {
    let database: Database;
    let tables = 0;
    let table = '';
    beforeAll(async () => {
      database = await kind.start();
    }, 120_000);
    afterAll(() => database.close());
    const start = async (threads: number, more: ServerOptions = {}) => {
      const options = { ...database.options(table), policies, ...more };
      const started = await yard().start({ ...variant, threads }, options);
      const client = await yard().peer(started, 'client');
      const settle = async () =>
        expect.poll(async () => (await started.server.stats()).store?.uncommitted).toBe(0);
      return { ...started, client, settle };
    };
    const fresh = (): void => {
      table = `runs_${++tables}`;
    };
    const count = async (from: string) => (await database.ask(`SELECT 1 FROM ${from}`)).length;

    it('come back with their handles, whatever the number of shards, and after the death of one', async () => {
      fresh();
      const first = await start(0);
      const retrying = await submit(first.client, 'retry');
      await fail(first.client);
      const dead = await submit(first.client, 'same', 'older');
      expect(await first.client.command(`bury job ${dead}`)).toBe('OK\r\n');
      const live = await submit(first.client, 'same', 'younger');
      await first.settle();
      expect([await count(table), await count(`${table}_ext`)]).toEqual([2, 3]);
      await first.server.close();
      const second = await start(2);
      for (const [handle, state, attempts] of [
        [retrying, 'retrying', '1'],
        [dead, 'dead', '0'],
        [live, 'queued', '0'],
      ] as const) {
        expect(await shown(second.client, handle, 'state')).toBe(state);
        expect(await shown(second.client, handle, 'attempts')).toBe(attempts);
        expect(await shown(second.client, handle, 'handle')).toBe(handle);
      }
      await killShard(second.log, endOldestThread);
      await untilMended(second.log);
      const { client } = second;
      expect(await shown(client, retrying, 'state')).toBe('retrying');
      expect((await client.list('dead f'))[0]?.split('\t')[0]).toBe(dead);
      expect(await client.command(`kick job ${dead}`)).toMatch(/^ERR UNIQUE_IN_USE/);
      expect(await client.command(`cancel job ${live}`)).toBe('OK\r\n');
      expect(await client.command(`kick job ${dead}`)).toBe('OK\r\n');
      await second.settle();
      expect([await count(table), await count(`${table}_ext`)]).toEqual([2, 2]);
      await second.server.close();
      const third = await start(3);
      expect(await shown(third.client, dead, 'state')).toBe('queued');
      expect(await fail(third.client)).toBe('older');
      for (const handle of [dead, retrying])
        expect(await third.client.command(`cancel job ${handle}`)).toBe('OK\r\n');
      await third.settle();
      expect([await count(table), await count(`${table}_ext`)]).toEqual([0, 0]);
    }, 60_000);

    it('leave no second table to a server without such policies', async () => {
      fresh();
      const { client, settle } = await start(0, { policies: {} });
      await submit(client, 'plain');
      await settle();
      await expect(count(`${table}_ext`)).rejects.toThrow();
    });

    it('lose the attempts of rows that were removed or changed by hand, and say how many', async () => {
      fresh();
      const first = await start(0);
      for (const unique of ['stays', 'gone', 'other']) {
        await submit(first.client, unique);
        await fail(first.client);
      }
      await first.settle();
      await first.server.close();
      await database.run(
        `DELETE FROM ${table} WHERE unique_key = 'gone'`,
        `UPDATE ${table} SET data = NULL WHERE unique_key = 'other'`,
      );
      const second = await start(0);
      await second.log.until(/2 failed or waiting jobs are no longer in its table/);
      const rows = await second.client.list('functions');
      // In all two jobs, one of them waits for its next run.
      expect(rows.map((row) => row.split('\t').slice(0, 2))).toEqual([['f', '2']]);
      expect(await count(`${table}_ext`)).toBe(1);
    });

    it('stay dead when a row of the same key is in the way of a kick', async () => {
      fresh();
      const first = await start(0);
      const dead = await submit(first.client, 'u', 'dead');
      expect(await first.client.command(`bury job ${dead}`)).toBe('OK\r\n');
      await first.settle();
      const columns = 'unique_key, function_name, priority, data, when_to_run';
      await database.run(`INSERT INTO ${table} (${columns}) VALUES ('u', 'f', 1, NULL, 0)`);
      expect(await first.client.command(`kick job ${dead}`)).toBe('OK\r\n');
      await first.log.until(/refused: there is a row with its unique and function already/);
      await first.server.close();
      const second = await start(0);
      expect(await shown(second.client, dead, 'state')).toBe('dead');
      expect(await count(table)).toBe(1);
      expect(await second.client.command(`cancel job ${dead}`)).toBe('OK\r\n');
      await second.settle();
      expect([await count(table), await count(`${table}_ext`)]).toEqual([1, 0]);
    });

    it('are written after an outage that began before the failure', async () => {
      fresh();
      const first = await start(0);
      const handle = await submit(first.client, 'u');
      await first.settle();
      const goOn = await database.stall();
      await fail(first.client);
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
      await goOn();
      await first.settle();
      await first.server.close();
      const second = await start(0);
      expect(await shown(second.client, handle, 'attempts')).toBe('1');
    }, 60_000);

    it.skipIf(!requirePeer('gearmand'))(
      'are left alone by gearmand, which runs a waiting job early and no dead one',
      async () => {
        fresh();
        const first = await start(0);
        for (const unique of ['early', 'stays']) {
          await submit(first.client, unique);
          await fail(first.client);
        }
        const dead = await submit(first.client, 'dead');
        expect(await first.client.command(`bury job ${dead}`)).toBe('OK\r\n');
        await first.settle();
        await first.server.close();
        const gearmand = await startServer('gearmand', { args: database.gearmand(table) });
        const worker = await gearmand.connect('worker');
        worker.send('CAN_DO', 'f');
        const { args, data } = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
        worker.send('WORK_COMPLETE', args[0] as Buffer, '');
        await worker.barrier();
        await worker.close();
        await gearmand.stop();
        const second = await start(2);
        await second.log.until(/1 failed or waiting jobs are no longer in its table/);
        expect(['early', 'stays']).toContain(String(data));
        expect(await shown(second.client, dead, 'state')).toBe('dead');
        expect(await count(table)).toBe(1);
      },
      60_000,
    );
  });

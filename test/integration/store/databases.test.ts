/** A server whose jobs a database keeps: over restarts, with rows that others have written, and when the database fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import {
  endNewestThread,
  endOldestThread,
  killShard,
  untilMended,
} from '../../support/embedding/deaths.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { DATABASES, type Database } from '../../support/store/databases.ts';
import type { WireConnection } from '../../support/wire.ts';

const yard = useYard();
const [variant] = variants([0]);
if (variant === undefined) throw new Error('no way to run a server');
const sharded = { ...variant, threads: 2 };
/** How long the slow database stays away. */
const SLOW_MS = process.env.GEARTRAIN_FULL === '1' ? 30_000 : 1_500;
/** A locked SQLite file is waited for 6 s. */
const LOCK_MS = 1_500;
const LATER_SECONDS = 2_000_000_000;

async function grabAll(worker: WireConnection, ...names: string[]): Promise<[string, string][]> {
  for (const name of names) worker.send('CAN_DO', name);
  const found: [string, string][] = [];
  for (;;) {
    worker.send('GRAB_JOB_UNIQ');
    const item = await worker.next();
    if (item.kind !== 'packet' || item.name === 'NO_JOB') return found;
    found.push([String(item.args[2]), String(item.data)]);
    worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
  }
}

for (const kind of DATABASES)
  describe.skipIf(!kind.isThere())(`a server with ${kind.name}`, () => {
    let database: Database;
    let tables = 0;
    let table = '';
    beforeAll(async () => {
      database = await kind.start();
    }, 120_000);
    afterAll(() => database.close());
    const options = (more: ServerOptions = {}): ServerOptions => ({
      ...database.options(table),
      ...more,
    });
    const fresh = (): void => {
      table = `jobs_${++tables}`;
    };

    it('gives jobs back in order, whatever the number of shards', async () => {
      fresh();
      const names = Array.from({ length: 6 }, (_, i) => `function-${i}`);
      const first = await yard().start(sharded, options());
      const client = await yard().peer(first, 'client');
      for (const name of names) {
        for (const number of ['1', '2', '3'])
          await client.ask('JOB_CREATED', 'SUBMIT_JOB_LOW_BG', name, '', number);
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_HIGH_BG', name, `high ${name}`, 'first');
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '-', 'second');
        const later = String(LATER_SECONDS);
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', name, `later ${name}`, later, 'never');
      }
      await first.server.close();
      const second = await yard().start(variant, options());
      expect((await second.server.stats()).store).toMatchObject({ jobs: 36, isAccepting: true });
      await second.server.close();
      const third = await yard().start({ ...variant, threads: 3 }, options());
      for (const name of names) {
        const worker = await yard().peer(third, name);
        expect(await grabAll(worker, name)).toEqual([
          [`high ${name}`, 'first'],
          ['-', 'second'],
          ...['1', '2', '3'].map((number) => ['', number]),
        ]);
        await worker.close();
      }
      const asker = await yard().peer(third, 'asker');
      const rows = await database.ask(`SELECT when_to_run AS start FROM ${table}`);
      await expect.poll(() => database.ask(`SELECT 1 FROM ${table}`)).toHaveLength(6);
      expect(rows.map(({ start }) => Number(start))).toContain(LATER_SECONDS);
      await asker.close();
    });

    it('uses a unique again that has just been forgotten', async () => {
      fresh();
      const { port } = await yard().start(variant, options());
      const client = await yard().peer({ port }, 'client');
      const worker = await yard().peer({ port }, 'worker');
      for (const number of Array.from({ length: 30 }, (_, i) => `${i}`)) {
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'same', number);
        expect(await grabAll(worker, 'f')).toEqual([['same', number]]);
      }
    });

    it('refuses with a reason what the table cannot keep', async () => {
      fresh();
      const { port, log } = await yard().start(variant, options());
      const client = await yard().peer({ port }, 'client');
      const distant = String(2 ** 33);
      await client.ask('ERROR', 'SUBMIT_JOB_EPOCH', 'f', 'u', distant, 'w');
      await log.until(/a background job was refused: its start time has more than 3[12] bits/);
      await client.ask('ERROR', 'SUBMIT_REDUCE_JOB_BACKGROUND', 'f', 'u', 'r', 'w');
      await log.until(/a background job was refused: its reducer cannot be stored/);
      const made = 'geartrain:none:0123456789ab:1';
      await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', made, 'w');
      await log.until(/a background job was refused: its unique looks like a key/);
      if (kind.name !== 'libsqlite3') {
        await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f'.repeat(256), 'u', 'w');
        await log.until(/a background job was refused: its function has more than 255 characters/);
      }
      if (!kind.keepsBinaryUniques) {
        await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', Buffer.of(0xff), 'w');
        await log.until(/a background job was refused: its unique is not UTF-8/);
      }
      for (const name of ['a', 'b'])
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', name, 'w');
      expect(await grabAll(client, 'f')).toEqual([
        ['a', 'w'],
        ['b', 'w'],
      ]);
    });

    it('leaves rows unchanged that are not jobs, and reads NULL as nothing', async () => {
      fresh();
      await (await yard().start(variant, options())).server.close();
      const columns = 'unique_key, function_name, priority, data, when_to_run';
      await database.run(
        `INSERT INTO ${table} (${columns}) VALUES ('good', 'f', 1, NULL, NULL)`,
        `INSERT INTO ${table} (${columns}) VALUES ('bad priority', 'f', 7, NULL, 0)`,
        `INSERT INTO ${table} (${columns}) VALUES ('bad time', 'f', 1, NULL, -5)`,
        `INSERT INTO ${table} (${columns}) VALUES (NULL, 'f', 1, NULL, 0)`,
      );
      const { port, log, server } = await yard().start(variant, options());
      await log.until(/3 rows are not jobs/);
      expect(log.lines.filter((line) => /a row is left unchanged/.test(line))).toHaveLength(3);
      const worker = await yard().peer({ port }, 'worker');
      // The row that is in the way of a new job is not written over.
      await worker.ask('ERROR', 'SUBMIT_JOB_BG', 'f', 'bad priority', 'w');
      await log.until(/refused: there is a row with its unique and function already/);
      expect(await grabAll(worker, 'f')).toEqual([['good', '']]);
      await expect.poll(async () => (await server.stats()).store?.uncommitted).toBe(0);
      expect(await database.ask(`SELECT 1 FROM ${table}`)).toHaveLength(3);
    });

    it('does not start on a table that is none of gearmand', async () => {
      fresh();
      await database.run(`CREATE TABLE ${table} (something INTEGER)`);
      await expect(yard().start(variant, options())).rejects.toThrow(
        /is none of gearmand: it has no column unique_key/,
      );
      await expect(yard().start(sharded, options())).rejects.toThrow(/is none of gearmand/);
    });

    it('gives the jobs of a shard that has died to its successor', async () => {
      fresh();
      const { server, port, log } = await yard().start(sharded, options());
      const client = await yard().peer({ port }, 'client');
      for (let i = 0; i < 20; i++)
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', `f${i % 4}`, '', `${i}`);
      await client.close();
      await killShard(log, endOldestThread);
      await untilMended(log);
      expect(log.lines.join()).toMatch(/jobs those in its database will be there again/);
      expect((await server.stats()).store).toMatchObject({ jobs: 20, uncommitted: 0 });
      const worker = await yard().peer({ port }, 'worker');
      const found = await grabAll(worker, 'f0', 'f1', 'f2', 'f3');
      expect(found.map(([, work]) => Number(work)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, i) => i),
      );
    });

    it('ends when the thread of the database ends', async () => {
      fresh();
      const { server, port, log } = await yard().start(sharded, options());
      const client = await yard().peer({ port }, 'client');
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'u', 'w');
      endNewestThread();
      await expect(server.closed).rejects.toThrow('the thread of the database has ended');
      expect(log.lines.join()).toMatch(/the server ends: .*the thread of the database has ended/);
      await yard().end();
      const next = await yard().start(variant, options());
      expect((await next.server.stats()).store).toMatchObject({ jobs: 1 });
    });

    it('answers others while the database is slow, and the client when it has answered', async () => {
      fresh();
      const { port } = await yard().start(variant, options());
      const client = await yard().peer({ port }, 'client');
      const other = await yard().peer({ port }, 'other');
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'before', 'w');
      const goOn = await database.stall();
      client.send('SUBMIT_JOB_BG', 'f', 'slow', 'w');
      const slowMs = database.server === null ? Math.min(SLOW_MS, LOCK_MS) : SLOW_MS;
      for (const until = performance.now() + slowMs; performance.now() < until; )
        await other.barrier();
      expect(client.take()).toEqual([]);
      await goOn();
      await client.expect('JOB_CREATED');
    }, 60_000);
  });

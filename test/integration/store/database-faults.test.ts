/** A database that refuses, is locked, cannot be reached or is none: what clients, workers and the log see of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { freePort } from '../../support/free-port.mjs';
import { requirePeer } from '../../support/peers.ts';
import { DATABASES } from '../../support/store/databases.ts';
import { untilTaken } from '../../support/store/until-taken.ts';
import type { WireConnection } from '../../support/wire.ts';

const yard = useYard();
const [variant] = variants([0]);
if (variant === undefined) throw new Error('no way to run a server');

async function runForeground(client: WireConnection, worker: WireConnection): Promise<void> {
  await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'now');
  const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
  worker.send('WORK_COMPLETE', job.args[0] as Buffer, 'done');
  expect(String((await client.expect('WORK_COMPLETE')).data)).toBe('done');
}

for (const kind of DATABASES)
  describe.skipIf(!kind.isThere())(`a server whose ${kind.name}`, () => {
    it('refuses to write answers QUEUE_ERROR, keeps removals and recovers', async () => {
      const database = await kind.start();
      try {
        const options = database.options('jobs');
        const { port, log, server } = await yard().start(variant, options);
        const client = await yard().peer({ port }, 'client');
        const worker = await yard().peer({ port }, 'worker');
        worker.send('CAN_DO', 'f');
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'ended', 'w');
        await database.run(...database.refuse('jobs'));
        const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
        worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
        await log.until(/ fails, background jobs are refused: /);
        const error = await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', 'refused', 'w');
        expect(String(error.args[0])).toBe('QUEUE_ERROR');
        await runForeground(client, worker);
        expect((await server.stats()).store?.uncommitted).toBeGreaterThan(0);
        await database.run(...database.allow('jobs'));
        await untilTaken(client, 'after');
        await expect.poll(async () => (await server.stats()).store?.uncommitted).toBe(0);
        await log.until(/ works again after /);
        const fails = log.lines.filter((line) => / fails, background jobs/.test(line));
        const works = log.lines.filter((line) => / works again/.test(line));
        expect(fails.length).toBe(works.length);
        await server.close();
        const next = await yard().start(variant, options);
        const last = await yard().peer(next, 'last');
        last.send('CAN_DO', 'f');
        expect(String((await last.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ')).args[2])).toBe('after');
        await last.ask('NO_JOB', 'GRAB_JOB');
      } finally {
        await yard().end();
        await database.close();
      }
    }, 120_000);
  });

describe.skipIf(!requirePeer('sqlite'))('an SQLite file', () => {
  const sqlite = DATABASES.find(({ name }) => name === 'libsqlite3');

  it('that stays locked is given up after 6 s, by nobody but who needs it', async () => {
    const database = await sqlite?.start();
    if (database === undefined) throw new Error('no SQLite');
    try {
      const { port, log } = await yard().start(variant, database.options('jobs'));
      const client = await yard().peer({ port }, 'client');
      const other = await yard().peer({ port }, 'other');
      const worker = await yard().peer({ port }, 'worker');
      worker.send('CAN_DO', 'f');
      const goOn = await database.stall();
      client.send('SUBMIT_JOB_BG', 'g', 'u', 'w');
      await runForeground(other, worker);
      expect(String((await client.expect('ERROR')).args[0])).toBe('QUEUE_ERROR');
      await log.until(/ fails, background jobs are refused: .*locked/);
      await goOn();
      await untilTaken(client, 'u');
    } finally {
      await yard().end();
      await database.close();
    }
  }, 60_000);

  it('that cannot be opened, or is none, ends the start with its name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-sqlite-'));
    try {
      const file = join(folder, 'none.db');
      writeFileSync(file, 'this is a text and no database, however long it may be, '.repeat(40));
      for (const [libsqlite3Db, reason] of [
        [file, /open .*none\.db: file is not a database/],
        [join(folder, 'missing', 'x.db'), /open .*x\.db: /],
      ] as const)
        await expect(
          yard().start(variant, { queueType: 'libsqlite3', libsqlite3Db }),
        ).rejects.toThrow(reason);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a server of SQL that nobody runs', () => {
  it('ends the start with its place', async () => {
    const port = await freePort();
    const place = { host: '127.0.0.1', port };
    await expect(
      yard().start(variant, {
        queueType: 'postgres',
        libpqConninfo: `host=${place.host} port=${port} user=u password=secret dbname=d`,
      }),
    ).rejects.toThrow(/^open postgres d on 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    await expect(
      yard().start(variant, {
        queueType: 'mysql',
        mysqlHost: place.host,
        mysqlPort: port,
        mysqlUser: 'u',
        mysqlDb: 'd',
      }),
    ).rejects.toThrow(/^open mysql d on 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });
});

/** Files that the server may read but not write: what works all the same, what it says, and that it recovers. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { startServer } from '../../support/servers.ts';
import { untilTaken } from '../../support/store/until-taken.ts';

let folder: string;
/** Root may write every file; so the server is somebody else then. */
const asNobody = process.getuid?.() === 0 ? ['--user=nobody'] : [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-read-only-'));
  chmodSync(folder, 0o777);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hasSqlite = requirePeer('sqlite');

describe.skipIf(!hasSqlite)('an SQLite file that is read-only', () => {
  const start = () => {
    const file = join(folder, 'jobs.db');
    return startServer('geartrain', {
      args: ['--queue-type=libsqlite3', `--libsqlite3-db=${file}`, ...asNobody],
    });
  };

  it('gives its jobs, takes no others, lets foreground jobs go on, and is used again when it may be', async () => {
    const first = await start();
    await (await first.connect()).ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'kept', '');
    await first.stop();
    chmodSync(join(folder, 'jobs.db'), 0o444);

    const server = await start();
    const [client, worker] = [await server.connect(), await server.connect()];
    worker.send('CAN_DO', 'f');
    const kept = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
    expect(String(kept.args[2])).toBe('kept');
    worker.send('WORK_COMPLETE', kept.args[0] as Buffer, '');
    const refused = await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', 'refused', '');
    expect(String(refused.args[0])).toBe('QUEUE_ERROR');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'now');
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    worker.send('WORK_COMPLETE', job.args[0] as Buffer, 'done');
    expect(String((await client.expect('WORK_COMPLETE')).data)).toBe('done');
    expect(server.output()).toMatch(/jobs\.db fails, background jobs are refused: .*readonly/);

    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o666);
    await untilTaken(client, 'after');
    await server.stop();
    const last = await start();
    const next = await last.connect();
    next.send('CAN_DO', 'f');
    expect(String((await next.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ')).args[2])).toBe('after');
    await next.ask('NO_JOB', 'GRAB_JOB');
    await last.stop();
  }, 60_000);
});

describe('a folder that is read-only', () => {
  const refuses = async (names: RegExp, ...args: string[]): Promise<void> => {
    const state = join(folder, 'state');
    mkdirSync(state);
    chmodSync(state, 0o555);
    const words = args.map((word) => word.replace('FOLDER', state));
    const failed = startServer('geartrain', {
      args: [...words, `--state-dir=${state}`, ...asNobody],
    });
    await expect(failed).rejects.toThrow(names);
  };

  it('for the journal is an error at the start that names it', async () => {
    await refuses(/lock \S*state: .*EACCES/, '--queue-type=journal');
  }, 60_000);

  it.skipIf(!hasSqlite)(
    'for a database is one, too',
    async () => {
      const args = ['--queue-type=libsqlite3', '--libsqlite3-db=FOLDER/jobs.db'];
      await refuses(/open libsqlite3 \S*jobs\.db: unable to open/, ...args);
    },
    60_000,
  );
});

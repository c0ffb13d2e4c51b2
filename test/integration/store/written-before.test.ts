/**
 * Jobs that an earlier version has stored are there for the server of today, whatever has been rebuilt meanwhile: bytes
 * and rows of every store, written by version 0.1.0. GEARTRAIN_WRITE_FIXTURES=1 writes those that are missing instead.
 * memcached is left out: it forgets everything when it ends, so no jobs of an earlier version can be in it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { KEPT_STORES } from '../../support/store/kept-stores.ts';
import type { WireConnection } from '../../support/wire.ts';

const yard = useYard();
const [variant] = variants([2]);
if (variant === undefined) throw new Error('no way to run a server');

const LATER_SECONDS = 2_000_000_000;
const LARGE = 'large '.repeat(5_000);
/** Function, unique, data of the jobs in each fixture, in the order in which a worker gets them. */
const RUNNABLE = [
  ['resize', 'high', 'first'],
  ['resize', 'a-b', 'normal'],
  ['resize', 'empty', ''],
  ['resize', 'big', LARGE],
  ['resize', 'low', 'last'],
] as const;
const LATER = ['mail', 'in 2033', 'never in this test'] as const;

/** Redis takes no scheduled jobs, as with gearmand: its rows have no time. */
const keepsTimes = (kind: string): boolean => kind !== 'redis';

async function submitAll(client: WireConnection, kind: string): Promise<void> {
  const [high, dashed, empty, big, low] = RUNNABLE;
  await client.ask('JOB_CREATED', 'SUBMIT_JOB_LOW_BG', ...low);
  for (const job of [dashed, empty, big]) await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', ...job);
  await client.ask('JOB_CREATED', 'SUBMIT_JOB_HIGH_BG', ...high);
  if (!keepsTimes(kind)) return;
  const [name, unique, data] = LATER;
  await client.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', name, unique, String(LATER_SECONDS), data);
}

async function grabAll(worker: WireConnection, name: string): Promise<(readonly string[])[]> {
  worker.send('CAN_DO', name);
  const found: (readonly string[])[] = [];
  for (;;) {
    worker.send('GRAB_JOB_UNIQ');
    const item = await worker.next();
    if (item.kind !== 'packet' || item.name === 'NO_JOB') return found;
    found.push([String(item.args[1]), String(item.args[2]), String(item.data)]);
    worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
  }
}

describe.each(KEPT_STORES)('what version 0.1.0 stored in $name', (kind) => {
  it.skipIf(!kind.isThere())('is there', { timeout: 120_000 }, async () => {
    const file = new URL(`../../fixtures/stores/${kind.name}.json`, import.meta.url);
    const store = await kind.open();
    try {
      if (process.env.GEARTRAIN_WRITE_FIXTURES === '1' && !existsSync(file)) {
        const started = await yard().start(variant, store.options());
        await submitAll(await yard().peer(started, 'client'), kind.name);
        await started.server.close();
        writeFileSync(file, `${JSON.stringify(await store.save(), null, 2)}\n`);
        return;
      }
      await store.load(JSON.parse(readFileSync(file, 'utf8')) as never);
      const started = await yard().start(variant, store.options());
      const worker = await yard().peer(started, 'worker');
      // Databases have no order of their own within a priority.
      const sorted = (jobs: readonly (readonly string[])[]) => [...jobs].sort();
      expect(sorted(await grabAll(worker, 'resize'))).toEqual(sorted(RUNNABLE));
      expect(await grabAll(worker, 'mail')).toEqual([]);
      if (!keepsTimes(kind.name)) return;
      const asker = await yard().peer(started, 'asker');
      const known = await asker.ask('STATUS_RES_UNIQUE', 'GET_STATUS_UNIQUE', LATER[1]);
      expect(String(known.args[1])).toBe('1');
    } finally {
      await yard().end();
      await store.close();
    }
  });
});

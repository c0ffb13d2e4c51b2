/** The state directory over the lives of a server: who may use it, what comes back, what a changed shard count does. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';

const yard = useYard();
let stateDir = '';
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'geartrain-state-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const [variant] = variants([0]);
if (variant === undefined) throw new Error('no way to run a server');
const kept = (options: ServerOptions = {}): ServerOptions => ({
  queueType: 'journal',
  stateDir,
  ...options,
});

describe('a server with a journal', () => {
  it('gives jobs back in order after it was closed, under handles that were never used', async () => {
    const first = await yard().start(variant, kept());
    const client = await yard().peer(first, 'client');
    const handles: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const created = await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', name, `work ${name}`);
      handles.push(String(created.args[0] ?? created.data));
    }
    await first.server.close();
    const second = await yard().start(variant, kept());
    expect((await second.server.stats()).store).toMatchObject({ jobs: 3, isAccepting: true });
    const worker = await yard().peer(second, 'worker');
    worker.send('CAN_DO', 'f');
    for (const name of ['a', 'b', 'c']) {
      const job = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
      expect([String(job.args[2]), String(job.data)]).toEqual([name, `work ${name}`]);
      expect(handles).not.toContain(String(job.args[0]));
      worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
    }
    await worker.barrier();
    await second.server.close();
    const third = await yard().start(variant, kept());
    expect((await third.server.stats()).store).toMatchObject({ jobs: 0 });
  });

  it('spreads its jobs anew when the number of shards has changed', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `function-${i}`);
    const first = await yard().start({ ...variant, threads: 2 }, kept());
    const client = await yard().peer(first, 'client');
    for (const name of names)
      for (const number of [1, 2, 3])
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', `${number}`);
    await first.server.close();
    for (const threads of [3, 0, 1]) {
      const next = await yard().start({ ...variant, threads }, kept());
      expect((await next.server.stats()).store).toMatchObject({ jobs: 36 });
      await next.server.close();
    }
    const last = await yard().start(variant, kept());
    const worker = await yard().peer(last, 'worker');
    for (const name of names) {
      worker.send('CAN_DO', name);
      for (const number of [1, 2, 3]) {
        const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
        expect(String(job.data)).toBe(`${number}`);
        worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
      }
    }
    expect(readdirSync(stateDir).filter((name) => name.startsWith('journal'))).toHaveLength(1);
  });

  it('has the jobs of all its shards for the very first worker', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `function-${i}`);
    const options = { ...variant, threads: 3 };
    const first = await yard().start(options, kept());
    const client = await yard().peer(first, 'client');
    for (const name of names) await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', name);
    await first.server.close();
    const second = await yard().start(options, kept());
    const worker = await yard().peer(second, 'worker');
    for (const name of names) worker.send('CAN_DO', name);
    const got: string[] = [];
    for (const _ of names) got.push(String((await worker.ask('JOB_ASSIGN', 'GRAB_JOB')).data));
    expect(got.sort()).toEqual(names);
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });

  it('answers at once and stores soon when durability is relaxed', async () => {
    const first = await yard().start(variant, kept({ durability: 'relaxed', flushInterval: 5 }));
    const client = await yard().peer(first, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'u', 'work');
    await first.server.close();
    const second = await yard().start(variant, kept());
    expect((await second.server.stats()).jobs).toBe(1);
  });

  it('keeps a second server out of its directory until it is closed', async () => {
    const first = await yard().start(variant, kept());
    await expect(yard().start(variant, kept())).rejects.toThrow(/another server uses this state/);
    await first.server.close();
    const next = yard().create(kept({ host: '127.0.0.1', port: 0 }));
    await next.listen();
    await next.close();
  });

  it('does not touch the directory before it listens', () => {
    yard().create(kept());
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it.each([
    ['{', /manifest\.json/],
    ['{"format":3}', /its format is 3, this version reads 1 and 2/],
    ['{"format":1,"generation":1,"shards":0,"hashSeed":"x","salt":1,"boot":1}', /hashSeed is x/],
  ])('is not made over a manifest that it cannot read: %s', (text, message) => {
    writeFileSync(join(stateDir, 'manifest.json'), text);
    expect(() => yard().create(kept())).toThrow(message);
  });

  it('refuses a store that this version does not have', () => {
    expect(() => yard().create({ queueType: 'libdrizzle' })).toThrow(
      /queueType "libdrizzle": .*or journal/,
    );
  });
});

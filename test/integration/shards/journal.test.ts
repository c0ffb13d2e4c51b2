/** A shard that dies and has a journal: its background jobs are there again when it runs again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killShard, namesByShard, untilMended } from '../../support/embedding/deaths.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import type { WireConnection } from '../../support/wire.ts';

const JOBS = 10;

describe.each(variants([2]))('death of a shard with a journal, $label', (variant) => {
  const yard = useYard();
  let stateDir = '';
  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'geartrain-state-'));
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  it('gives every background job of all shards to a worker, those of the dead one in their order', async () => {
    const server = await yard().start(variant, { queueType: 'journal', stateDir });
    const asker = await yard().peer(server, 'asker');
    const names = await namesByShard(asker, variant.threads);
    await asker.close();
    for (const [shard, name] of names.entries()) {
      const client = await yard().peer(server, `client-${shard}`);
      for (let i = 0; shard > 0 && i < JOBS; i++)
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', `job ${i}`);
    }

    const dead = await killShard(server.log);
    await untilMended(server.log);

    const line = server.log.lines.find((text) => text.includes('has died'));
    expect(line).toContain(
      `shard ${dead} has died, of its ${JOBS} jobs those in its journal will be`,
    );
    expect((await server.server.stats()).jobs).toBe(JOBS * variant.threads);
    for (const name of names.slice(1)) {
      const worker = await yard().peer(server, `worker-${name}`);
      worker.send('CAN_DO', name);
      for (let i = 0; i < JOBS; i++) {
        const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
        expect(job.data.toString()).toBe(`job ${i}`);
        worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
      }
      await worker.ask('NO_JOB', 'GRAB_JOB');
    }
  });

  it('keeps whoever names a function of it waiting until it runs again', async () => {
    const server = await yard().start(variant, { queueType: 'journal', stateDir });
    const asker = await yard().peer(server, 'asker');
    const names = await namesByShard(asker, variant.threads);
    await asker.close();
    const clients: WireConnection[] = [];
    const workers: WireConnection[] = [];
    for (let shard = 1; shard <= variant.threads; shard++) {
      clients[shard] = await yard().peer(server, `client-${shard}`);
      workers[shard] = await yard().peer(server, `worker-${shard}`);
    }

    const dead = await killShard(server.log);
    // Written at once: here before the new thread can be.
    const name = names[dead] as string;
    workers[dead]?.send('CAN_DO', name);
    const created = clients[dead]?.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', 'late');
    const witness = await yard().peer(server, 'witness');
    await witness.barrier();
    expect(server.log.lines.some((line) => line.endsWith('runs again'))).toBe(false);

    await created;
    await untilMended(server.log);
    const job = await workers[dead]?.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(job?.data.toString()).toBe('late');
  });
});

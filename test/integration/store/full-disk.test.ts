/** A real disk that is full: a small tmpfs. Needs root; elsewhere it says so and is skipped. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { onlyWhere } from '../../support/peers.ts';

const yard = useYard();
const folder = mkdtempSync(join(tmpdir(), 'geartrain-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', folder]).status === 0;
onlyWhere(mounted, 'a tmpfs cannot be mounted here, which takes root');

describe.skipIf(!mounted)('a journal on a disk that is full', () => {
  afterAll(() => {
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  let filler = '';
  beforeAll(() => {
    filler = join(folder, 'filler');
  });

  it('refuses new jobs, completes every accepted one, and takes jobs again', async () => {
    const [variant] = variants([0]);
    if (variant === undefined) throw new Error('no way to run a server');
    const options = { queueType: 'journal', stateDir: join(folder, 'state') } as const;
    const first = await yard().start(variant, options);
    const client = await yard().peer(first, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'first');
    // Somebody else takes the rest of the disk.
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']);
    const workload = Buffer.alloc(100_000, 7);
    let accepted = 1;
    for (;;) {
      client.send('SUBMIT_JOB_BG', 'f', '', workload);
      const answer = await client.next();
      if (answer.kind !== 'packet' || answer.name !== 'JOB_CREATED') break;
      accepted++;
    }
    expect(accepted).toBeGreaterThan(10);
    await first.log.until(/gets no more room/);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', 'foreground', 'x');
    const worker = await yard().peer(first, 'worker');
    worker.send('CAN_DO', 'f');
    for (let i = 0; i < accepted; i++) {
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
    }
    await worker.barrier();
    while ((await first.server.stats()).store?.uncommitted !== 0)
      await new Promise((resolve) => setImmediate(resolve));
    expect((await first.server.stats()).store).toMatchObject({ jobs: 0 });
    writeFileSync(filler, '');
    for (;;) {
      client.send('SUBMIT_JOB_BG', 'g', '', 'last');
      const answer = await client.next();
      if (answer.kind === 'packet' && answer.name === 'JOB_CREATED') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await first.server.close();
    const second = await yard().start(variant, options);
    expect((await second.server.stats()).store).toMatchObject({ jobs: 1 });
  }, 60_000);
});

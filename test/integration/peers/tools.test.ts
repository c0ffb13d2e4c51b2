/** The C tools: gearman as worker and client, gearadmin. */
import { afterEach, describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import {
  describeFlavours,
  type Finished,
  passwd,
  run,
  startWorker,
  stopWorkers,
} from './programs.ts';

describe.skipIf(!requirePeer('gearman'))('the gearman tool', () => {
  afterEach(stopWorkers);

  describeFlavours('gearman -w -f wc -- wc -l', (server) => {
    const address = (): string[] => ['-h', '127.0.0.1', '-p', String(server().port)];
    const { text, lineCount } = passwd();

    it('counts the lines of /etc/passwd', async () => {
      startWorker('gearman', [...address(), '-w', '-f', 'wc', '--', 'wc', '-l']);
      const client = await run('gearman', [...address(), '-f', 'wc'], { input: text });
      expect(client).toMatchObject({ code: 0, stderr: '' });
      expect(client.stdout.trim()).toBe(String(lineCount));
    });

    it('serves many jobs by several workers', { timeout: 60_000 }, async () => {
      for (let i = 0; i < 3; i++) {
        startWorker('gearman', [...address(), '-w', '-f', 'upper', '--', 'tr', 'a-z', 'A-Z']);
      }
      const words = Array.from({ length: 30 }, (_, i) => `word${i}`);
      const client = await run('gearman', [...address(), '-f', 'upper', ...words]);
      expect(client).toMatchObject({ code: 0, stderr: '' });
      const said = client.stdout.match(/WORD\d+/g) ?? [];
      expect(said.sort()).toEqual(words.map((word) => word.toUpperCase()).sort());
    });

    it('submits in background and asks with gearadmin for the queue', async () => {
      const submitted = await run('gearman', [...address(), '-f', 'later', '-b', 'x']);
      expect(submitted.code).toBe(0);
      const admin = await server().connect('admin');
      expect(await admin.list('status')).toContain('later\t1\t0\t0');
      await admin.close();
    });

    it('tells a client that its job failed', async () => {
      startWorker('gearman', [...address(), '-w', '-f', 'fails', '--', 'false']);
      const client = await run('gearman', [...address(), '-f', 'fails', 'x']);
      expect(client.code).toBe(1);
      expect(client.stdout + client.stderr).toContain('Job failed');
    });
  });
});

describe.skipIf(!requirePeer('gearadmin'))('gearadmin', () => {
  describeFlavours('gearadmin', (server) => {
    const ask = (...args: string[]): Promise<Finished> =>
      run('gearadmin', ['-h', '127.0.0.1', '-p', String(server().port), ...args]);

    it('shows pid and version', async () => {
      expect(await ask('--getpid')).toMatchObject({ code: 0, stdout: `${server().pid}\n` });
      const version = await ask('--server-version');
      expect(version.stdout).toMatch(/^2\.0\.0\+geartrain\.\d+\.\d+\.\d+\n$/);
      expect(version.code).toBe(0);
    });

    it('lists functions, workers and jobs', async () => {
      const worker = await server().connect('worker');
      worker.send('SET_CLIENT_ID', 'somebody').send('CAN_DO', 'listed');
      const created = await worker.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'listed', 'key', 'x');
      const handle = created.payload.toString();
      expect((await ask('--status')).stdout.split('\n')).toContain('listed\t1\t0\t1');
      expect((await ask('--priority-status')).stdout.split('\n')).toContain('listed\t0\t1\t0\t1');
      expect((await ask('--workers')).stdout).toMatch(/^\d+ 127\.0\.0\.1 somebody : listed$/m);
      expect((await ask('--show-jobs')).stdout).toContain(`${handle}\t0\t0\t1\n`);
      expect((await ask('--show-unique-jobs')).stdout.split('\n')).toContain('key');
      expect((await ask('--cancel-job', handle)).code).toBe(0);
      expect((await ask('--status')).stdout.split('\n')).toContain('listed\t0\t0\t1');
      await worker.close();
    });

    it('creates and drops a function', async () => {
      expect((await ask('--create-function', 'made')).code).toBe(0);
      expect((await ask('--status')).stdout.split('\n')).toContain('made\t0\t0\t0');
      expect((await ask('--drop-function', 'made')).code).toBe(0);
      expect((await ask('--status')).stdout).not.toContain('made');
    });

    it('shows a long listing whole', async () => {
      const worker = await server().connect('worker');
      const names = Array.from({ length: 3000 }, (_, i) => `function-with-a-long-name-${i}`);
      for (const name of names) worker.send('CAN_DO', name);
      await worker.barrier();
      const rows = new Set((await ask('--status')).stdout.split('\n'));
      expect(names.filter((name) => !rows.has(`${name}\t0\t0\t1`))).toEqual([]);
      await worker.close();
    });
  });
});

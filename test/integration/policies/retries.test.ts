/** Retries and dead jobs with workers that know nothing of them: C, PHP, Perl, and our own tool. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import type { WireConnection } from '../../support/wire.ts';

const POLICY = '--policy=f=attempts:3,backoff:fixed:200ms,jitter:0';
const script = (name: string) => fileURLToPath(new URL(`scripts/${name}`, import.meta.url));
const ourTool = fileURLToPath(new URL('../../../dist/cli/gearman.js', import.meta.url));

let server: TestServer | null = null;
let folder = '';
const workers: (() => Promise<void>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-retries-'));
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((end) => end()));
  await server?.stop();
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

async function start(...args: string[]): Promise<TestServer> {
  server = await startServer('geartrain', { threads: 2, args });
  return server;
}

/** Starts a worker in a process group of its own; it ends with the test. */
function startWorker(command: string, args: readonly string[]): void {
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  workers.push(async () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await gone;
  });
}

/** A command that notes the time of each run and ends with `status`. */
function failingCommand(status: number): { path: string; runs(): number[] } {
  const path = join(folder, 'fail.sh');
  const log = join(folder, 'runs');
  writeFileSync(log, '');
  writeFileSync(path, `#!/bin/sh\ncat > /dev/null\ndate +%s%3N >> ${log}\nexit ${status}\n`);
  chmodSync(path, 0o755);
  return { path, runs: () => readFileSync(log, 'utf8').split('\n').filter(Boolean).map(Number) };
}

/** Waits until the function has a dead job; its row. */
async function untilDead(operator: WireConnection): Promise<string[]> {
  for (;;) {
    const [row] = await operator.list('dead f');
    if (row !== undefined) return row.split('\t');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until everything that has happened is on disk: a list shows it before. */
async function untilStored(operator: WireConnection): Promise<void> {
  for (;;) {
    const rows = await operator.list('store');
    // Thread, state, jobs, jobs that are not committed.
    if (rows.every((row) => row.split('\t')[3] === '0')) return;
  }
}

async function untilWoken(worker: WireConnection): Promise<void> {
  worker.send('PRE_SLEEP');
  await worker.expect('NOOP');
}

async function submitTo(running: TestServer): Promise<WireConnection> {
  const operator = await running.connect('operator');
  await operator.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'key', 'data');
  return operator;
}

const TRIED_OUT = ['key', 'fail', '3', '0'];

describe('a job that always fails', () => {
  it.skipIf(!requirePeer('gearman'))(
    'is tried three times with a libgearman worker, then dead',
    {
      timeout: 30_000,
    },
    async () => {
      const running = await start(POLICY);
      const operator = await submitTo(running);
      const { path, runs } = failingCommand(1);
      startWorker('gearman', ['-h', '127.0.0.1', '-p', `${running.port}`, '-w', '-f', 'f', path]);
      const row = await untilDead(operator);
      expect(row.slice(1, 5)).toEqual(TRIED_OUT);
      expect(row.at(-1)).toBe('fail | fail | fail');
      const [first, second, third] = runs() as [number, number, number];
      // The clock of `date` and that of the server tick apart.
      expect(second - first).toBeGreaterThanOrEqual(198);
      expect(third - second).toBeGreaterThanOrEqual(198);
      expect(await operator.list('status')).toEqual(['f\t0\t0\t1']);
    },
  );

  it.skipIf(!requirePeer('php'))(
    'is tried three times with a PHP worker, then dead',
    {
      timeout: 30_000,
    },
    async () => {
      const running = await start(POLICY);
      const operator = await submitTo(running);
      startWorker('php', [script('fail-worker.php'), `${running.port}`]);
      expect((await untilDead(operator)).slice(1, 5)).toEqual(TRIED_OUT);
    },
  );

  it.skipIf(!requirePeer('perl'))(
    'is tried three times with a Perl worker, then dead',
    {
      timeout: 30_000,
    },
    async () => {
      const running = await start(POLICY);
      const operator = await submitTo(running);
      startWorker('perl', [script('fail-worker.pl'), `${running.port}`]);
      expect((await untilDead(operator)).slice(1, 5)).toEqual(TRIED_OUT);
    },
  );

  it.each([
    [65, 1, 'exception: the command ended with exit status 65', 'exception'],
    [75, 3, 'fail | fail | fail', 'fail'],
  ] as const)(
    'with exit status %i of a command has %i runs',
    {
      timeout: 30_000,
    },
    async (status, count, errors, cause) => {
      const running = await start(POLICY);
      const operator = await submitTo(running);
      const { path, runs } = failingCommand(status);
      const where = ['-h', '127.0.0.1', '-p', `${running.port}`];
      startWorker(process.execPath, [ourTool, ...where, '-w', '-f', 'f', path]);
      const row = await untilDead(operator);
      expect(runs()).toHaveLength(count);
      expect([row[2], row[3], row.at(-1)]).toEqual([cause, `${count}`, errors]);
    },
  );
});

describe('with a journal', () => {
  it('attempts, waits and dead jobs are there after kill -9', { timeout: 30_000 }, async () => {
    const args = ['-q', 'journal', `--state-dir=${folder}`, POLICY];
    const first = await start(...args);
    await submitTo(first);
    const worker = await first.connect('worker');
    worker.send('CAN_DO', 'f');
    const failOnce = async (on: WireConnection) => {
      const job = await on.ask('JOB_ASSIGN', 'GRAB_JOB');
      on.send('WORK_FAIL', job.args[0] as Buffer);
    };
    await failOnce(worker);
    await worker.barrier();
    // The second run starts only when the first failure is on disk.
    await untilWoken(worker);
    await failOnce(worker);
    await untilWoken(worker);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;

    const second = await start(...args);
    const again = await second.connect('worker');
    again.send('CAN_DO', 'f');
    await untilWoken(again);
    await failOnce(again);
    const later = await second.connect('operator');
    expect((await untilDead(later)).slice(1, 5)).toEqual(TRIED_OUT);
    await untilStored(later);
    process.kill(second.pid, 'SIGKILL');
    await second.exited;

    const third = await start(...args);
    const last = await third.connect('operator');
    expect((await untilDead(last)).slice(1, 5)).toEqual(TRIED_OUT);
    expect(await last.list('status')).toEqual(['f\t0\t0\t0']);
    last.sendRaw(Buffer.from('kick function f 1\n'), 'kick');
    expect(await last.line()).toMatch(/^OK 1\+kicked/);
    const working = await third.connect('worker');
    working.send('CAN_DO', 'f');
    const job = await working.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(job.data.toString()).toBe('data');
  });
});

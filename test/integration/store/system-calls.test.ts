/** What the journal costs traffic that it does not store: no system call, counted by strace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../../support/free-port.mjs';
import { requirePeer } from '../../support/peers.ts';
import { daemonPath } from '../../support/servers.ts';
import { WireConnection } from '../../support/wire.ts';

const CALLS =
  '%network,read,write,readv,writev,pread64,pwrite64,pwritev,fdatasync,fsync,epoll_ctl,openat';

/** System calls of a server that runs `count` foreground jobs, one after the other. */
async function callsOf(queueType: string, count: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-calls-'));
  const port = await freePort();
  const output = join(folder, 'calls');
  const child = spawn(
    'strace',
    [
      ...['-f', '-c', '-U', 'calls,name', '-o', output, '-e', `trace=${CALLS}`, process.execPath],
      ...[daemonPath, '-L', '127.0.0.1', '-p', `${port}`, '-t', '0', '-q', queueType],
      ...['--state-dir', join(folder, 'state'), '--warm-up=0'], // a warm-up makes calls as long as it lasts
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  try {
    await once(child.stdout, 'data');
    const client = await WireConnection.connect({ port });
    const worker = await WireConnection.connect({ port });
    worker.send('CAN_DO', 'f');
    await worker.barrier();
    for (let i = 0; i < count; i++) {
      client.send('SUBMIT_JOB', 'f', '', 'data');
      await client.expect('JOB_CREATED');
      worker.send('GRAB_JOB');
      const job = await worker.expect('JOB_ASSIGN');
      worker.send('WORK_COMPLETE', job.args[0] as Buffer, 'done');
      await client.expect('WORK_COMPLETE');
    }
    const pid = Number((await client.command('getpid')).split(' ')[1]);
    await Promise.all([client.close(), worker.close()]);
    const ended = once(child, 'exit');
    process.kill(pid, 'SIGTERM');
    await ended;
    return Number(/^\s*(\d+) total$/m.exec(readFileSync(output, 'utf8'))?.[1]);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

it.skipIf(!requirePeer('strace'))(
  'costs a foreground job no system call',
  async () => {
    // The start itself makes some hundred calls more or less: what a job costs must outweigh them.
    const [few, many] = [100, 2500];
    const perJob = async (queueType: string): Promise<number> => {
      const before = await callsOf(queueType, few);
      return ((await callsOf(queueType, many)) - before) / (many - few);
    };
    const [without, with_] = [await perJob('builtin'), await perJob('journal')];
    console.log(`system calls a foreground job: ${without} without, ${with_} with the journal`);
    expect(without).toBeGreaterThan(4);
    // Two packets may come with one read: it is no whole number.
    expect(Math.abs(with_ - without)).toBeLessThan(0.5);
  },
  120_000,
);

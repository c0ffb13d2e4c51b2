/** How USR1 ends a server that has a store: nobody waits for background jobs, which are there after the next start. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { untilRefused } from '../../support/servers.ts';
import { WireConnection } from '../../support/wire.ts';
import { scratch, startDaemon, useScratch } from './command.ts';

useScratch();

const peer = (port: number, name: string): Promise<WireConnection> =>
  WireConnection.connect({ port, name, transcript: null });

describe.each([
  ['0', '1'],
  ['2', '1'],
  ['2', '0'],
])('USR1 with a journal, --threads %s, GEARTRAIN_NATIVE=%s', (threads, native) => {
  const env = { GEARTRAIN_NATIVE: native };
  const stored = () => ['-t', threads, '-q', 'journal', '--state-dir', join(scratch('state'), 's')];

  test('ends although nobody takes a background job, which runs after the next start', async () => {
    const words = stored();
    const daemon = await startDaemon(words, { env });
    const client = await peer(daemon.port, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'u', 'work');
    daemon.kill('SIGUSR1');
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    const next = await startDaemon(words, { env });
    const worker = await peer(next.port, 'worker');
    worker.send('CAN_DO', 'f');
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(job.args[1]?.toString()).toBe('f');
    expect(job.data.toString()).toBe('work');
    next.kill('SIGTERM');
    await next.ended;
  });

  test('waits for a running job and assigns no other', async () => {
    const daemon = await startDaemon([...stored(), '--verbose', 'NOTICE'], { env });
    const client = await peer(daemon.port, 'client');
    const worker = await peer(daemon.port, 'worker');
    worker.send('CAN_DO', 'f');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'first');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'second');
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    daemon.kill('SIGUSR1');
    await daemon.until(/background jobs stay in the journal/);
    await untilRefused(daemon.port);
    await worker.ask('NO_JOB', 'GRAB_JOB');
    worker.send('WORK_COMPLETE', job.args[0] ?? '', 'done');
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
  });

  test('gives foreground clients WORK_FAIL when --drain-timeout is over', async () => {
    const daemon = await startDaemon([...stored(), '--drain-timeout', '0'], { env });
    const client = await peer(daemon.port, 'client');
    const { payload } = await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'x');
    daemon.kill('SIGUSR1');
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(payload.toString());
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
  });
});

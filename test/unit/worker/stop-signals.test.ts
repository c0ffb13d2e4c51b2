/** A worker's process that is told to stop finishes what runs and ends by itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { ScriptedServer } from '../../support/scripted-server.ts';

const program = (port: number, timeoutMs: number | undefined): string => `
import { drainOnSignal, Worker } from ${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)};
const worker = new Worker({ servers: ['127.0.0.1:${port}'] });
worker.add('f', (job) => new Promise((resolve) => {
  job.progress(1, 2);
  if (job.text() !== 'hang') process.on('SIGTERM', () => setImmediate(resolve, 'finished'));
}));
await worker.start();
drainOnSignal(worker, {
  ${timeoutMs === undefined ? '' : `timeoutMs: ${timeoutMs},`}
  onStopped: ({ abandoned }) => console.log('abandoned', abandoned),
});
`;

const servers: ScriptedServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function runUntilJob(workload: string, timeoutMs?: number) {
  const server = await ScriptedServer.start();
  servers.push(server);
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', program(server.port, timeoutMs)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(child, 'close');
  const peer = await server.acceptReady();
  await peer.expect('GRAB_JOB_ALL');
  peer.send('JOB_ASSIGN_UNIQ', 'H:1', 'f', '', workload);
  await peer.expect('WORK_STATUS');
  return { child, peer, ended, output: () => output };
}

it('finishes its job at SIGTERM, leaves and exits with 0', { timeout: 20_000 }, async () => {
  const { child, peer, ended, output } = await runUntilJob('work');
  child.kill('SIGTERM');
  expect((await peer.expect('WORK_COMPLETE')).data.toString()).toBe('finished');
  await peer.untilClosed();
  expect(await ended).toEqual([0, null]);
  expect(output()).toBe('abandoned 0\n');
});

it('gives its job up when the time is over', { timeout: 20_000 }, async () => {
  const { child, peer, ended, output } = await runUntilJob('hang', 50);
  child.kill('SIGTERM');
  await peer.untilClosed();
  expect(await ended).toEqual([0, null]);
  expect(output()).toBe('abandoned 1\n');
});

it('closes at the second signal', { timeout: 20_000 }, async () => {
  const { child, peer, ended } = await runUntilJob('hang');
  child.kill('SIGINT');
  child.kill('SIGTERM');
  await peer.untilClosed();
  expect(await ended).toEqual([0, null]);
});

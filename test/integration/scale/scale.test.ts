/**
 * Large numbers: idle workers, functions of one worker, the size of one job. A tenth of them by default, all of them
 * with GEARTRAIN_FULL=1 (`npm run scale`). Memory is printed, never judged by a threshold that a machine could break.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../../support/packet-text.ts';
import { startServer, type TestServer } from '../../support/servers.ts';

const isFull = process.env.GEARTRAIN_FULL === '1';
const MIB = 1024 * 1024;
const workerCount = isFull ? 10_000 : 1_000;
const functionCount = isFull ? 20_000 : 2_000;
const workloadBytes = (isFull ? 100 : 10) * MIB;

/** Resident memory of a process in KiB. */
function residentKib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

/** A bare connection that counts NOOPs: thousands of them must cost this process little. */
async function sleeper(
  port: number,
  functionName: string,
): Promise<{ socket: Socket; noops(): number }> {
  const socket = connect(port, '127.0.0.1');
  let noopBytes = 0;
  let isReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  let isEchoed = false;
  socket.on('data', (bytes) => {
    if (isEchoed) noopBytes += bytes.length;
    else isReady();
  });
  socket.on('error', () => {});
  socket.write(
    Buffer.concat([request('CAN_DO', functionName), request('PRE_SLEEP'), request('ECHO_REQ', '')]),
  );
  await ready;
  isEchoed = true;
  return { socket, noops: () => noopBytes / 12 };
}

describe.each([0, 2])('large numbers, --threads %i', (threads) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('geartrain', {
      threads,
      args: ['--backlog=1024', '--wakeup-delay=60000'],
    });
  });
  afterAll(async () => {
    expect(server.isRunning(), server.output()).toBe(true);
    await server.stop();
  });

  it(`wakes one of ${workerCount} sleeping workers for one job`, { timeout: 120_000 }, async () => {
    const before = residentKib(server.pid);
    const workers: Awaited<ReturnType<typeof sleeper>>[] = [];
    while (workers.length < workerCount) {
      const lot = Math.min(250, workerCount - workers.length);
      workers.push(
        ...(await Promise.all(Array.from({ length: lot }, () => sleeper(server.port, 'idle')))),
      );
    }
    const perWorker = ((residentKib(server.pid) - before) * 1024) / workerCount;
    console.log(`${workerCount} idle workers: ${perWorker.toFixed(0)} bytes of RSS each`);
    const client = await server.connect();
    const status = await client.list('status');
    expect(status).toEqual([`idle\t0\t0\t${workerCount}`]);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'idle', '', 'x');
    await client.barrier();
    // The longest sleeper answers at once, so that nobody else is woken in its place.
    const first = workers[0] as Awaited<ReturnType<typeof sleeper>>;
    if (first.noops() === 0) await new Promise((resolve) => first.socket.once('data', resolve));
    first.socket.write(request('GRAB_JOB'));
    await new Promise((resolve) => first.socket.once('data', resolve));
    const others = workers.slice(1).map((worker) => worker.noops());
    expect(others.filter((count) => count !== 0)).toEqual([]);
    await client.close();
    for (const worker of workers) worker.socket.destroy();
  });

  it(`serves a worker of ${functionCount} functions`, { timeout: 120_000 }, async () => {
    const worker = await server.connect('worker');
    const client = await server.connect('client');
    const names = Array.from({ length: functionCount }, (_, i) => `many-${i}`);
    for (const name of names) worker.send('CAN_DO', name);
    await worker.barrier();
    const status = await client.list('status');
    expect(status.filter((line) => line.startsWith('many-'))).toHaveLength(functionCount);
    const wanted = [0, 1, functionCount >> 1, functionCount - 1].map((i) => `many-${i}`);
    for (const name of wanted) client.send('SUBMIT_JOB', name, '', name);
    for (const _ of wanted) await client.expect('JOB_CREATED');
    const served: string[] = [];
    for (const _ of wanted) {
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      served.push(job.args[1]?.toString() as string);
      worker.send('WORK_COMPLETE', job.args[0] as Buffer, 'done');
      await client.expect('WORK_COMPLETE');
    }
    expect(served.sort()).toEqual([...wanted].sort());
    await worker.ask('NO_JOB', 'GRAB_JOB');
    worker.send('PRE_SLEEP');
    client.send('SUBMIT_JOB', 'many-1', '', 'x');
    await worker.expect('NOOP');
    await worker.close();
    await client.close();
  });

  it(`carries a workload of ${workloadBytes / MIB} MiB there and back`, {
    timeout: 120_000,
  }, async () => {
    const worker = await server.connect('worker');
    const client = await server.connect('client');
    const workload = Buffer.alloc(workloadBytes);
    for (let i = 0; i < workload.length; i += 4) workload.writeUInt32LE((i * 2654435761) >>> 0, i);
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    worker.send('CAN_DO', 'large');
    client.send('SUBMIT_JOB', 'large', '', workload);
    await client.expect('JOB_CREATED');
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(digest(job.data as Buffer)).toBe(digest(workload));
    worker.send('WORK_COMPLETE', job.args[0] as Buffer, job.data as Buffer);
    const result = await client.expect('WORK_COMPLETE');
    expect(digest(result.data as Buffer)).toBe(digest(workload));
    console.log(`after ${workloadBytes / MIB} MiB: ${residentKib(server.pid)} KiB of RSS`);
    await worker.close();
    await client.close();
  });
});

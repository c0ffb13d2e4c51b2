/**
 * What no dialogue can show: races between peers, the clock of the system, a thousand connections, a process that is
 * stopped, and answers that depend on the place of functions. Everything else stands in test/dialogues.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  describeServer,
  grab,
  handleIn,
  type Stage,
  submit,
  workerOf,
} from '../../support/stage.ts';
import type { WireConnection } from '../../support/wire.ts';

const NAPPER = fileURLToPath(new URL('napper.mjs', import.meta.url));

const noopsOf = (worker: WireConnection): number =>
  worker.items.filter((item) => item.kind === 'packet' && item.name === 'NOOP').length;

/** Registers `functions` and goes to sleep. */
async function fallAsleep(
  stage: Stage,
  name: string,
  ...functions: string[]
): Promise<WireConnection> {
  const worker = await workerOf(stage, name, ...functions);
  worker.send('PRE_SLEEP');
  expect(await worker.arrived()).toEqual([]);
  return worker;
}

describeServer('beyond dialogues', {}, (stage) => {
  const sleeper = (name: string, ...functions: string[]) => fallAsleep(stage, name, ...functions);

  it('delivers results in the order of the worker, behind JOB_CREATED', async () => {
    const fn = stage.fresh('order');
    const worker = await workerOf(stage, 'worker', fn);
    const client = await stage.peer('client');
    for (let i = 0; i < 50; i++) client.send('SUBMIT_JOB', fn, '', String(i));
    for (let i = 0; i < 50; i++) {
      // The worker grabs while the client's submits are still on their way.
      for (;;) {
        worker.send('GRAB_JOB');
        const item = await worker.next();
        if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN') continue;
        worker.send('WORK_DATA', item.args[0] as Buffer, item.data);
        worker.send('WORK_COMPLETE', item.args[0] as Buffer, item.data);
        break;
      }
    }
    await worker.barrier();
    await client.barrier();
    const created = new Set<string>();
    const told: string[] = [];
    for (const item of client.take()) {
      if (item.kind !== 'packet') continue;
      const handle = String(item.args[0]);
      if (item.name === 'JOB_CREATED') created.add(handle);
      else {
        expect(created).toContain(handle);
        told.push(`${item.name} ${item.data}`);
      }
    }
    const wanted = Array.from({ length: 50 }, (_, i) => [`WORK_DATA ${i}`, `WORK_COMPLETE ${i}`]);
    expect(told).toEqual(wanted.flat());
  });

  it('hands out every job of functions that several shards own', async () => {
    const names = Array.from({ length: 12 }, (_, i) => stage.fresh(`f${i}`));
    const client = await stage.peer('client');
    for (const fn of names) await submit(client, 'SUBMIT_JOB', fn, '', fn);
    const worker = await workerOf(stage, 'worker', ...names);
    const got = new Set<string>();
    for (const _ of names) got.add((await worker.ask('JOB_ASSIGN', 'GRAB_JOB')).data.toString());
    expect([...got].sort()).toEqual([...names].sort());
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });

  it('wakes a sleeper when a scheduled job is due, not before its time', async () => {
    const fn = stage.fresh('later');
    const worker = await workerOf(stage, 'worker', fn);
    const client = await stage.peer('client');
    // Far enough away for a slow machine to ask before it.
    const dueMs = (Math.floor(Date.now() / 1000) + 3) * 1000;
    const created = await client.ask(
      'JOB_CREATED',
      'SUBMIT_JOB_EPOCH',
      fn,
      '',
      `${dueMs / 1000}`,
      'x',
    );
    worker.send('PRE_SLEEP');
    expect(await worker.arrived()).toEqual([]);
    await worker.ask('NO_JOB', 'GRAB_JOB');
    worker.send('PRE_SLEEP');
    await worker.expect('NOOP');
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    expect(await grab(worker)).toBe(handleIn(created.payload));
  });

  it('runs the job on another worker when one of three sleepers is stopped', async () => {
    const fn = stage.fresh('stopped');
    const { port } = stage.server;
    // The stopped process has slept longest, so it is the one to be woken.
    const process1 = spawn(process.execPath, [NAPPER, String(port), fn], { stdio: 'pipe' });
    try {
      await firstLine(process1);
      process1.kill('SIGSTOP');
      const two = await sleeper('worker2', fn);
      await sleeper('worker3', fn);
      const client = await stage.peer('client');
      const handle = await submit(client, 'SUBMIT_JOB', fn, '', 'x');
      await two.expect('NOOP');
      expect(await grab(two)).toBe(handle);
      two.send('WORK_COMPLETE', handle, 'done');
      expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('done');
    } finally {
      process1.kill('SIGCONT');
      process1.kill('SIGKILL');
    }
  });

  it('tells version, pid and log level in one line that ends in LF', async () => {
    const peer = await stage.peer('peer');
    expect(await peer.command('version')).toMatch(/^OK 2\.0\.0\+geartrain\.\d+\.\d+\.\d+\S*\n$/);
    expect(await peer.command('GetPid')).toBe(`OK ${stage.server.pid}\n`);
    expect(await peer.command('verbose')).toMatch(
      /^OK (FATAL|ALERT|CRITICAL|ERROR|WARNING|NOTICE|INFO|DEBUG)\n$/,
    );
  });

  it('lists 20,000 functions whole', { timeout: 60_000 }, async () => {
    const worker = await stage.peer('worker');
    const names = Array.from({ length: 20_000 }, (_, i) => stage.fresh(`f${i}`));
    for (const fn of names) worker.send('CAN_DO', fn);
    await worker.barrier();
    const rows = new Set(await worker.list('status'));
    expect(names.filter((fn) => !rows.has(`${fn}\t0\t0\t1`))).toEqual([]);
    worker.send('RESET_ABILITIES');
    await worker.barrier();
  });
});

describeServer('waking without a second attempt', { args: ['--wakeup-delay=3600000'] }, (stage) => {
  const sleeper = (name: string, ...functions: string[]) => fallAsleep(stage, name, ...functions);

  it('passes a job on when its worker took another function', async () => {
    const [f, g] = [stage.fresh('f'), stage.fresh('g')];
    const both = await sleeper('both', f, g);
    const one = await sleeper('one', f);
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB_BG', f);
    await both.expect('NOOP');
    // Only `both` can do this one, and it counts as woken already.
    await submit(client, 'SUBMIT_JOB_HIGH_BG', g);
    const taken = await both.ask('JOB_ASSIGN', 'GRAB_JOB');
    const other = taken.args[1]?.toString() === g ? one : both;
    if (other === one) await one.expect('NOOP');
    await grab(other);
  });

  it('wakes one of 1,000 sleepers for one job', { timeout: 60_000 }, async () => {
    const fn = stage.fresh('crowd');
    // Fewer at a time than the backlog of the listener (32): a lost SYN costs a second.
    const workers: WireConnection[] = [];
    for (let i = 0; i < 1000; i += 20) {
      const batch = Array.from({ length: 20 }, (_, k) => sleeper(`worker${i + k}`, fn));
      workers.push(...(await Promise.all(batch)));
    }
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB_BG', fn);
    await Promise.all(workers.map((worker) => worker.barrier()));
    const noops = workers.map(noopsOf).filter((count) => count > 0);
    expect(noops).toEqual([1]);
  });
});

async function firstLine(child: ChildProcess): Promise<void> {
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
}

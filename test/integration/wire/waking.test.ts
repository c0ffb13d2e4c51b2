/**
 * Waking: as many sleepers as there are runnable jobs, the longest sleeper first, and the next one when a woken worker
 * does not come. Source: docs/design.md, section 1.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeServer, grab, type Stage, submit, workerOf } from '../../support/stage.ts';
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

describeServer('waking', { args: ['--wakeup-delay=3600000'] }, (stage) => {
  const sleeper = (name: string, ...functions: string[]) => fallAsleep(stage, name, ...functions);

  it('wakes the longest sleeper for one job, and no other while that one comes', async () => {
    const fn = stage.fresh('one');
    const workers = [
      await sleeper('worker1', fn),
      await sleeper('worker2', fn),
      await sleeper('worker3', fn),
    ];
    const client = await stage.peer('client');
    for (const [at, worker] of workers.entries()) {
      const handle = await submit(client, 'SUBMIT_JOB_BG', fn, '', String(at));
      await worker.expect('NOOP');
      expect(await grab(worker)).toBe(handle);
    }
    for (const worker of workers) expect(await worker.arrived()).toEqual([]);
  });

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

  it('wakes as many sleepers as there are jobs', async () => {
    const fn = stage.fresh('some');
    const workers: WireConnection[] = [];
    for (let i = 1; i <= 5; i++) workers.push(await sleeper(`worker${i}`, fn));
    const client = await stage.peer('client');
    for (let i = 0; i < 3; i++) client.send('SUBMIT_JOB_BG', fn, '', String(i));
    for (let i = 0; i < 3; i++) await (workers[i] as WireConnection).expect('NOOP');
    for (let i = 0; i < 3; i++) await grab(workers[i] as WireConnection);
    for (const worker of workers) expect(await worker.arrived()).toEqual([]);
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

  it('wakes a worker again that answered a NOOP with PRE_SLEEP', async () => {
    const fn = stage.fresh('again');
    const worker = await sleeper('worker', fn);
    const thief = await workerOf(stage, 'thief', fn);
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB_BG', fn, '', '1');
    await worker.expect('NOOP');
    await grab(thief);
    worker.send('PRE_SLEEP');
    expect(await worker.arrived()).toEqual([]);
    const handle = await submit(client, 'SUBMIT_JOB_BG', fn, '', '2');
    await worker.expect('NOOP');
    expect(await grab(worker)).toBe(handle);
  });

  it('answers PRE_SLEEP with NOOP while a job waits that nobody was woken for', async () => {
    const fn = stage.fresh('waiting');
    const worker = await workerOf(stage, 'worker', fn);
    await submit(worker, 'SUBMIT_JOB_BG', fn);
    worker.send('PRE_SLEEP');
    await worker.expect('NOOP');
    worker.send('PRE_SLEEP');
    await worker.expect('NOOP');
  });

  it('counts a function that a sleeper registers at once', async () => {
    const fn = stage.fresh('joined');
    const worker = await sleeper('worker', stage.fresh('other'));
    await submit(worker, 'SUBMIT_JOB_BG', fn);
    worker.send('CAN_DO', fn);
    await worker.expect('NOOP');
    await grab(worker);
  });

  it('sends no NOOP to a worker that is awake', async () => {
    const fn = stage.fresh('awake');
    const worker = await workerOf(stage, 'worker', fn);
    await submit(worker, 'SUBMIT_JOB_BG', fn);
    expect(await worker.arrived()).toEqual([]);
  });

  it('sends the NOOP before JOB_CREATED to a sleeper that submits', async () => {
    const fn = stage.fresh('self');
    const worker = await sleeper('worker', fn);
    worker.send('SUBMIT_JOB_BG', fn, '', '');
    expect(await worker.arrived()).toEqual(['NOOP', 'JOB_CREATED']);
  });
});

describeServer('waking with the usual delay', {}, (stage) => {
  const sleeper = (name: string, ...functions: string[]) => fallAsleep(stage, name, ...functions);

  it('wakes another sleeper when the woken one does not grab, and wakes none twice', async () => {
    const fn = stage.fresh('stuck');
    const [stuck, next] = [await sleeper('stuck', fn), await sleeper('next', fn)];
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB_BG', fn);
    await stuck.expect('NOOP');
    await next.expect('NOOP');
    expect(await grab(next)).toBe(handle);
    expect(await stuck.arrived()).toEqual([]);
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
});

describeServer(
  'waking with --worker-wakeup 2',
  { args: ['--worker-wakeup=2', '--wakeup-delay=3600000'] },
  (stage) => {
    it('wakes two sleepers per job', async () => {
      const fn = stage.fresh('pair');
      const workers: WireConnection[] = [];
      for (let i = 1; i <= 4; i++) {
        const worker = await workerOf(stage, `worker${i}`, fn);
        worker.send('PRE_SLEEP');
        await worker.barrier();
        workers.push(worker);
      }
      const client = await stage.peer('client');
      await submit(client, 'SUBMIT_JOB_BG', fn);
      const [one, two, three, four] = workers as [
        WireConnection,
        WireConnection,
        WireConnection,
        WireConnection,
      ];
      await one.expect('NOOP');
      await two.expect('NOOP');
      await grab(one);
      expect(await three.arrived()).toEqual([]);
      expect(await four.arrived()).toEqual([]);
    });
  },
);

async function firstLine(child: ChildProcess): Promise<void> {
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
}

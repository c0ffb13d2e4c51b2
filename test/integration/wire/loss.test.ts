/** Lost workers: requeue, order, --job-retries. */
import { expect, it } from 'vitest';
import { describeServer, grab, submit, workerOf } from '../../support/stage.ts';

describeServer('lost workers', {}, (stage) => {
  it('requeues the jobs of a lost worker at the tail, the last taken first', async () => {
    const fn = stage.fresh('lost');
    const client = await stage.peer('client');
    const handles: string[] = [];
    for (let i = 0; i < 5; i++) handles.push(await submit(client, 'SUBMIT_JOB', fn, '', `q${i}`));
    const worker = await workerOf(stage, 'worker', fn);
    for (let i = 0; i < 3; i++) await grab(worker);
    await worker.close();
    const second = await workerOf(stage, 'second', fn);
    await second.list('status');
    const order: number[] = [];
    for (let i = 0; i < 5; i++) order.push(handles.indexOf(await grab(second)));
    expect(order).toEqual([3, 4, 2, 1, 0]);
    expect(await client.arrived()).toEqual([]);
  });

  it('requeues the jobs of a worker that was reset', async () => {
    const fn = stage.fresh('reset');
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB', fn, '', 'x');
    const worker = await workerOf(stage, 'worker', fn);
    await grab(worker);
    const second = await workerOf(stage, 'second', fn);
    second.send('PRE_SLEEP');
    await second.barrier();
    worker.reset();
    await second.expect('NOOP');
    expect(await grab(second)).toBe(handle);
    expect(await client.list('show jobs')).toContain(`${handle}\t1\t0\t0`);
  });

  it('tries a job again without limit by default', async () => {
    const fn = stage.fresh('stubborn');
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    for (let i = 1; i <= 10; i++) {
      const worker = await workerOf(stage, `worker${i}`, fn);
      expect(await grab(worker)).toBe(handle);
      worker.send('RESET_ABILITIES');
      await worker.barrier();
    }
    expect(await client.list('show jobs')).toContain(`${handle}\t10\t0\t0`);
  });
});

describeServer('lost workers with --job-retries 2', { args: ['--job-retries=2'] }, (stage) => {
  it('fails a job that was lost twice', async () => {
    const fn = stage.fresh('doomed');
    const client = await stage.peer('client');
    const admin = await stage.peer('admin');
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    for (const name of ['one', 'two']) {
      const worker = await workerOf(stage, name, fn);
      expect(await grab(worker)).toBe(handle);
      await worker.close();
      await admin.list('status');
    }
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(handle);
    expect(await client.list('status')).toContain(`${fn}\t0\t0\t0`);
  });

  it('does not count a WORK_FAIL as a loss: it is final', async () => {
    const fn = stage.fresh('final');
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    const worker = await workerOf(stage, 'worker', fn);
    await grab(worker);
    worker.send('WORK_FAIL', handle);
    await client.expect('WORK_FAIL');
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });
});

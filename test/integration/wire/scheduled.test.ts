/** SUBMIT_JOB_EPOCH: runs when its second has come, wakes a sleeper then, and not before. */
import { expect, it } from 'vitest';
import { describeServer, grab, handleIn, submit, workerOf } from '../../support/stage.ts';

describeServer('scheduled jobs', {}, (stage) => {
  it('wakes a sleeper when a scheduled job is due, not before its time', async () => {
    const fn = stage.fresh('later');
    const worker = await workerOf(stage, 'worker', fn);
    const client = await stage.peer('client');
    const dueMs = (Math.floor(Date.now() / 1000) + 2) * 1000;
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

  it('serves a low job while a normal one of the same function is not due', async () => {
    const fn = stage.fresh('hidden');
    const worker = await workerOf(stage, 'worker', fn);
    await worker.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', fn, '', '4102444800', 'x');
    const low = await submit(worker, 'SUBMIT_JOB_LOW', fn);
    expect(await grab(worker)).toBe(low);
    await worker.ask('NO_JOB', 'GRAB_JOB');
    expect(await worker.list('prioritystatus')).toContain(`${fn}\t0\t1\t0\t1`);
  });

  it('merges submits with a job that is not due', async () => {
    const fn = stage.fresh('merged');
    const client = await stage.peer('client');
    const created = await client.ask(
      'JOB_CREATED',
      'SUBMIT_JOB_EPOCH',
      fn,
      'key',
      '4102444800',
      'x',
    );
    expect(await submit(client, 'SUBMIT_JOB_HIGH', fn, 'key')).toBe(handleIn(created.payload));
    const worker = await workerOf(stage, 'worker', fn);
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });

  it.each(['0', '-7', 'soon', '', ' 1', '1000000000'])('runs epoch "%s" at once', async (epoch) => {
    const fn = stage.fresh('now');
    const worker = await workerOf(stage, 'worker', fn);
    await worker.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', fn, '', epoch, 'x');
    await grab(worker);
  });
});

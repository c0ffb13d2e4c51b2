/** CAN_DO_TIMEOUT: one timer a job, requeue when it fires, nobody told. The shortest timeout is a second. */
import { expect, it } from 'vitest';
import { describeServer, grab, submit, workerOf } from '../../support/stage.ts';

const RESULT_ERROR = 'JOB_NOT_FOUND\0Job given in work result not found';

describeServer('timeouts', { args: ['--job-retries=2'] }, (stage) => {
  const timedWorker = async (name: string, fn: string, timeout: string) => {
    const worker = await stage.peer(name);
    worker.send('CAN_DO_TIMEOUT', fn, timeout);
    await worker.barrier();
    return worker;
  };

  it('requeues a job whose time is over, wakes a sleeper, and tells neither side', async () => {
    const fn = stage.fresh('late');
    const client = await stage.peer('client');
    const slow = await timedWorker('slow', fn, '1');
    const handle = await submit(client, 'SUBMIT_JOB', fn, '', 'x');
    const startMs = performance.now();
    await grab(slow);
    const other = await workerOf(stage, 'other', fn);
    other.send('PRE_SLEEP');
    await other.expect('NOOP');
    // 1 to 999 are raised to 1000.
    expect(performance.now() - startMs).toBeGreaterThan(990);
    expect(await client.arrived()).toEqual([]);
    expect(await slow.arrived()).toEqual([]);
    expect(await grab(other)).toBe(handle);
    // Swallowed while the other one has the job; only the first of that assignment.
    slow.send('WORK_COMPLETE', handle, 'late');
    const error = await slow.ask('ERROR', 'WORK_COMPLETE', handle, 'again');
    expect(error.payload.toString()).toBe(RESULT_ERROR);
    other.send('WORK_COMPLETE', handle, 'in time');
    expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('in time');
  });

  it('has a late result end a job that nobody has', async () => {
    const [fn, moved] = [stage.fresh('overdue'), stage.fresh('moved')];
    const client = await stage.peer('client');
    // Where there are shards, the worker's home may be another one than the owner of the function.
    const worker = await workerOf(stage, 'worker', moved);
    worker.send('CAN_DO_TIMEOUT', fn, '1000');
    await worker.barrier();
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    await grab(worker);
    const waiting = await workerOf(stage, 'waiting', fn);
    waiting.send('PRE_SLEEP');
    await waiting.expect('NOOP');
    worker.send('WORK_DATA', handle, 'unheard');
    worker.send('WORK_COMPLETE', handle, 'late');
    expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('late');
    await worker.barrier();
    expect(await worker.arrived()).toEqual([]);
    await waiting.ask('NO_JOB', 'GRAB_JOB');
    expect(await client.list('status')).toContain(`${fn}\t0\t0\t2`);
  });

  it('fails the job when its last run times out', async () => {
    const fn = stage.fresh('twice');
    const client = await stage.peer('client');
    const worker = await timedWorker('worker', fn, '1000');
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    await grab(worker);
    const second = await timedWorker('second', fn, '1000');
    second.send('PRE_SLEEP');
    await second.expect('NOOP');
    await grab(second);
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(handle);
    expect(await client.list('status')).toContain(`${fn}\t0\t0\t2`);
  });

  it('forgets the timeout of a job that completed in time', async () => {
    const [fn, clock] = [stage.fresh('quick'), stage.fresh('clock')];
    const worker = await timedWorker('worker', fn, '1000');
    const done = await submit(worker, 'SUBMIT_JOB_BG', fn, '', 'a');
    await grab(worker);
    worker.send('WORK_COMPLETE', done, '');
    // A later job with the same timeout shows when the first one's time is over for sure.
    const ticking = await timedWorker('ticking', clock, '1000');
    await submit(ticking, 'SUBMIT_JOB_BG', clock);
    await grab(ticking);
    const waiting = await workerOf(stage, 'waiting', clock);
    waiting.send('PRE_SLEEP');
    await waiting.expect('NOOP');
    expect(await worker.list('status')).toContain(`${fn}\t0\t0\t1`);
    await submit(worker, 'SUBMIT_JOB_BG', fn);
    await grab(worker);
    expect(await worker.list('status')).toContain(`${fn}\t1\t1\t1`);
  });

  it('keeps one timer per job when a worker holds two', async () => {
    const fn = stage.fresh('two');
    const client = await stage.peer('client');
    const worker = await timedWorker('worker', fn, '1000');
    const first = await submit(client, 'SUBMIT_JOB_BG', fn, '', '1');
    const second = await submit(client, 'SUBMIT_JOB_BG', fn, '', '2');
    await grab(worker);
    await grab(worker);
    // Sleeping does not stop the timers.
    worker.send('PRE_SLEEP');
    const other = await workerOf(stage, 'other', fn);
    const got: string[] = [];
    while (got.length < 2) {
      other.send('PRE_SLEEP');
      await other.expect('NOOP');
      got.push(await grab(other));
    }
    expect(got).toEqual([first, second]);
  });

  it('takes a timeout of 0, a negative, empty or unreadable one for none', async () => {
    const clock = stage.fresh('clock');
    const names: string[] = [];
    for (const [at, timeout] of ['0', '-5', '', 'soon'].entries()) {
      const fn = stage.fresh(`none${at}`);
      const worker = await timedWorker(`worker${at}`, fn, timeout);
      await submit(worker, 'SUBMIT_JOB_BG', fn);
      await grab(worker);
      names.push(fn);
    }
    const ticking = await timedWorker('ticking', clock, '1000');
    await submit(ticking, 'SUBMIT_JOB_BG', clock);
    await grab(ticking);
    const waiting = await workerOf(stage, 'waiting', clock);
    waiting.send('PRE_SLEEP');
    await waiting.expect('NOOP');
    const rows = await waiting.list('status');
    for (const fn of names) expect(rows).toContain(`${fn}\t1\t1\t1`);
  });

  it('survives a timeout of 20 digits and of 21', async () => {
    const fn = stage.fresh('huge');
    const worker = await stage.peer('worker');
    worker.send('CAN_DO_TIMEOUT', fn, '9'.repeat(21));
    expect((await worker.list('status')).join()).not.toContain(fn);
    worker.send('CAN_DO_TIMEOUT', fn, '9'.repeat(20));
    await worker.barrier();
    const sure = stage.fresh('sure');
    worker.send('CAN_DO', sure);
    await submit(worker, 'SUBMIT_JOB_BG', sure);
    await grab(worker);
  });
});

/** SUBMIT_*: merging by unique, forgotten and mixed jobs, limits. */
import { expect, it } from 'vitest';
import { describeServer, grab, handleIn, submit, workerOf } from '../../support/stage.ts';

describeServer('submits', {}, (stage) => {
  it('merges submits with a unique of 64 bytes and hands it out whole', async () => {
    const fn = stage.fresh('unique64');
    const unique = 'u'.repeat(64);
    const client = await stage.peer('client');
    const first = await submit(client, 'SUBMIT_JOB_BG', fn, unique, 'data');
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, unique, 'other')).toBe(first);
    const worker = await workerOf(stage, 'worker', fn);
    const assigned = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
    expect(assigned.args[2]?.toString()).toBe(unique);
    expect(assigned.data.toString()).toBe('data');
  });

  it('refuses a unique of 65 bytes and makes no function', async () => {
    const fn = stage.fresh('unique65');
    const client = await stage.peer('client');
    const error = await client.ask('ERROR', 'SUBMIT_JOB', fn, 'u'.repeat(65), '');
    expect(error.payload.toString()).toBe('ARGUMENT_TOO_LARGE\0Unique value too large');
    expect((await client.list('status')).join()).not.toContain(fn);
  });

  it('refuses a reduce submit with a unique of 65 bytes', async () => {
    const client = await stage.peer('client');
    const fn = stage.fresh('reduce');
    for (const [unique, reducer] of [
      ['u'.repeat(65), 'r'],
      ['u', 'r'.repeat(65)],
    ] as const) {
      const error = await client.ask('ERROR', 'SUBMIT_REDUCE_JOB', fn, unique, reducer, '', 'x');
      expect(error.payload.toString()).toBe('ARGUMENT_TOO_LARGE\0Unique value too large');
    }
  });

  it('hands a reducer only to GRAB_JOB_ALL', async () => {
    const fn = stage.fresh('map');
    const worker = await workerOf(stage, 'worker', fn);
    for (let i = 0; i < 3; i++) {
      await worker.ask('JOB_CREATED', 'SUBMIT_REDUCE_JOB_BACKGROUND', fn, `u${i}`, 'sum', 'x', 'd');
    }
    await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
    const all = await worker.ask('JOB_ASSIGN_ALL', 'GRAB_JOB_ALL');
    expect(all.args.slice(1).map(String)).toEqual([fn, 'u2', 'sum']);
    await submit(worker, 'SUBMIT_JOB_BG', fn, 'plain');
    await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_ALL');
  });

  it('runs a resubmitted job whose first client went away', async () => {
    const fn = stage.fresh('again');
    const first = await stage.peer('client1');
    const lost = await submit(first, 'SUBMIT_JOB', fn, 'key', 'old');
    await first.close();
    const second = await stage.peer('client2');
    // What closing caused has happened when a listing of all shards has been answered.
    await second.list('status');
    const handle = await submit(second, 'SUBMIT_JOB', fn, 'key', 'new');
    expect(handle).not.toBe(lost);
    const worker = await workerOf(stage, 'worker', fn);
    const assigned = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(assigned.data.toString()).toBe('new');
    worker.send('WORK_COMPLETE', handle, 'done');
    expect((await second.expect('WORK_COMPLETE')).data.toString()).toBe('done');
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });

  it('runs a resubmitted job while the abandoned one still runs', async () => {
    const fn = stage.fresh('again');
    const worker = await workerOf(stage, 'worker', fn);
    const first = await stage.peer('client1');
    const lost = await submit(first, 'SUBMIT_JOB', fn, 'key', 'old');
    await grab(worker);
    await first.close();
    await worker.list('status');
    const second = await stage.peer('client2');
    const handle = await submit(second, 'SUBMIT_JOB', fn, 'key', 'new');
    expect(handle).not.toBe(lost);
    worker.send('WORK_COMPLETE', lost, 'for nobody');
    expect(await grab(worker)).toBe(handle);
    worker.send('WORK_COMPLETE', handle, 'done');
    expect((await second.expect('WORK_COMPLETE')).data.toString()).toBe('done');
  });

  it('drops a queued job at once when its last client goes away', async () => {
    const fn = stage.fresh('gone');
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB', fn);
    await client.close();
    const peer = await stage.peer('peer');
    await peer.list('status');
    expect(await peer.list('status')).toContain(`${fn}\t0\t0\t0`);
  });

  it('keeps a background job whose foreground watcher went away', async () => {
    const fn = stage.fresh('background');
    const client = await stage.peer('client');
    const watcher = await stage.peer('watcher');
    const handle = await submit(client, 'SUBMIT_JOB_BG', fn, 'key', 'x');
    expect(await submit(watcher, 'SUBMIT_JOB', fn, 'key', 'x')).toBe(handle);
    await watcher.close();
    await client.list('status');
    const worker = await workerOf(stage, 'worker', fn);
    expect(await grab(worker)).toBe(handle);
  });

  it('keeps a foreground job that was submitted again in background', async () => {
    const fn = stage.fresh('upgrade');
    const client = await stage.peer('client');
    const other = await stage.peer('other');
    const handle = await submit(client, 'SUBMIT_JOB', fn, 'key', 'x');
    expect(await submit(other, 'SUBMIT_JOB_BG', fn, 'key', 'x')).toBe(handle);
    expect(await other.list('show jobs')).toContain(`${handle}\t0\t0\t1`);
    await client.close();
    await other.list('status');
    const worker = await workerOf(stage, 'worker', fn);
    expect(await grab(worker)).toBe(handle);
  });

  it('merges jobs of equal data with the unique -', async () => {
    const fn = stage.fresh('dash');
    const client = await stage.peer('client');
    const first = await submit(client, 'SUBMIT_JOB_BG', fn, '-', 'data');
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, '-', 'data')).toBe(first);
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, '-', 'other')).not.toBe(first);
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, 'data', '')).not.toBe(first);
    const empty = await submit(client, 'SUBMIT_JOB_BG', fn, '-', '');
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, '-', '')).not.toBe(empty);
  });

  it('merges large jobs of equal data with the unique -', async () => {
    const fn = stage.fresh('dash');
    const client = await stage.peer('client');
    const big = 'x'.repeat(200_000);
    const first = await submit(client, 'SUBMIT_JOB_BG', fn, '-', big);
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, '-', big)).toBe(first);
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, '-', `${big.slice(1)}y`)).not.toBe(first);
  });

  it('gives every submit of a merged job a copy of the result', async () => {
    const fn = stage.fresh('fanout');
    const [one, two] = [await stage.peer('client1'), await stage.peer('client2')];
    const handle = await submit(one, 'SUBMIT_JOB', fn, 'key');
    await submit(one, 'SUBMIT_JOB_HIGH', fn, 'key');
    await submit(two, 'SUBMIT_JOB_LOW', fn, 'key');
    const worker = await workerOf(stage, 'worker', fn);
    await grab(worker);
    worker.send('WORK_COMPLETE', handle, 'r');
    await worker.barrier();
    expect(await one.arrived()).toEqual(['WORK_COMPLETE', 'WORK_COMPLETE']);
    expect(await two.arrived()).toEqual(['WORK_COMPLETE']);
  });

  it('carries binary and large data unchanged both ways', async () => {
    const fn = stage.fresh('large');
    const data = Buffer.alloc(3_000_000, 'abc\0\xff', 'latin1');
    const client = await stage.peer('client');
    const worker = await workerOf(stage, 'worker', fn);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', fn, '', data);
    const assigned = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(assigned.data.equals(data)).toBe(true);
    worker.send('WORK_DATA', assigned.args[0] as Buffer, data);
    worker.send('WORK_COMPLETE', assigned.args[0] as Buffer, data);
    expect((await client.expect('WORK_DATA')).data.equals(data)).toBe(true);
    expect((await client.expect('WORK_COMPLETE')).data.equals(data)).toBe(true);
  });

  it('refuses a submit when the queue of its priority is full, but not one that merges', async () => {
    const fn = stage.fresh('full');
    const client = await stage.peer('client');
    const first = await submit(client, 'SUBMIT_JOB_BG', fn, 'one');
    expect(await client.command(`maxqueue ${fn} 5 2 3`)).toBe('OK\r\n');
    await submit(client, 'SUBMIT_JOB_BG', fn, 'two');
    const error = await client.ask('ERROR', 'SUBMIT_JOB', fn, 'three', '');
    expect(error.payload.toString()).toBe('QUEUE_ERROR\0Job queue is full');
    expect(await submit(client, 'SUBMIT_JOB', fn, 'one')).toBe(first);
    await submit(client, 'SUBMIT_JOB_HIGH', fn, 'three');
    await client.ask('ERROR', 'SUBMIT_JOB_LOW', fn, 'four', '');
    expect(await client.command(`maxqueue ${fn}`)).toBe('OK\r\n');
    await submit(client, 'SUBMIT_JOB', fn, 'four');
  });

  it('gives handles of at most 63 bytes that never repeat', async () => {
    const fn = stage.fresh('handles');
    const client = await stage.peer('client');
    const handles = new Set<string>();
    for (let i = 0; i < 200; i++) client.send('SUBMIT_JOB_BG', fn, '', '');
    for (let i = 0; i < 200; i++)
      handles.add(handleIn((await client.expect('JOB_CREATED')).payload));
    expect(handles.size).toBe(200);
    for (const handle of handles) expect(handle.length).toBeLessThanOrEqual(63);
  });

  it('closes at an epoch beyond 64 bits, and serves the others', async () => {
    const client = await stage.peer('client');
    const other = await stage.peer('other');
    client.send('SUBMIT_JOB_EPOCH', stage.fresh('f'), '', '99999999999999999999', 'x');
    await client.untilClosed();
    expect(client.take()).toEqual([]);
    await other.barrier();
  });
});

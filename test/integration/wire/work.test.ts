/** WORK_*: who may send them, what reaches the clients, what ends a job. */
import { expect, it } from 'vitest';
import { Packet } from '../../../src/protocol/packets.ts';
import { rawPacket } from '../../support/packet-text.ts';
import { describeServer, grab, submit, workerOf } from '../../support/stage.ts';

const RESULT_ERROR = 'JOB_NOT_FOUND\0Job given in work result not found';

describeServer('work', {}, (stage) => {
  const pair = async (...options: string[]) => {
    const fn = stage.fresh('work');
    const client = await stage.peer('client');
    for (const option of options) await client.ask('OPTION_RES', 'OPTION_REQ', option);
    const worker = await workerOf(stage, 'worker', fn);
    const handle = await submit(client, 'SUBMIT_JOB', fn, 'u', 'x');
    expect(await grab(worker)).toBe(handle);
    return { fn, client, worker, handle };
  };

  it('passes data, warnings and status on as they came', async () => {
    const { client, worker, handle } = await pair();
    worker.send('WORK_DATA', handle, 'a\0b');
    worker.send('WORK_WARNING', handle, '');
    worker.send('WORK_STATUS', handle, 'abc', '-1');
    worker.send('WORK_COMPLETE', handle, 'done\0');
    expect((await client.expect('WORK_DATA')).payload.toString()).toBe(`${handle}\0a\0b`);
    expect((await client.expect('WORK_WARNING')).payload.toString()).toBe(`${handle}\0`);
    expect((await client.expect('WORK_STATUS')).payload.toString()).toBe(`${handle}\0abc\0-1`);
    expect((await client.expect('WORK_COMPLETE')).payload.toString()).toBe(`${handle}\0done\0`);
  });

  it('completes a job with an empty result when WORK_COMPLETE has no NUL', async () => {
    const { fn, client, worker, handle } = await pair();
    worker.sendRaw(rawPacket(Packet.WORK_DATA, handle), 'WORK_DATA without NUL');
    worker.sendRaw(rawPacket(Packet.WORK_WARNING, handle), 'WORK_WARNING without NUL');
    worker.sendRaw(rawPacket(Packet.WORK_COMPLETE, handle), 'WORK_COMPLETE without NUL');
    await worker.barrier();
    for (const name of ['WORK_DATA', 'WORK_WARNING', 'WORK_COMPLETE'] as const) {
      expect((await client.expect(name)).payload.toString()).toBe(`${handle}\0`);
    }
    expect(await worker.list('status')).toContain(`${fn}\t0\t0\t1`);
  });

  it('takes a WORK_EXCEPTION without NUL for one without data', async () => {
    const { client, worker, handle } = await pair('exceptions');
    worker.sendRaw(rawPacket(Packet.WORK_EXCEPTION, handle), 'WORK_EXCEPTION without NUL');
    expect((await client.expect('WORK_EXCEPTION')).payload.toString()).toBe(`${handle}\0`);
  });

  it('never sends a NUL in WORK_FAIL', async () => {
    const { client, worker, handle } = await pair();
    worker.send('WORK_FAIL', `${handle}\0`);
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(handle);
    expect(await worker.arrived()).toEqual([]);
  });

  it('turns an exception into WORK_FAIL for clients that did not ask for exceptions', async () => {
    const { client, worker, handle } = await pair();
    worker.send('WORK_EXCEPTION', handle, 'why');
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(handle);
    expect(await client.arrived()).toEqual([]);
  });

  it('sends an exception with its data to clients that asked for exceptions', async () => {
    const { client, worker, handle } = await pair('exceptions');
    worker.send('WORK_EXCEPTION', handle, 'why');
    expect((await client.expect('WORK_EXCEPTION')).payload.toString()).toBe(`${handle}\0why`);
  });

  it.each(['WORK_FAIL', 'WORK_COMPLETE'] as const)(
    'swallows one %s behind the WORK_EXCEPTION that ended the job',
    async (final) => {
      const { client, worker, handle } = await pair('exceptions');
      const end = () => (final === 'WORK_FAIL' ? [handle] : [handle, '']);
      worker.send('WORK_EXCEPTION', handle, 'why');
      worker.send(final, ...end());
      expect(await worker.arrived()).toEqual([]);
      expect(await client.arrived()).toEqual(['WORK_EXCEPTION']);
      const error = await worker.ask('ERROR', final, ...end());
      expect(error.payload.toString()).toBe(RESULT_ERROR);
    },
  );

  it.each([
    ['WORK_COMPLETE', RESULT_ERROR],
    ['WORK_FAIL', RESULT_ERROR],
    ['WORK_STATUS', RESULT_ERROR],
    ['WORK_DATA', 'JOB_NOT_FOUND\0Job does not exist on server'],
    ['WORK_WARNING', 'JOB_NOT_FOUND\0Job does not exist on server'],
    ['WORK_EXCEPTION', 'JOB_NOT_FOUND\0An exception was received for a job that does not exist'],
  ] as const)('answers %s with ERROR when another worker runs the job', async (name, text) => {
    const { client, worker, handle } = await pair();
    const stranger = await stage.peer('stranger');
    const rest = { WORK_FAIL: [], WORK_STATUS: ['1', '2'] }[name as string] ?? ['x'];
    for (const wrong of [handle, 'H:nowhere:1', '']) {
      const error = await stranger.ask('ERROR', name, wrong, ...rest);
      expect(error.payload.toString()).toBe(text);
    }
    worker.send('WORK_COMPLETE', handle, 'mine');
    expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('mine');
  });

  it('answers a WORK_FAIL of 64 bytes and more with ARGUMENT_TOO_LARGE', async () => {
    const worker = await stage.peer('worker');
    const error = await worker.ask('ERROR', 'WORK_FAIL', 'h'.repeat(64));
    expect(error.payload.toString()).toBe(
      'ARGUMENT_TOO_LARGE\0Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf',
    );
  });

  it('goes on after a WORK_STATUS with a denominator of 11 digits', async () => {
    const { client, worker, handle } = await pair();
    worker.send('WORK_STATUS', handle, '7', '12345678901');
    worker.send('WORK_STATUS', handle, '8', '10');
    expect(await worker.arrived()).toEqual([]);
    expect((await client.expect('WORK_STATUS')).args.map(String)).toEqual([handle, '8', '10']);
  });

  it('lets a worker hold several jobs and finish them in any order', async () => {
    const fn = stage.fresh('many');
    const client = await stage.peer('client');
    const worker = await workerOf(stage, 'worker', fn);
    const handles: string[] = [];
    for (const data of ['0', '1', '2']) {
      handles.push(await submit(client, 'SUBMIT_JOB', fn, '', data));
    }
    for (const handle of handles) expect(await grab(worker)).toBe(handle);
    for (const at of [1, 2, 0]) worker.send('WORK_COMPLETE', handles[at] as string, String(at));
    for (const at of [1, 2, 0]) {
      const done = await client.expect('WORK_COMPLETE');
      expect(done.args[0]?.toString()).toBe(handles[at]);
    }
  });

  it('accepts the results of a job whose client went away', async () => {
    const { fn, client, worker, handle } = await pair();
    await client.close();
    await worker.list('status');
    worker.send('WORK_DATA', handle, 'x');
    worker.send('WORK_COMPLETE', handle, 'x');
    expect(await worker.arrived()).toEqual([]);
    expect(await worker.list('status')).toContain(`${fn}\t0\t0\t1`);
  });

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
});

describeServer('work with --exceptions', { args: ['--exceptions'] }, (stage) => {
  it('sends exceptions to every client', async () => {
    const fn = stage.fresh('boom');
    const client = await stage.peer('client');
    const worker = await workerOf(stage, 'worker', fn);
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    await grab(worker);
    worker.send('WORK_EXCEPTION', handle, 'why');
    expect((await client.expect('WORK_EXCEPTION')).data.toString()).toBe('why');
  });
});

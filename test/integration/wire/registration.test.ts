/** What workers say about themselves: CAN_DO, CANT_DO, RESET_ABILITIES, ids, options. */
import { expect, it } from 'vitest';
import { rawPacket } from '../../support/packet-text.ts';
import { describeServer, grab, submit, workerOf } from '../../support/stage.ts';

describeServer('registration', {}, (stage) => {
  it('counts and lists a function that was registered twice twice', async () => {
    const fn = stage.fresh('twice');
    const worker = await workerOf(stage, 'worker', fn, fn);
    worker.send('SET_CLIENT_ID', stage.fresh('id'));
    expect(await worker.list('status')).toContain(`${fn}\t0\t0\t2`);
    const row = (await worker.list('workers')).find((r) => r.includes(stage.fresh('id')));
    expect(row).toMatch(new RegExp(`^\\d+ 127\\.0\\.0\\.1 ${stage.fresh('id')} : ${fn} ${fn}$`));
    worker.send('CANT_DO', fn);
    expect(await worker.list('status')).toContain(`${fn}\t0\t0\t0`);
  });

  it('requeues the jobs of a function that a worker gives up, and refuses its results', async () => {
    const fn = stage.fresh('cant');
    const client = await stage.peer('client');
    const worker = await workerOf(stage, 'worker', fn);
    const handle = await submit(client, 'SUBMIT_JOB', fn, '', 'x');
    expect(await grab(worker)).toBe(handle);
    worker.send('CANT_DO', fn);
    expect(await worker.list('status')).toContain(`${fn}\t1\t0\t0`);
    worker.send('WORK_COMPLETE', handle, 'late');
    const error = await worker.expect('ERROR');
    expect(error.payload.toString()).toBe('JOB_NOT_FOUND\0Job given in work result not found');
    const second = await workerOf(stage, 'worker2', fn);
    expect(await grab(second)).toBe(handle);
    second.send('WORK_COMPLETE', handle, 'done');
    expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('done');
  });

  it('gives up all functions with RESET_ABILITIES', async () => {
    const [f, g] = [stage.fresh('f'), stage.fresh('g')];
    const worker = await workerOf(stage, 'worker', f, g);
    await submit(worker, 'SUBMIT_JOB_BG', f);
    await submit(worker, 'SUBMIT_JOB_BG', g);
    await grab(worker);
    worker.send('RESET_ABILITIES');
    const rows = await worker.list('status');
    expect(rows).toContain(`${f}\t1\t0\t0`);
    expect(rows).toContain(`${g}\t1\t0\t0`);
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });

  it('cuts a client id at 127 bytes and at a NUL', async () => {
    const worker = await stage.peer('worker');
    const id = stage.fresh('long').padEnd(140, 'x');
    worker.send('SET_CLIENT_ID', id);
    expect((await worker.list('workers')).join('\n')).toContain(` ${id.slice(0, 127)} :`);
    worker.send('SET_CLIENT_ID', `${stage.fresh('short')}\0behind`);
    expect((await worker.list('workers')).join('\n')).toContain(` ${stage.fresh('short')} :`);
  });

  it('echoes the option as it was sent, and knows only exceptions', async () => {
    const peer = await stage.peer('peer');
    for (const option of ['exceptions', 'EXCEPTIONS', 'exceptions\0']) {
      const answer = await peer.ask('OPTION_RES', 'OPTION_REQ', option);
      expect(answer.payload.toString('latin1')).toBe(option);
    }
    for (const option of ['', 'exception', 'x'.repeat(64)]) {
      const error = await peer.ask('ERROR', 'OPTION_REQ', option);
      const text = 'UNKNOWN_OPTION\0Server does not recognize given option';
      expect(error.payload.toString()).toBe(text);
    }
  });

  it('accepts ALL_YOURS without a reply', async () => {
    const peer = await stage.peer('peer');
    peer.send('ALL_YOURS');
    expect(await peer.arrived()).toEqual([]);
  });

  it('serves the function with the empty name', async () => {
    const worker = await stage.peer('worker');
    worker.sendRaw(rawPacket(1), 'CAN_DO ""');
    await worker.ask('JOB_CREATED', 'SUBMIT_JOB_BG', '', '', 'x');
    const assigned = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(assigned.args[1]).toHaveLength(0);
    worker.send('WORK_COMPLETE', assigned.args[0] as Buffer, '');
    expect(await worker.arrived()).toEqual([]);
  });

  it('lists a function until it is dropped', async () => {
    const fn = stage.fresh('stays');
    const worker = await workerOf(stage, 'worker', fn);
    await worker.close();
    const peer = await stage.peer('peer');
    expect(await peer.list('status')).toContain(`${fn}\t0\t0\t0`);
    expect(await peer.command(`drop function ${fn}`)).toBe('OK\r\n');
    expect(await peer.list('status')).not.toContain(`${fn}\t0\t0\t0`);
  });
});

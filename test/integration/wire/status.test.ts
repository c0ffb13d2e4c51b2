/** GET_STATUS and GET_STATUS_UNIQUE. */
import { expect, it } from 'vitest';
import { rawPacket } from '../../support/packet-text.ts';
import { describeServer, grab, submit, workerOf } from '../../support/stage.ts';

describeServer('status', {}, (stage) => {
  it('tells queued, running with progress, requeued and finished jobs apart', async () => {
    const fn = stage.fresh('status');
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB_BG', fn);
    const status = async () =>
      (await client.ask('STATUS_RES', 'GET_STATUS', handle)).args.slice(1).map(String);
    expect(await status()).toEqual(['1', '0', '0', '0']);
    const worker = await workerOf(stage, 'worker', fn);
    await grab(worker);
    expect(await status()).toEqual(['1', '1', '0', '0']);
    worker.send('WORK_STATUS', handle, '99999999999', '-1');
    await worker.barrier();
    expect(await status()).toEqual(['1', '1', '1215752191', '4294967295']);
    worker.send('CANT_DO', fn);
    await worker.barrier();
    expect(await status()).toEqual(['1', '0', '0', '0']);
    worker.send('CAN_DO', fn);
    await grab(worker);
    worker.send('WORK_COMPLETE', handle, '');
    await worker.barrier();
    expect(await status()).toEqual(['0', '0', '0', '0']);
  });

  it('answers GET_STATUS of a handle of 64 bytes and more as unknown', async () => {
    const client = await stage.peer('client');
    for (const handle of ['h'.repeat(63), 'h'.repeat(64), 'h'.repeat(5000)]) {
      const answer = await client.ask('STATUS_RES', 'GET_STATUS', handle);
      expect(answer.args.map(String)).toEqual([handle, '0', '0', '0', '0']);
    }
    const unique = 'u'.repeat(100);
    const answer = await client.ask('STATUS_RES_UNIQUE', 'GET_STATUS_UNIQUE', unique);
    expect(answer.args.map(String)).toEqual([unique, '0', '0', '0', '0', '0']);
  });

  it('cuts the handle of GET_STATUS at a NUL', async () => {
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB_BG', stage.fresh('nul'));
    client.sendRaw(rawPacket(15, `${handle}\0junk`), 'GET_STATUS with a NUL');
    const answer = await client.expect('STATUS_RES');
    expect(answer.args.map(String)).toEqual([handle, '1', '0', '0', '0']);
  });

  it('counts the submits that watch a job named by its unique', async () => {
    const fn = stage.fresh('unique');
    const key = stage.fresh('key');
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB_BG', fn, key);
    const ask = async () =>
      (await client.ask('STATUS_RES_UNIQUE', 'GET_STATUS_UNIQUE', key)).args.map(String);
    expect(await ask()).toEqual([key, '1', '0', '0', '0', '0']);
    await submit(client, 'SUBMIT_JOB', fn, key);
    await submit(client, 'SUBMIT_JOB', fn, key);
    expect(await ask()).toEqual([key, '1', '0', '0', '0', '2']);
  });

  it('prefers the running one of several jobs with one unique', async () => {
    const key = stage.fresh('key');
    const client = await stage.peer('client');
    const names = ['a', 'b', 'c', 'd'].map((letter) => stage.fresh(letter));
    for (const fn of names) await submit(client, 'SUBMIT_JOB_BG', fn, key);
    const worker = await workerOf(stage, 'worker', names[1] as string);
    await grab(worker);
    const answer = await client.ask('STATUS_RES_UNIQUE', 'GET_STATUS_UNIQUE', key);
    expect(answer.args.map(String)).toEqual([key, '1', '1', '0', '0', '0']);
  });

  it.each(['', '-', 'the data'])('finds no job by the unique "%s"', async (unique) => {
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB_BG', stage.fresh('f'), '-', 'the data');
    await submit(client, 'SUBMIT_JOB_BG', stage.fresh('f'), '', 'the data');
    const answer = await client.ask('STATUS_RES_UNIQUE', 'GET_STATUS_UNIQUE', unique);
    expect(answer.args.map(String)).toEqual([unique, '0', '0', '0', '0', '0']);
  });
});

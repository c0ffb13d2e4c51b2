/** WORK_* while the client still submits; everything else about them stands in test/dialogues/work.txt. */
import { expect, it } from 'vitest';
import { describeServer, workerOf } from '../../support/stage.ts';

describeServer('work', {}, (stage) => {
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

/** Which job a worker of several functions gets: 2.0's order, 1.1.20's by option. */
import { expect, it } from 'vitest';
import { describeServer, type Stage, submit, workerOf } from '../../support/stage.ts';

/** Between shards priority is best effort; inside one it is exact. */
const EXACT = [0, 1];

/** A{high,normal,low} B{high,low} C{high,normal}, registered A, B, C; the order in which they are handed out. */
async function served(stage: Stage): Promise<string> {
  const [a, b, c] = [stage.fresh('A'), stage.fresh('B'), stage.fresh('C')];
  const client = await stage.peer('client');
  for (const [form, letter, names] of [
    ['SUBMIT_JOB_LOW', 'l', [a, b]],
    ['SUBMIT_JOB', 'n', [a, c]],
    ['SUBMIT_JOB_HIGH', 'h', [a, b, c]],
  ] as const) {
    for (const fn of names) await submit(client, form, fn, '', `${fn[0]}${letter}`);
  }
  const worker = await workerOf(stage, 'worker', a, b, c);
  const order: string[] = [];
  for (let i = 0; i < 7; i++) {
    order.push((await worker.ask('JOB_ASSIGN', 'GRAB_JOB')).data.toString());
  }
  await worker.ask('NO_JOB', 'GRAB_JOB');
  return order.join(' ');
}

describeServer('job order of 2.0', {}, (stage) => {
  it('hands out the jobs of one function by priority, then in order of arrival', async () => {
    const fn = stage.fresh('fifo');
    const client = await stage.peer('client');
    for (const [form, data] of [
      ['SUBMIT_JOB_LOW', 'l1'],
      ['SUBMIT_JOB', 'n1'],
      ['SUBMIT_JOB_HIGH', 'h1'],
      ['SUBMIT_JOB', 'n2'],
      ['SUBMIT_JOB_HIGH', 'h2'],
    ] as const) {
      await submit(client, form, fn, '', data);
    }
    const worker = await workerOf(stage, 'worker', fn);
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      order.push((await worker.ask('JOB_ASSIGN', 'GRAB_JOB')).data.toString());
    }
    expect(order.join(' ')).toBe('h1 h2 n1 n2 l1');
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
});

describeServer(
  'job order of 2.0 inside one shard',
  {},
  (stage) => {
    it('serves all high jobs first, functions in rotation', async () => {
      expect(await served(stage)).toBe('Ch Bh Ah Cn An Bl Al');
    });
  },
  EXACT,
);

describeServer(
  '--job-order 1.1.20',
  { args: ['--job-order=1.1.20'] },
  (stage) => {
    it('serves the last registered function first, priority inside the function', async () => {
      expect(await served(stage)).toBe('Ch Cn Bh Bl Ah An Al');
    });
  },
  EXACT,
);

describeServer(
  '--job-order 1.1.20 --round-robin',
  { args: ['--job-order=1.1.20', '--round-robin'] },
  (stage) => {
    it('moves the served function to the end', async () => {
      expect(await served(stage)).toBe('Ch Bh Ah Cn Bl An Al');
    });
  },
  EXACT,
);

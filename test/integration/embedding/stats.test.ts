/** What `stats()` says after a dialogue that is known. */
import { describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { numbersOf } from '../../support/handles.ts';

describe.each(variants())('stats, $label', (variant) => {
  const yard = useYard();

  it('are zero before anything happened, also before the server listens', async () => {
    const { threads, native } = variant;
    const server = yard().create({ threads, native, host: '127.0.0.1', port: 0 });
    const zero = {
      connections: 0,
      functions: 0,
      jobs: 0,
      submitted: 0,
      coalesced: 0,
      refused: 0,
      assigned: 0,
      completed: 0,
      failed: 0,
      requeued: 0,
    };
    expect(await server.stats()).toMatchObject(zero);
    await server.listen();
    const stats = await server.stats();
    expect(stats).toMatchObject(zero);
    expect(stats.threads.map((thread) => thread.thread)).toEqual(
      Array.from({ length: threads + 1 }, (_, thread) => thread),
    );
  });

  it('are zero after a warm-up too, and serials begin at 1', async () => {
    const { server, port, log } = await yard().start(variant, { warmUp: 1000 });
    expect(await server.stats()).toMatchObject({ connections: 0, functions: 0, submitted: 0 });
    expect((await server.stats()).assigned).toBe(0);
    expect(log.lines.filter((line) => line.includes('warm up'))).toEqual([]);
    const client = await yard().peer({ port }, 'client');
    expect(await client.command('status')).toBe('.\n');
    const created = await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
    expect(numbersOf(created.payload.toString())).toMatchObject({ slot: 1, serial: 1 });
  });

  it('count connections, functions, jobs and what became of them', async () => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    const worker = await yard().peer({ port }, 'worker');
    const lost = await yard().peer({ port }, 'lost');
    const submit = async (fn: string, unique: string) =>
      (await client.ask('JOB_CREATED', 'SUBMIT_JOB', fn, unique, 'x')).payload.toString();
    await submit('one', 'u');
    await submit('one', 'u');
    for (const fn of ['two', 'three', 'four']) await submit(fn, '');
    await submit('full', '');
    await client.command('maxqueue full 1');
    await client.ask('ERROR', 'SUBMIT_JOB', 'full', '', 'x');
    expect(await server.stats()).toMatchObject({
      connections: 3,
      functions: 5,
      jobs: 5,
      submitted: 5,
      coalesced: 1,
      refused: 1,
      assigned: 0,
    });
    // A worker that is lost gives its job back; another one completes one and fails one.
    lost.send('CAN_DO', 'two');
    await lost.ask('JOB_ASSIGN', 'GRAB_JOB');
    await lost.close();
    while ((await server.stats()).requeued === 0) await worker.barrier();
    worker.send('CAN_DO', 'one').send('CAN_DO', 'two');
    await worker.barrier();
    const first = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    worker.send('WORK_COMPLETE', first.args[0] ?? '', '');
    const second = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    worker.send('WORK_FAIL', second.args[0] ?? '');
    await worker.barrier();
    const stats = await server.stats();
    expect(stats).toMatchObject({
      connections: 2,
      functions: 5,
      jobs: 3,
      submitted: 5,
      coalesced: 1,
      refused: 1,
      assigned: 3,
      completed: 1,
      failed: 1,
      requeued: 1,
    });
    expect(stats.queueBytes).toBeGreaterThan(0);
    // Five functions and two connections at least.
    expect(stats.memoryBytes).toBeGreaterThan(5 * 1024);
    for (const field of ['connections', 'functions', 'jobs', 'submitted', 'assigned'] as const) {
      const sum = stats.threads.reduce((total, thread) => total + thread[field], 0);
      expect(sum, field).toBe(stats[field]);
    }
  });

  it('are those of one server each when a process has two', async () => {
    const first = await yard().start(variant);
    const second = await yard().start(variant, { jobHandlePrefix: 'other' });
    expect(second.port).not.toBe(first.port);
    const client = await yard().peer(first, 'client');
    const stranger = await yard().peer(second, 'stranger');
    const handle = (await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', 'u', 'x')).payload;
    expect((await stranger.ask('STATUS_RES', 'GET_STATUS', handle)).args[1]?.toString()).toBe('0');
    stranger.send('CAN_DO', 'f');
    await stranger.ask('NO_JOB', 'GRAB_JOB');
    expect((await first.server.stats()).jobs).toBe(1);
    expect((await second.server.stats()).jobs).toBe(0);
    await second.server.close();
    await client.barrier();
    const worker = await yard().peer(first, 'worker');
    worker.send('CAN_DO', 'f');
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(job.args[0]?.equals(handle)).toBe(true);
    worker.send('WORK_COMPLETE', handle, 'done');
    await client.expect('WORK_COMPLETE');
  });

  it('are answered once the server is closed', async () => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
    const asked = server.stats();
    const closing = server.close();
    await asked;
    await closing;
    expect((await server.stats()).connections).toBe(0);
  });
});

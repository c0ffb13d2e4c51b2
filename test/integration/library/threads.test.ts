/** Handlers in threads: the same jobs, errors and talk; a thread that hangs or dies harms its job alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { JobFailed, Server } from '../../../src/index.ts';
import { LibraryYard } from '../../support/library.ts';

const yard = new LibraryYard();
const file = new URL('../../support/handlers/echo.mjs', import.meta.url);

describe('a handler in threads', () => {
  let server: Server;
  beforeAll(() => {
    server = createServer();
  });
  afterAll(async () => {
    await server.close();
  });

  const failureOf = (job: PromiseLike<unknown>): Promise<JobFailed> =>
    Promise.resolve(job).then(
      () => Promise.reject(new Error('it did not fail')),
      (error) => error,
    );
  const exceptionOf = async (job: PromiseLike<unknown>): Promise<string> =>
    Buffer.from((await failureOf(job)).exception ?? []).toString();

  it('gives results, talks meanwhile, and fails with what it throws', async () => {
    const worker = yard.worker({ server });
    worker.add('t1', { file });
    await worker.start();
    const client = yard.client({ server });
    const big = new Uint8Array(2 << 20).fill(7);
    expect(Buffer.compare(await client.submit('t1', big), big)).toBe(0);
    const events = [];
    for await (const event of client.submit('t1', 'talk')) events.push(event);
    expect(events).toEqual([
      { type: 'status', numerator: 1, denominator: 2 },
      { type: 'data', data: new Uint8Array([0, 255]) },
      { type: 'warning', data: new TextEncoder().encode('careful') },
      { type: 'complete', result: new TextEncoder().encode('t1 true false') },
    ]);
    expect(await exceptionOf(client.submit('t1', 'throw'))).toBe('thrown in a thread');
    expect(await exceptionOf(client.submit('t1', 'reject'))).toBe('plain text');
  });

  it('gives the stack of what it throws, when asked for', async () => {
    const worker = yard.worker({ server, exceptions: 'stack' });
    worker.add('stacked', { file });
    await worker.start();
    const client = yard.client({ server });
    const error = await failureOf(client.submit('stacked', 'throw'));
    expect(error.message).toMatch(/: thrown in a thread$/);
    expect(error.remoteStack?.split('\n')[0]).toContain(file.pathname);
    expect(await exceptionOf(client.submit('stacked', 'reject'))).toBe('plain text');
  });

  it('runs as many jobs at a time as it has threads, and leaves the connection alone', async () => {
    const worker = yard.worker({ server, concurrency: 10 });
    worker.add('t2', { file, threads: 2 }, { timeoutMs: 1500 });
    worker.add('alive', () => 'yes');
    await worker.start();
    const client = yard.client({ server });
    const spinning = [client.submit('t2', 'spin'), client.submit('t2', 'spin')].map(exceptionOf);
    // Both threads are busy for good; the worker itself answers.
    expect(await client.submit('alive', '').text()).toBe('yes');
    const waiting = client.submit('t2', 'thread');
    await waiting.handle;
    for (const exception of spinning) expect(await exception).toContain('not done within 1500 ms');
    expect(Number(await waiting.text())).toBeGreaterThan(0);
  });

  it('fails the job of a thread that dies, and starts another thread', async () => {
    const worker = yard.worker({ server });
    worker.add('t3', { file });
    await worker.start();
    const client = yard.client({ server });
    expect(await exceptionOf(client.submit('t3', 'exit'))).toMatch(/exit/);
    expect(await client.submit('t3', 'fine').text()).toBe('fine');
  });

  it('fails its jobs when the file is no handler', async () => {
    const worker = yard.worker({ server });
    worker.add('t4', { file: new URL('../../support/handlers/no-default.mjs', import.meta.url) });
    await worker.start();
    const client = yard.client({ server });
    expect(await exceptionOf(client.submit('t4', ''))).toContain(
      'its default export is not a function',
    );
  });

  it('is drained like any other', async () => {
    const worker = yard.worker({ server, concurrency: 2 });
    worker.add('t5', { file, threads: 2 });
    await worker.start();
    const client = yard.client({ server });
    const jobs = Array.from({ length: 10 }, (_, i) =>
      client.submit('t5', String(i), { timeoutMs: 5000 }),
    );
    await jobs[0];
    expect(await worker.drain()).toEqual({ abandoned: 0 });
    const second = yard.worker({ server });
    second.add('t5', (job) => job.data);
    await second.start();
    expect(await Promise.all(jobs.map((job) => job.text()))).toEqual(jobs.map((_, i) => String(i)));
  });
});

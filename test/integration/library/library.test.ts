/** Client and worker against every kind of job server: the same facts hold for all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json } from '../../../dist/index.js';
import { LibraryYard, type RunningServer, serverVariants } from '../../support/library.ts';

const yard = new LibraryYard();
const reverse = (text: string): string => [...text].reverse().join('');

describe.each(serverVariants())('client and worker, $label', (variant) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await variant.start();
  });
  afterAll(async () => {
    await server.stop();
  });

  it('runs a job and gives its result', async () => {
    const worker = yard.worker(server.connection);
    worker.add('reverse', (job) => reverse(job.text()));
    await worker.start();
    const job = yard.client(server.connection).submit('reverse', 'Hello World!');
    expect(await job.text()).toBe('!dlroW olleH');
    expect(await job.handle).toMatch(/^H:/);
    expect(await job).toEqual(new TextEncoder().encode('!dlroW olleH'));
  });

  it('tells what a job says while it runs, in order', async () => {
    const worker = yard.worker(server.connection);
    worker.add('steps', async (job) => {
      job.progress(1, 2);
      job.sendData('part');
      job.warn('careful');
      job.progress(2, 2);
      return 'whole';
    });
    await worker.start();
    const events: unknown[] = [];
    for await (const event of yard.client(server.connection).submit('steps', ''))
      events.push(event);
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(events).toEqual([
      { type: 'status', numerator: 1, denominator: 2 },
      { type: 'data', data: bytes('part') },
      { type: 'warning', data: bytes('careful') },
      { type: 'status', numerator: 2, denominator: 2 },
      { type: 'complete', result: bytes('whole') },
    ]);
  });

  it('carries values through a codec', async () => {
    const worker = yard.worker({ ...server.connection, codec: json });
    worker.add('add', (job) => job.input.reduce((sum: number, n: number) => sum + n, 0));
    await worker.start();
    expect(await yard.client({ ...server.connection, codec: json }).submit('add', [1, 2, 3])).toBe(
      6,
    );
  });
});

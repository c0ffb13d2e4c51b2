/** A finished job leaves nothing behind in its client, its worker or their links. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { Client, createServer, Worker } from '../../../src/index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use behind a full collection. */
async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

it('keeps no memory of 60,000 jobs that ended well, badly, or were given up', {
  timeout: 60_000,
}, async () => {
  const server = createServer({ native: 'off' });
  const worker = new Worker({ server, concurrency: 64 });
  worker.add('good', (job) => job.data);
  worker.add('bad', () => Promise.reject(new Error('bad')));
  await worker.start();
  const client = new Client({ server, timeoutMs: 60_000 });
  const { signal } = new AbortController();
  const round = (count: number) =>
    client.submitMany(
      (function* () {
        for (let i = 0; i < count; i++) {
          yield { functionName: 'good', input: `job ${i}`, signal };
          yield { functionName: 'bad', input: `job ${i}`, unique: `u ${i}` };
          yield { functionName: 'nobody', input: `job ${i}`, timeoutMs: 1 };
        }
      })(),
      { inFlightMax: 500 },
    );
  await round(10_000);
  const before = await heapBytes();
  const { completed, failed } = await round(20_000);
  expect([completed, failed]).toEqual([20_000, 40_000]);
  // Less than what one number a job would take.
  expect((await heapBytes()) - before).toBeLessThan(60_000 * 8);
  await client.close();
  await worker.drain();
  await server.close();
});

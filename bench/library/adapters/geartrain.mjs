// This package. Each adapter has `submit` (resolves when all are confirmed) and `work` (when all were run).
import { Client, Worker } from '../../../dist/index.js';

export async function submit(port, count, workload) {
  const client = new Client({ servers: [`127.0.0.1:${port}`] });
  const jobs = (function* () {
    for (let i = 0; i < count; i++)
      yield { functionName: 'bench', input: workload, background: true };
  })();
  const { completed } = await client.submitMany(jobs);
  if (completed !== count) throw new Error(`${completed} of ${count} were confirmed`);
}

export async function work(port, count) {
  const worker = new Worker({ servers: [`127.0.0.1:${port}`], concurrency: 32 });
  let done = 0;
  await new Promise((resolve) => {
    worker.add('bench', async (job) => {
      if (++done === count) resolve();
      return job.data;
    });
    worker.start();
  });
  await worker.drain();
}

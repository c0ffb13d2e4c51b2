/**
 * Makes the reports that the web application `app.mjs` asks for, eight at a time.
 *
 *   node examples/web/worker.mjs
 */
import { drainOnSignal, json, Worker } from 'geartrain';

const worker = new Worker({ servers: ['127.0.0.1:4730'], codec: json, concurrency: 8 });

worker.add('report', async (job) => {
  const { numbers } = job.input;
  if (!Array.isArray(numbers)) throw new Error('numbers are needed');
  let sum = 0;
  for (const [i, number] of numbers.entries()) {
    sum += number;
    job.progress(i + 1, numbers.length);
  }
  return { count: numbers.length, sum, mean: sum / numbers.length };
});

drainOnSignal(worker);
await worker.start();

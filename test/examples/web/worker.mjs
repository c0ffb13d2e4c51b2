/** Makes the reports that the web application asks for. Usage: node worker.mjs [HOST:PORT of the job server] */
import { drainOnSignal, json, Worker } from 'geartrain';

const servers = [process.argv[2] ?? 'localhost:4730'];
const worker = new Worker({ servers, codec: json, concurrency: 8 });

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

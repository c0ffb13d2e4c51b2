// A server, a client and a worker in one process run so many jobs. Usage: node in-process.mjs COUNT THREADS NATIVE
import { Client, createServer, Worker } from '../../../dist/index.js';

const [count, threads, native] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  process.argv[4],
];
const server = createServer({ threads, native });
const worker = new Worker({ server, concurrency: 32 });
worker.add('echo', (job) => job.data);
await worker.start();
const client = new Client({ server });

function* jobs() {
  for (let i = 0; i < count; i++) yield { functionName: 'echo', input: `job ${i}` };
}
const { completed } = await client.submitMany(jobs(), { inFlightMax: 32 });
await client.close();
await worker.drain();
await server.close();
console.log(completed);

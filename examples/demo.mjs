/**
 * Server, worker and client in one run: a job server on a free port, a worker that offers two functions, and a client
 * that submits a job to each and shows its handle, its progress and its result. With `--dashboard` it is dashboard.mjs
 * that runs, and does not end.
 *
 *   node examples/demo.mjs
 */
import { readFile } from 'node:fs/promises';
import { Client, createServer, Worker } from 'geartrain';

if (process.argv.includes('--dashboard')) await import('./dashboard.mjs');

const server = createServer({ host: '127.0.0.1', port: 0 });
await server.listen();
const { host, port } = server.address;
const kind = server.kind === 'addon' ? 'native' : `TypeScript: ${server.kindReason}`;
console.log(`server: listens on ${host}:${port} (${kind})`);
const servers = [`${host}:${port}`];

const worker = new Worker({ servers, concurrency: 4 });
worker.add('reverse', (job) => [...job.text()].reverse().join(''));
worker.add('wordcount', (job) => {
  console.log(`worker: ${job.handle} is ${job.functionName} with ${job.data.length} bytes`);
  const words = job.text().split(/\s+/).filter(Boolean);
  for (let part = 1; part <= 4; part++) job.progress(part, 4);
  return String(words.length);
});
await worker.start();

const client = new Client({ servers });
const readme = await readFile(new URL('../README.md', import.meta.url));
const job = client.submit('wordcount', readme);
console.log(`client: wordcount was created as ${await job.handle}`);
for await (const event of job) {
  if (event.type === 'status') console.log(`client: ${event.numerator} of ${event.denominator}`);
}
console.log(`client: README.md has ${await job.text()} words`);
console.log(`client: Hello World! reversed is`);
console.log(await client.submit('reverse', 'Hello World!').text());

await client.close();
await worker.drain();
await server.close();

/**
 * Embedding: job server, worker and client in one program. They are connected in memory, without a port. The server also
 * listens on a free port, for programs elsewhere.
 *
 *   node examples/embedding.mjs
 */
import { Client, createServer, Worker } from 'geartrain';

const server = createServer({ host: '127.0.0.1', port: 0 });
await server.listen(); // only for other programs: this one needs no port

const worker = new Worker({ server, concurrency: 4 });
worker.add('square', (job) => String(Number(job.text()) ** 2));
await worker.start();

const client = new Client({ server });
const squares = await Promise.all(
  [1, 2, 3, 4].map((n) => client.submit('square', String(n)).text()),
);
console.log(squares.join(' '));

await client.close();
await worker.drain();
await server.close({ graceful: true });

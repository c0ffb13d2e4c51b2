/** A Node.js worker for PHP pages. Usage: node worker.mjs HOST:PORT */
import { drainOnSignal, json, Worker } from 'geartrain';

const worker = new Worker({ servers: [process.argv[2]], codec: json });
/** Small letters without accents. */
const plain = (words) => words.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

worker.add('slug', ({ input }) => ({
  slug: (plain(input.words).match(/[a-z0-9]+/g) ?? []).join('-'),
}));
drainOnSignal(worker);
await worker.start();

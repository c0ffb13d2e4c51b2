/**
 * A Node.js worker for the PHP page `client.php`: turns words into a part of an address.
 *
 *   node examples/php/worker.mjs
 */
import { drainOnSignal, json, Worker } from 'geartrain';

const worker = new Worker({ servers: ['127.0.0.1:4730'], codec: json });
/** Small letters without accents. */
const plain = (words) => words.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

worker.add('slug', ({ input }) => ({
  slug: (plain(input.words).match(/[a-z0-9]+/g) ?? []).join('-'),
}));
drainOnSignal(worker);
await worker.start();

/**
 * Thumbnails in threads: heavy work runs in two worker threads, so that the connection to the server stays alive
 * meanwhile. Needs `npm install pngjs` for reading and writing PNG files.
 *
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   node examples/thumbnails/worker.mjs &
 *   node examples/thumbnails/client.mjs FOLDER PICTURE.png ...
 */
import { drainOnSignal, Worker } from 'geartrain';

const worker = new Worker({ servers: ['127.0.0.1:4730'] });
worker.add(
  'thumbnail',
  { file: new URL('thumbnail.mjs', import.meta.url), threads: 2 },
  { timeoutMs: 30_000 }, // a thread that computes for longer is ended, and its job fails
);
drainOnSignal(worker);
await worker.start();

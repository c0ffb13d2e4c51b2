/**
 * Resizes pictures in threads, so that the connection stays alive while they compute.
 * Usage: node worker.mjs [HOST:PORT of the job server]
 */
import { drainOnSignal, Worker } from 'geartrain';

const worker = new Worker({ servers: [process.argv[2] ?? 'localhost:4730'] });
worker.add('thumbnail', { file: new URL('thumbnail.mjs', import.meta.url), threads: 2 });
drainOnSignal(worker);
await worker.start();

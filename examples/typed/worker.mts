/**
 * A typed worker: the compiler knows the input of every function and checks what its handler returns.
 * In a copy of this folder, with TypeScript 5.0 or later:
 *
 *   npm install geartrain && npm install --save-dev typescript @types/node
 *   npx tsc
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   node dist/worker.mjs &
 *   node dist/client.mjs
 */
import { drainOnSignal, json, Worker } from 'geartrain';
import type { Functions } from './functions.mjs';

const worker = new Worker<Functions>({ servers: ['127.0.0.1:4730'], codec: json });

worker.add('add', ({ input }) => input.reduce((sum, number) => sum + number, 0));
worker.add('greet', ({ input: { name, language } }) =>
  language === 'de' ? `Guten Tag, ${name}!` : `Hello ${name}!`,
);

drainOnSignal(worker);
await worker.start();

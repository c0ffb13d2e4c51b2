/**
 * A shard for tests of its host: listens on a TCP port, says `{ up, port }` and ends the way it is told. `exited` is a
 * shared word that it sets at the very end of its exit, late on purpose.
 */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { threadId } from 'node:worker_threads';

export default async function obey({ orders, listenPort, exited }) {
  process.on('exit', () => {
    const end = Date.now() + 100;
    while (Date.now() < end);
    Atomics.store(exited, 0, 1);
  });
  const server = createServer().listen(listenPort, '127.0.0.1');
  await once(server, 'listening');
  const stopped = new Promise((resolve, reject) => {
    orders.on('message', (order) => {
      if (order === 'stop') {
        orders.close();
        server.close(resolve);
      }
      if (order === 'reject') reject(new Error('rejected'));
      if (order === 'reject text') reject('only text');
      if (order === 'throw') setTimeout(() => fail(), 1);
      if (order === 'exit') process.exit(3);
      if (order === 'loop') for (;;);
      if (order === 'fill') fill();
    });
  });
  orders.postMessage({ up: threadId, port: server.address().port });
  await stopped;
}

function fail() {
  throw new TypeError('thrown in a callback');
}

function fill() {
  const kept = [];
  for (;;) kept.push(new Array(10_000).fill(kept.length));
}

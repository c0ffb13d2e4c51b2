/**
 * A shard for tests of its host: listens on a TCP port, sends `{ up, port }`, where `up` is the system's number of its
 * thread (0 where the system has no /proc), and ends the way it is told.
 */

import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

export default async function obey({ orders, listenPort }) {
  const server = createServer().listen(listenPort, '127.0.0.1');
  await once(server, 'listening');
  const stopped = new Promise((resolve, reject) => {
    orders.on('message', (order) => {
      if (order === 'stop') {
        orders.close();
        server.close(resolve);
      }
      if (order === 'leave') {
        setTimeout(() => orders.postMessage('still here'), 20);
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
  orders.postMessage({ up: threadNumber(), port: server.address().port });
  await stopped;
}

function threadNumber() {
  const self = '/proc/thread-self';
  return existsSync(self) ? Number(readlinkSync(self).split('/').at(-1)) : 0;
}

function fail() {
  throw new TypeError('thrown in a callback');
}

function fill() {
  const kept = [];
  for (;;) kept.push(new Array(10_000).fill(kept.length));
}

// Children of this bench: the same as those of the load bench, and waiting for a server.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export { choosePins, start, stop } from '../load/processes.mjs';

/** Resolves when the server answers a text command. */
export async function untilReady(port) {
  for (let attempt = 0; attempt < 500; attempt++) {
    const isThere = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', () => resolve(false));
      socket.once('data', () => resolve(true));
      socket.once('close', () => resolve(false));
      socket.end('version\n');
    });
    if (isThere) return;
    await sleep(20);
  }
  throw new Error('the job server does not answer');
}

// abraxas: `maxJobs` is its concurrency.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const load = (folder) => createRequire(join(folder, 'x.js'))('abraxas');

export function submit(port, count, workload, folder) {
  const client = load(folder).Client.connect({ servers: [`127.0.0.1:${port}`] });
  return new Promise((resolve, reject) => {
    let confirmed = 0;
    for (let i = 0; i < count; i++)
      client.submitJobBg('bench', workload).then(() => {
        if (++confirmed === count) resolve();
      }, reject);
  });
}

export function work(port, count, folder) {
  const client = load(folder).Client.connect({ servers: [`127.0.0.1:${port}`], maxJobs: 32 });
  return new Promise((resolve) => {
    let done = 0;
    client.registerWorker('bench', (task) => {
      if (++done === count) resolve();
      return task.payload;
    });
  });
}

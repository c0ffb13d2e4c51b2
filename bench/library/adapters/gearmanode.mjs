// gearmanode: a worker has one job at a time; there is no other way with it.
import { createRequire } from 'node:module';
import { join } from 'node:path';

function load(folder) {
  const require = createRequire(join(folder, 'x.js'));
  const gearmanode = require('gearmanode');
  gearmanode.Client.logger.transports?.forEach((transport) => {
    transport.silent = true;
  });
  return gearmanode;
}

export function submit(port, count, workload, folder) {
  const client = load(folder).client({ host: '127.0.0.1', port });
  return new Promise((resolve, reject) => {
    let confirmed = 0;
    client.on('socketError', (_server, error) => reject(error));
    for (let i = 0; i < count; i++) {
      const job = client.submitJob('bench', workload, { background: true });
      job.on('created', () => {
        if (++confirmed === count) resolve();
      });
      job.on('error', reject);
    }
  });
}

export function work(port, count, folder) {
  const worker = load(folder).worker({ host: '127.0.0.1', port });
  return new Promise((resolve) => {
    let done = 0;
    worker.addFunction('bench', (job) => {
      job.workComplete(job.payload);
      if (++done === count) resolve();
    });
  });
}

// gearman: as its README shows it, but grabbing again at once; 32 grabs are open at a time.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const load = (folder) => createRequire(join(folder, 'x.js'))('gearman');

export function submit(port, count, workload, folder) {
  const client = load(folder)('127.0.0.1', port);
  return new Promise((resolve) => {
    let confirmed = 0;
    client.on('JOB_CREATED', () => {
      if (++confirmed === count) resolve();
    });
    client.connect(() => {
      for (let i = 0; i < count; i++) client.submitJob('bench', workload, { background: true });
    });
  });
}

export function work(port, count, folder) {
  const worker = load(folder)('127.0.0.1', port);
  return new Promise((resolve) => {
    let done = 0;
    worker.on('JOB_ASSIGN', (job) => {
      worker.sendWorkComplete(job.handle, job.payload);
      if (++done === count) resolve();
      else worker.grabJob();
    });
    worker.connect(() => {
      worker.addFunction('bench');
      for (let i = 0; i < 32; i++) worker.grabJob();
    });
  });
}

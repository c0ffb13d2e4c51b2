/**
 * Graceful shutdown in a container: at SIGTERM the worker takes no more jobs, finishes those that run, sends their
 * results and ends with exit code 0. `Dockerfile` makes the container.
 *
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   GEARMAN_SERVERS=127.0.0.1:4730 node examples/container/worker.mjs
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { drainOnSignal, Worker } from 'geartrain';

const servers = (process.env.GEARMAN_SERVERS ?? '127.0.0.1:4730').split(',');
const worker = new Worker({ servers, concurrency: 4 });

worker.add('slow', async (job, { signal }) => {
  // `signal` aborts when the time for finishing is over: the server then gives the job to another worker.
  await sleep(Number(job.text()), undefined, { signal });
  return 'done';
});

drainOnSignal(worker, {
  // Less than the time that Docker or Kubernetes waits before SIGKILL.
  timeoutMs: 25_000,
  onStopped: ({ abandoned }) => {
    console.log(`stopped, ${abandoned} jobs were left to other workers`);
    process.exitCode = abandoned === 0 ? 0 : 1;
  },
});
await worker.start();
console.log('ready');

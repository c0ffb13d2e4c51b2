/** A handler in a file of its own; its workload is its instruction. */
import { threadId } from 'node:worker_threads';

export default async function handle(job, { signal }) {
  const text = job.text();
  if (text === 'thread') return String(threadId);
  if (text === 'talk') {
    job.progress(1, 2);
    job.sendData(Buffer.from([0, 255]));
    job.warn('careful');
    return `${job.functionName} ${job.handle !== ''} ${signal.aborted}`;
  }
  if (text === 'throw') throw new Error('thrown in a thread');
  if (text === 'exit') process.exit(3);
  if (text === 'spin') for (;;);
  if (text === 'reject') return Promise.reject('plain text');
  return job.data;
}

/**
 * The functions of a worker, apart from the program that runs them, so that `jobs.test.mjs` can test them.
 * `connection` says where the job server is: `{ servers }` in production, `{ server }` in a test.
 */
import { json, Worker } from 'geartrain';

export function makeWorker(connection) {
  return new Worker({ ...connection, codec: json }).add('invoice', (job) => {
    const { net, percent } = job.input;
    if (!(net >= 0)) throw new Error(`net is ${net}`);
    job.progress(1, 2);
    return { net, gross: Math.round(net * (100 + percent)) / 100 };
  });
}

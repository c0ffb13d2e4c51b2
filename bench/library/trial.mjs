// One trial of one library in this process; prints `rate N`. Arguments: library, trial, port, jobs, folder of packages.
// submit: from the first submit to the last JOB_CREATED. work: jobs are queued before; from the worker's start to the
// last result, counted by the server.
import { Client } from '../../dist/index.js';

const [library, trial, portText, countText, folder] = process.argv.slice(2);
const port = Number(portText);
const count = Number(countText);
const { submit, work } = await import(`./adapters/${library}.mjs`);
const workload = 'x'.repeat(64);

/** Puts jobs into the queue, whatever library is measured. */
async function fill() {
  const client = new Client({ servers: [`127.0.0.1:${port}`] });
  const jobs = (function* () {
    for (let i = 0; i < count; i++)
      yield { functionName: 'bench', input: workload, background: true };
  })();
  const { failed } = await client.submitMany(jobs);
  await client.close();
  if (failed > 0) throw new Error(`${failed} jobs were not queued`);
}

let startMs;
if (trial === 'submit') {
  startMs = performance.now();
  await submit(port, count, workload, folder);
} else {
  await fill();
  startMs = performance.now();
  await work(port, count, folder);
}
console.log(`rate ${(count / (performance.now() - startMs)) * 1000}`);
process.exit(0);

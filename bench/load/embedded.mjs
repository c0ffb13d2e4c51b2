// A job server, a client and a worker in one program: the cost of a job without sockets.
// Usage (limit is accepted and not needed): node embedded.mjs --scenario rtt|mixed --jobs N --warm N --outstanding K
// [--bytes B]
// Rule: prints the same result as the load generator; server and load are one process, so CPU time is of both.
import { parseArgs } from 'node:util';
import { Client, createServer, Worker } from '../../dist/index.js';

const count = (byDefault) => ({ type: 'string', default: String(byDefault) });
const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    jobs: count(100000),
    warm: count(100000),
    outstanding: count(256),
    bytes: count(64),
    limit: count(0),
  },
});
const [jobs, warm, outstanding] = [values.jobs, values.warm, values.outstanding].map(Number);
const isBackground = values.scenario === 'mixed';

let executed = 0;
let awaited = Number.POSITIVE_INFINITY;
let onAwaited = () => {};
const server = createServer();
const worker = new Worker({ server, concurrency: outstanding });
worker.add('bench', (job) => {
  if (++executed === awaited) onAwaited();
  return job.data;
});
await worker.start();
const client = new Client({ server });
const input = new Uint8Array(Number(values.bytes)).fill(7);

function* some(count) {
  const job = { functionName: 'bench', input, background: isBackground };
  for (let i = 0; i < count; i++) yield job;
}

/** Submits so many and waits until each has been answered and run. */
async function play(count) {
  awaited = executed + count;
  const all = new Promise((resolve) => {
    onAwaited = resolve;
  });
  const { completed, failed, errors } = await client.submitMany(some(count), {
    inFlightMax: outstanding,
  });
  if (failed > 0) throw errors[0];
  await all;
  return completed;
}

const rssKiB = () => Math.round(process.memoryUsage.rss() / 1024);
const rssFreshKiB = rssKiB();
await play(warm);
const rssBeforeKiB = rssKiB();
const executedBefore = executed;
const cpuBefore = process.cpuUsage();
const startedNs = Number(process.hrtime.bigint());
const answered = await play(jobs);
const endedNs = Number(process.hrtime.bigint());
const { user, system } = process.cpuUsage(cpuBefore);
const wallSeconds = (endedNs - startedNs) / 1e9;
const cpuSeconds = (user + system) / 1e6;
const rssAfterKiB = rssKiB();
console.log(
  JSON.stringify({
    ...{ scenario: values.scenario, jobs: answered, isCut: false, wallSeconds, startedNs, endedNs },
    jobsPerSecond: answered / wallSeconds,
    load: { cpuSeconds: 0, cpuNsPerJob: 0, busy: 0 },
    server: {
      ...{ cpuSeconds, cpuNsPerJob: (cpuSeconds * 1e9) / answered, busy: cpuSeconds / wallSeconds },
      ...{ rssFreshKiB, rssBeforeKiB, rssAfterKiB, rssEndKiB: rssKiB() },
      ...{ rssPeakKiB: process.resourceUsage().maxRSS, foreignBusy: 0 },
    },
    counts: { answered, executed: executed - executedBefore, executedInAll: executed },
  }),
);
await client.close();
await worker.close();
await server.close();
process.exit(0);

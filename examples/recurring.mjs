/**
 * A recurring job: `report` runs once a minute, however many of these processes run. Each of them submits the next run
 * ahead of time (`runAt`); the unique key makes one job of these submits.
 *
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   node examples/recurring.mjs &
 *   node examples/recurring.mjs
 */
import { Client, drainOnSignal, json, Worker } from 'geartrain';

const everyMs = 1000 * Number(process.argv[2] ?? 60); // another number of seconds may be given
// A run that is nearer than this is left to the others: when our submit arrives, it may be over already. The clocks of
// the machines must agree within this time.
const marginMs = Math.min(10_000, everyMs / 2);

const servers = ['127.0.0.1:4730'];
const client = new Client({ servers, codec: json });
const worker = new Worker({ servers, codec: json });

/** Submits the first run after `lastMs`. Times are whole multiples of the interval, the same in every process. */
function scheduleNext(lastMs) {
  const afterMs = Math.max(lastMs, Date.now() + marginMs);
  const dueMs = (Math.floor(afterMs / everyMs) + 1) * everyMs;
  return client.submit('report', { dueMs }, { runAt: dueMs, unique: `report ${dueMs}` });
}

worker.add('report', async ({ input }) => {
  await scheduleNext(input.dueMs); // first, so that a run that fails does not end the series
  console.log(`report of ${new Date(input.dueMs).toISOString()}`);
});

// Also after a lost connection: a server without a store forgets the next run when it is started again.
worker.on('connection', ({ state }) => {
  if (state === 'ready') scheduleNext(0).catch((error) => console.error(error.message));
});

drainOnSignal(worker, { onStopped: () => client.close() });
await worker.start();

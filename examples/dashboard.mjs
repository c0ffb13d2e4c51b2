/**
 * A server with made-up traffic, to look at its dashboard: functions that are quick, slow, limited, paused, without a
 * worker, and one whose jobs fail. Prints the address of the page and the token that it asks for, and runs until Ctrl-C.
 *
 *   node examples/dashboard.mjs
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, createServer, Dead, Worker } from 'geartrain';

const folder = mkdtempSync(join(tmpdir(), 'geartrain-dashboard-'));
const token = randomBytes(12).toString('hex');
const controlTokenFile = join(folder, 'token');
writeFileSync(controlTokenFile, token, { mode: 0o600 });

const server = createServer({
  host: '127.0.0.1',
  port: 0,
  control: '127.0.0.1:0',
  controlTokenFile,
  policies: {
    mail: { attempts: 3, backoff: 'exp:2s:1m' },
    resize: { concurrency: 5 },
    geocode: { rate: '5/s', attempts: 2 },
  },
});
await server.listen();
const servers = [`${server.address.host}:${server.address.port}`];

const REASONS = ['no such user', 'the mail server does not answer', 'the mailbox is full'];
const random = (most) => Math.floor(Math.random() * most);

/** What each function does; a job takes up to so many milliseconds. */
const FUNCTIONS = {
  thumbnail: () => sleep(random(40)),
  resize: () => sleep(400 + random(900)),
  geocode: () => sleep(random(120)),
  invoice: () => sleep(random(200)),
  mail: async () => {
    await sleep(random(150));
    const reason = random(REASONS.length * 4);
    if (reason === 0) throw new Dead(REASONS[0]);
    if (reason < REASONS.length) throw new Error(REASONS[reason]);
  },
  report: async (job) => {
    for (let part = 1; part <= 20; part++) {
      await sleep(500);
      job.progress(part, 20);
    }
  },
};

const workers = [1, 2, 3].map(() => {
  const worker = new Worker({ servers, concurrency: 8 });
  for (const [name, run] of Object.entries(FUNCTIONS)) worker.add(name, run);
  return worker;
});
for (const worker of workers) await worker.start();

const client = new Client({ servers });
await client.admin.pause('invoice');

/** Jobs a second; nobody works on `archive`. */
const RATES = {
  thumbnail: 40,
  resize: 5,
  geocode: 6,
  invoice: 0.5,
  mail: 8,
  report: 0.1,
  archive: 2,
};

let isEnding = false;
const submitting = Object.entries(RATES).map(async ([name, rate]) => {
  for (let number = 1; !isEnding; number++) {
    const options = { background: true, unique: `${name}-${number}` };
    await client.submit(name, JSON.stringify({ number }), options);
    await sleep((500 + random(1000)) / rate);
  }
});

const { host, port } = server.controlAddress;
console.log(`dashboard: http://${host}:${port}/`);
console.log(`token: ${token}`);
console.log('It runs until Ctrl-C.');

await new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
});
isEnding = true;
void Promise.allSettled(submitting);
await client.close();
await server.close();
rmSync(folder, { recursive: true });
process.exit();

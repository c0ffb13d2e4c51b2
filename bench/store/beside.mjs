/**
 * `npm run bench:beside -- [--rate N] [--jobs N] [--rounds N]`: latency of foreground jobs (8 clients, one at a time each)
 * alone, beside N (default 50,000) background submits a second that are kept in memory, and beside as many that are
 * committed to a journal. Server on one core, all load on the other. The submits come from a process of their own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from '../../dist/index.js';
import { buildPrograms } from '../load/build.mjs';
import { playTogether } from '../load/generators.mjs';
import { choosePins, freePort, start, stop, waitUntilReady } from '../load/processes.mjs';

const here = fileURLToPath(import.meta.url);
const daemon = new URL('../../dist/cli/gearmand.js', import.meta.url).pathname;
const results = new URL('../results/', import.meta.url).pathname;
const host = '127.0.0.1';
/** Submits leave in lots: what is due since the last tick. */
const TICK_MS = 4;

if (process.send !== undefined)
  await submitAtRate(Number(process.argv[2]), Number(process.argv[3]));
else await measure();

/** Submits `rate` background jobs a second until the parent says stop; tells it how many were acknowledged, and when. */
async function submitAtRate(port, rate) {
  const client = new Client({ servers: [{ host, port }] });
  const startedMs = performance.now();
  const data = Buffer.alloc(64, 'w');
  let isOver = false;
  process.once('message', () => {
    isOver = true;
  });
  async function* jobs() {
    for (let sent = 0; !isOver; await sleep(TICK_MS)) {
      const due = ((performance.now() - startedMs) * rate) / 1000;
      for (; sent < due; sent++) yield { functionName: 'beside', input: data, background: true };
    }
  }
  const { completed } = await client.submitMany(jobs(), { inFlightMax: rate });
  process.send({ created: completed, seconds: (performance.now() - startedMs) / 1000 });
  await client.close();
  process.disconnect();
}

async function measure() {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '50000' },
      jobs: { type: 'string', default: '60000' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const [rate, jobs, rounds] = [values.rate, values.jobs, values.rounds].map(Number);
  const { load } = buildPrograms(results);
  const cases = [
    { name: 'alone', rate: 0, isStored: false },
    { name: 'beside memory', rate, isStored: false },
    { name: 'beside journal', rate, isStored: true },
  ];
  console.log(`${'us'.padEnd(16)}    p50    p99  p99.9   committed or kept a second`);
  for (let round = 0; round < rounds; round++)
    for (const each of cases) {
      const { latencyUs, reached } = await play(load, each, jobs);
      const figures = [latencyUs.p50, latencyUs.p99, latencyUs.p999].map((us) =>
        us.toFixed(0).padStart(7),
      );
      console.log(`${each.name.padEnd(16)}${figures.join('')}   ${reached.toFixed(0)}`);
    }
}

/** This program in a process of its own on these cores (undefined: anywhere). */
function forkOn(cores, words) {
  if (cores === undefined) return fork(here, words);
  return fork(here, words, {
    execPath: 'taskset',
    execArgv: ['-c', cores.join(), process.execPath],
  });
}

/** One round on a fresh server. */
async function play(load, { rate, isStored }, jobs) {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-beside-'));
  const pins = choosePins();
  const port = await freePort();
  const store = isStored ? ['-q', 'journal', '--state-dir', folder] : [];
  const words = ['--threads', '0', '--port', String(port), '--listen', host, ...store];
  const server = start([process.execPath, daemon, ...words], { cores: pins?.server });
  server.stdout.resume();
  try {
    await waitUntilReady(host, port, server);
    const other = rate === 0 ? null : forkOn(pins?.load, [String(port), String(rate)]);
    const options = { scenario: 'rtt', jobs, warm: 20_000, clients: 8, workers: 8 };
    const target = { host, port, pid: server.pid };
    const { result } = await playTogether(load, target, [options], {
      seconds: 120,
      pins: pins?.load,
    });
    if (other === null) return { ...result, reached: 0 };
    other.send('stop');
    const [{ created, seconds }] = await once(other, 'message');
    return { ...result, reached: created / seconds };
  } finally {
    await stop(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

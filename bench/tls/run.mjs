// CPU time of the server for one foreground round trip, in clear text, by TLS, and in clear text beside a TLS connection
// that says nothing: `npm run bench:tls -- [words] [options]`, options.mjs.
// Rule: what is compared plays in turns, in every other round the other way round; one round more comes first and does not
// count. The load comes from this process, whose time does not count.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePins } from '../load/processes.mjs';
import { readOptions, UsageError, usage } from './options.mjs';
import { makeCertificate, Server } from './server.mjs';

const daemon = new URL('../../dist/cli/gearmand.js', import.meta.url).pathname;

function options() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

/** Median, and least and greatest. */
function show(values, digits) {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, least, greatest] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)];
  return `${median.toFixed(digits)} (${least.toFixed(digits)}..${greatest.toFixed(digits)})`;
}

const ratios = (above, below) => above.map((value, round) => value / below[round]);

const { jobs, rounds, against, trials } = options();
const folder = mkdtempSync(join(tmpdir(), 'geartrain-bench-tls-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
makeCertificate(folder);
const pins = choosePins();
if (pins) execFileSync('taskset', ['-a', '-c', '-p', pins.load.join(), process.pid]);

const servers = [];
if (against)
  servers.push({ name: 'against', server: await Server.start(against, folder, pins?.server) });
servers.push({ name: 'this', server: await Server.start(daemon, folder, pins?.server) });
try {
  report(await play());
} finally {
  await Promise.all(servers.map(({ server }) => server.stop()));
}

/** Figures by trial and server. */
async function play() {
  const samples = trials.map(() => ({ this: [], against: [] }));
  for (let round = 0; round <= rounds; round++) {
    const inTurn = round % 2 === 0 ? servers : servers.toReversed();
    for (const [i, trial] of trials.entries()) {
      for (const { name, server } of inTurn) {
        const micros = await server.measure(trial, jobs);
        if (round > 0) samples[i][name].push(micros);
      }
    }
  }
  return samples;
}

function report(samples) {
  const what = `8 clients, ${jobs} jobs, ${rounds} rounds, median (least..greatest)`;
  console.log(`us of CPU a round trip: ${what}`);
  for (const [i, { about, outstanding }] of trials.entries()) {
    const own = samples[i];
    const words = [`${outstanding} outstanding, ${about}: ${show(own.this, 1)}`];
    if (against) {
      words.push(`against ${show(own.against, 1)}`);
      words.push(`this / against ${show(ratios(own.this, own.against), 3)}`);
    }
    const plain = trials.findIndex((t) => t.name === 'plain' && t.outstanding === outstanding);
    if (plain >= 0 && plain !== i)
      words.push(`this / plain ${show(ratios(own.this, samples[plain].this), 2)}`);
    console.log(words.join(', '));
  }
}

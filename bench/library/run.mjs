// Speed of the client and the worker, side by side with the other Gearman packages of npm, against our server.
// Every trial is a process of its own; the other packages are installed into a temporary folder. Usage:
//   npm run bench:library            all libraries, all trials
//   npm run bench:library -- geartrain submit --rounds 5
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.mjs';
import { choosePins, start, stop, untilReady } from './processes.mjs';

const others = { abraxas: '2.1.10', gearmanode: '0.9.2', gearman: '2.1.0' };
const libraries = ['geartrain', ...Object.keys(others)];
/** Jobs of one run: what a library does in a few seconds. */
const trials = {
  submit: { title: 'background submits/s, pipelined, 64 bytes', jobs: 500_000, otherJobs: 20_000 },
  work: { title: 'jobs/s through one worker, concurrency 32', jobs: 200_000, otherJobs: 10_000 },
};
const patienceMs = 60_000;

const words = process.argv.slice(2);
const roundsAt = words.indexOf('--rounds');
const rounds = roundsAt < 0 ? 3 : Number(words.splice(roundsAt, 2)[1]);
const unknown = words.filter((word) => !libraries.includes(word) && !(word in trials));
if (unknown.length > 0 || !(rounds > 0)) {
  console.error(`words are ${[...libraries, ...Object.keys(trials)].join(', ')} and --rounds N`);
  process.exit(2);
}
const chosen = (all) => {
  const named = all.filter((name) => words.includes(name));
  return named.length > 0 ? named : all;
};

const folder = mkdtempSync(join(tmpdir(), 'geartrain-bench-library-'));
writeFileSync(join(folder, 'package.json'), '{"private":true}');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Installs one package; says why when that does not work. */
function install(name) {
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${others[name]}`];
  try {
    execFileSync('npm', npm, { cwd: folder, stdio: 'pipe', timeout: 120_000 });
    return '';
  } catch (error) {
    return `cannot be installed: ${String(error.stderr ?? error.message).split('\n')[0]}`;
  }
}

const pins = choosePins();
const root = new URL('../../', import.meta.url).pathname;

/** One run in fresh processes: server, and a process that prints its rate. Returns jobs/s, or why there is none. */
async function runOnce(library, trial) {
  const port = await freePort();
  const daemon = [process.execPath, join(root, 'dist/cli/gearmand.js'), '--threads', '0'];
  const server = start([...daemon, '--port', String(port), '--listen', '127.0.0.1'], {
    core: pins?.server,
  });
  await untilReady(port);
  const { jobs, otherJobs } = trials[trial];
  const count = library === 'geartrain' ? jobs : otherJobs;
  const script = join(root, 'bench/library/trial.mjs');
  const child = start(
    [process.execPath, script, library, trial, String(port), String(count), folder],
    {
      core: pins?.load,
    },
  );
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const { code } = await child.ended;
  clearTimeout(timer);
  await stop(server);
  const rate = /^rate (\S+)$/m.exec(output)?.[1];
  if (code === 0 && rate !== undefined) return Number(rate);
  return code === null ? `not done within ${patienceMs / 1000} s` : child.tail().split('\n')[0];
}

const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const shown = (rate) => Math.round(rate).toLocaleString('en').padStart(10);

const missing = new Map();
for (const library of chosen(libraries))
  if (library in others) missing.set(library, install(library));

console.log(
  `Node ${process.version}, ${pins ? 'server and library on a core each' : 'not pinned'}, median of ${rounds}`,
);
for (const trial of chosen(Object.keys(trials))) {
  console.log(`\n${trials[trial].title}`);
  const rates = new Map(chosen(libraries).map((library) => [library, []]));
  const failures = new Map([...missing].filter(([, why]) => why !== ''));
  for (let round = 0; round < rounds; round++)
    for (const library of rates.keys()) {
      if (failures.has(library)) continue;
      const rate = await runOnce(library, trial);
      if (typeof rate === 'number') rates.get(library).push(rate);
      else failures.set(library, rate || 'ended without a result');
    }
  const best = Math.max(
    0,
    ...[...rates].flatMap(([name, all]) =>
      name === 'geartrain' || all.length === 0 ? [] : [middle(all)],
    ),
  );
  for (const [library, all] of rates) {
    const why = failures.get(library);
    if (why !== undefined) console.log(`  ${library.padEnd(12)} ${why}`);
    else {
      const range = `${shown(Math.min(...all))} to ${shown(Math.max(...all))}`;
      const ratio =
        library === 'geartrain' && best > 0
          ? `   ${(middle(all) / best).toFixed(1)} times the best other`
          : '';
      console.log(`  ${library.padEnd(12)} ${shown(middle(all))}   (${range})${ratio}`);
    }
  }
}

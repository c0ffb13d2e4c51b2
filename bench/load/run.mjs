// Measures job servers side by side: `npm run bench -- [words] [options]`.
// Rule: every trial in fresh processes, servers in alternating order within one run, medians over
// the rounds; every sample goes to the JSON file, also those that failed, were cut or replaced.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPrograms, CompilerError } from './build.mjs';
import { describeMachine } from './machine.mjs';
import { choose, listing, readOptions, UsageError, usage } from './options.mjs';
import { syscallsMissing } from './probes/syscalls.mjs';
import { choosePins } from './processes.mjs';
import { page } from './report/html.mjs';
import { costUs, summarise } from './report/summary.mjs';
import { syscallTable, table, targetTable } from './report/table.mjs';
import { judge } from './report/targets.mjs';
import { playRounds } from './rounds.mjs';
import { embeddingMissing } from './servers.mjs';

// An untuned C server needs more than a minute for a queue of a million; most trials need less than one share.
const sharesOfTable = 5;
const sharesOfOthers = 2;
const tagsOfAllRounds = ['table', 'calm', 'pairs'];
const roundsOfRest = 3;
const results = new URL('../results/', import.meta.url).pathname;

function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

const clock = (ms) => {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};

/** Says how far the run is, a line a sample. */
function progress(startedAtMs, count) {
  let at = 0;
  const head = () => `${clock(Date.now() - startedAtMs).padStart(5)} ${at}/${count}`;
  return {
    begin() {
      at++;
    },
    note: (text) => console.log(`${head()}  ${text}`),
    say({ trial, server, round, result, error }) {
      const figure = result
        ? `${costUs({ result }).toFixed(2)} us, ${Math.round(result.jobsPerSecond)} jobs/s`
        : `FAILED: ${error}`;
      const cut = result?.isCut ? `, cut after ${result.jobs} jobs` : '';
      const name = `${trial.padEnd(14)} round ${round}  ${server.padEnd(10)}`;
      console.log(`${head()}  ${name} ${figure}${cut}`);
    },
  };
}

/** Leaves out servers that are not here, saying why, once each. */
async function present(choices, context) {
  const why = new Map();
  for (const server of new Set(choices.flatMap((choice) => choice.servers))) {
    const missing = server.missing(context);
    if (missing) why.set(server.name, missing);
  }
  for (const [name, text] of why) console.log(`without ${name}: ${text}`);
  const isEmbedded = ({ trial }) => trial.isEmbedded;
  const whyNot = choices.some(isEmbedded) ? await embeddingMissing() : '';
  if (whyNot) console.log(`without trials in one process: ${whyNot}`);
  return choices
    .filter((choice) => !whyNot || !isEmbedded(choice))
    .map(({ trial, servers }) => ({ trial, servers: servers.filter(({ name }) => !why.has(name)) }))
    .filter(({ servers }) => servers.length > 0);
}

/** In a run of everything only what RESULTS.md shows, or what is a matter of pairs, plays all rounds. */
function roundsOf({ tags, rounds = Number.POSITIVE_INFINITY }, settings) {
  const isWhole = settings.words.length === 0;
  const isFull = !isWhole || tags.some((tag) => tagsOfAllRounds.includes(tag));
  return Math.min(settings.rounds, rounds, isFull ? settings.rounds : roundsOfRest);
}

/** Plays everything; answers the report, without its rendering. */
async function playAll(choices, context, settings) {
  const startedAtMs = Date.now();
  const shown = progress(startedAtMs, choices.length);
  Object.assign(context, { say: shown.say, note: shown.note });
  const endAtMs = startedAtMs + settings.minutes * 60_000;
  context.isOver = () => Date.now() >= endAtMs;
  // The last sample may end a little later.
  context.secondsLeft = () => Math.max(1, (endAtMs - Date.now()) / 1000) + 20;
  context.leave = (trial, server, round) => {
    const what = `${trial.name} on ${server.name}, round ${round}`;
    shown.note(`${what}: not played, the time is over`);
    report.left.push(what);
  };
  const report = { trials: [], left: [], rows: [], samples: [], replaced: [] };
  for (const [at, { trial, servers }] of choices.entries()) {
    shown.begin();
    const trialAtMs = Date.now();
    // A trial may take some shares of the time that is left, so that the last ones get theirs.
    const shares = trial.tags.includes('table') ? sharesOfTable : sharesOfOthers;
    const shareMs = ((endAtMs - trialAtMs) / (choices.length - at)) * shares;
    const mayGoOn = () => Date.now() - trialAtMs < shareMs;
    const wanted = roundsOf(trial, settings);
    const played = await playRounds(trial, servers, context, wanted, mayGoOn);
    if (played.rounds < wanted) {
      shown.note(`${trial.name}: ${played.rounds} of ${wanted} rounds, for want of time`);
    }
    report.trials.push({
      ...{ name: trial.name, about: trial.about, tags: trial.tags, options: trial.options },
      ...{ rounds: played.rounds, roundsWanted: wanted },
    });
    report.samples.push(...played.samples);
    report.replaced.push(...played.replaced);
    report.rows.push(...summarise(trial, servers, played.samples));
  }
  report.seconds = (Date.now() - startedAtMs) / 1000;
  return report;
}

async function main() {
  const settings = readOptions(process.argv.slice(2));
  const { values } = settings;
  if (values.help) return console.log(usage);
  if (values.list) return console.log(listing(settings.servers));
  if (values.syscalls && syscallsMissing()) fail(syscallsMissing(), 1);
  const folder = join(results, 'bin');
  const context = {
    ...buildPrograms(folder),
    folder,
    gearmand: values['c-path'],
    scale: settings.scale,
    patience: settings.patience,
    isSpinning: values.spin,
    isTracing: values.syscalls,
  };
  const choices = await present(choose(settings), context);
  if (choices.length === 0) fail('no server to measure', 1);
  if (!choosePins()) console.log('not pinned: fewer than two cores, or no taskset');
  const counted = choices.reduce((sum, { servers }) => sum + servers.length, 0);
  console.log(`${choices.length} trials, ${counted} with their servers, ${settings.rounds} rounds`);

  const machine = describeMachine(context);
  const report = {
    machine,
    options: { ...values, words: settings.words, rounds: settings.rounds, scale: settings.scale },
    servers: settings.servers.map(({ name, about }) => ({ name, about })),
    ...(await playAll(choices, context, settings)),
  };
  report.targets = judge(report);
  console.log(`\n${table(report.rows)}\n`);
  if (values.syscalls) console.log(`${syscallTable(report.samples)}\n`);
  if (report.targets.length > 0) console.log(`${targetTable(report.targets)}\n`);
  const path = values.out ?? join(results, `load-${machine.time.replace(/[:.]/g, '-')}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${path}.html`, page(report));
  console.log(`${clock(report.seconds * 1000)} minutes, samples ${path}.json, report ${path}.html`);
  if (report.samples.some((sample) => sample.error)) process.exitCode = 1;
}

main().catch((error) => {
  if (error instanceof UsageError) fail(`${error.message}\n${usage}`, 2);
  fail(error instanceof CompilerError ? error.message : error.stack, 1);
});

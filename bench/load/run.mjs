// Measures job servers side by side: `npm run bench -- [words] [options]`.
// Rule: every trial in a fresh server process, servers in alternating order within one run, medians
// over the rounds. Words choose trials (name or tag) and servers by a part of their name.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPrograms, CompilerError } from './build.mjs';
import { describeMachine } from './machine.mjs';
import { choosePins, freePort, start, stop, waitUntilQuiet, waitUntilReady } from './processes.mjs';
import { costUs, disturbedFrom, median, summarise, table } from './report.mjs';
import { attachedServer, customServer, otherBuild, servers } from './servers.mjs';
import { argumentsOf, trials } from './trials.mjs';

const usage = `usage: node bench/load/run.mjs [words] [options]
  --spin             the load generator never sleeps: the server does not pay for waking it
  --quick            one round, counts divided by four
  --rounds N         rounds (5)
  --patient SECONDS  wait that long for a quiet machine, repeat disturbed samples up to 3 times
  --server NAME=CMD  one more server; CMD contains {port}; may be repeated
  --attach H:P[:PID] a server that runs already, instead of all others
  --against DIR      another checkout of geartrain, built, instead of the C gearmand
  --c-path PATH      the C gearmand to compare with (gearmand)
  --json FILE        where to write every sample (bench/results/load-TIME.json)
  --list             say which trials and servers there are`;

const results = new URL('../results/', import.meta.url).pathname;

function fail(message, code = 2) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        spin: { type: 'boolean', default: false },
        patient: { type: 'string', default: '0' },
        server: { type: 'string', multiple: true, default: [] },
        attach: { type: 'string' },
        against: { type: 'string' },
        'c-path': { type: 'string', default: 'gearmand' },
        json: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${error.message}\n${usage}`);
  }
}

/** Splits words into those that choose trials and those that choose servers. */
function choose(words, allServers) {
  // A word that is a whole name means only that one.
  const matches = (items, word, tagsOf) => {
    const isExact = items.some((item) => item.name === word);
    return (item) =>
      isExact ? item.name === word : item.name.includes(word) || tagsOf(item).includes(word);
  };
  const isTrial = (word) => matches(trials, word, (trial) => trial.tags);
  const isServer = (word) => matches(allServers, word, () => []);
  const trialWords = words.filter((word) => trials.some(isTrial(word)));
  const serverWords = words.filter((word) => allServers.some(isServer(word)));
  const unknown = words.find(
    (word) => word !== 'all' && !trialWords.includes(word) && !serverWords.includes(word),
  );
  if (unknown) fail(`no trial or server is called ${unknown}; see --list`);
  const chosenTrials = words.includes('all')
    ? trials
    : trials.filter((trial) =>
        trialWords.length
          ? trialWords.some((word) => isTrial(word)(trial))
          : trial.tags.includes('core'),
      );
  // A comparison of two builds does without the C gearmand, unless it is named.
  const isComparison = allServers.some((server) => server.name === 'against');
  const isDefault = ({ name, byDefault }) => byDefault && !(isComparison && name.startsWith('c-'));
  const chosenServers = allServers.filter((server) =>
    serverWords.length ? serverWords.some((word) => isServer(word)(server)) : isDefault(server),
  );
  return { chosenTrials, chosenServers };
}

function list(allServers) {
  for (const trial of trials) {
    console.log(`trial   ${trial.name.padEnd(14)} ${trial.about}  [${trial.tags.join(' ')}]`);
  }
  for (const server of allServers) console.log(`server  ${server.name}`);
}

/** Starts a fresh server, plays the trial, stops the server. Answers a sample, never throws. */
async function play(trial, server, context) {
  const sample = { trial: trial.name, server: server.name, loadAverage: os.loadavg()[0] };
  let child;
  let timer;
  if (context.patience > 0) await waitUntilQuiet(context.patience);
  try {
    let { host, port, pid } = server.attached ?? { host: '127.0.0.1' };
    if (!server.attached) {
      port = await freePort();
      child = start(server.argv(context, port), { core: context.pins?.server, env: server.env });
      child.stdout.resume();
      pid = child.pid;
    }
    await waitUntilReady(host, port, child);
    const words = [context.load, '--host', host, '--port', String(port)];
    if (pid) words.push('--server-pid', String(pid));
    sample.arguments = argumentsOf(trial, server.name, context.isQuick);
    if (context.isSpinning) sample.arguments.push('--spin');
    const load = start([...words, ...sample.arguments], { core: context.pins?.load });
    let output = '';
    load.stdout.on('data', (text) => {
      output += text;
    });
    const seconds = trial.seconds ?? 120;
    timer = setTimeout(() => load.kill('SIGKILL'), seconds * 1000);
    const { code, signal, error } = await load.ended;
    if (signal === 'SIGKILL') throw new Error(`cut after ${seconds} s`);
    if (code !== 0)
      throw error ?? new Error(load.tail() || `load generator: exit ${code ?? signal}`);
    sample.result = JSON.parse(output);
  } catch (error) {
    const last = child?.tail().split('\n').at(-1);
    sample.error = last ? `${error.message} [server: ${last}]` : error.message;
  } finally {
    clearTimeout(timer);
    if (child) await stop(child);
  }
  return sample;
}

function say(sample, round) {
  const figure = sample.result
    ? `${costUs(sample).toFixed(2)} us, ${Math.round(sample.result.jobsPerSecond)} jobs/s`
    : `FAILED: ${sample.error}`;
  console.log(`round ${round}  ${sample.trial.padEnd(14)} ${sample.server.padEnd(10)} ${figure}`);
}

const foreign = (sample) => sample.result?.server?.foreignBusy ?? 0;

async function playRound(trial, chosen, context, round) {
  const order = round % 2 === 1 ? chosen : [...chosen].reverse();
  const samples = [];
  for (const server of order) {
    let sample = { round, ...(await play(trial, server, context)) };
    for (
      let again = 0;
      again < 3 && context.patience > 0 && foreign(sample) > disturbedFrom;
      again++
    ) {
      const other = { round, ...(await play(trial, server, context)) };
      if (foreign(other) < foreign(sample)) sample = other;
    }
    say(sample, round);
    samples.push(sample);
  }
  return samples;
}

/**
 * All rounds of one trial. A round whose yardstick is more than 10% off the median was disturbed
 * from outside: it is played again, at most three times, and the disturbed one is kept aside.
 */
async function playTrial(trial, chosen, context, rounds) {
  const kept = [];
  for (let round = 1; round <= rounds; round++) {
    kept.push(await playRound(trial, chosen, context, round));
  }
  const yardstickOf = (samples) => samples.find((s) => s.server === 'yardstick' && s.result);
  const replaced = [];
  for (let again = 0; again < 3 && rounds >= 3; again++) {
    const middle = median(kept.map(yardstickOf).filter(Boolean).map(costUs));
    const isOff = (samples) => {
      const sample = yardstickOf(samples);
      return sample !== undefined && Math.abs(costUs(sample) / middle - 1) > 0.1;
    };
    const off = kept.findIndex(isOff);
    if (off < 0) break;
    console.log(`round ${off + 1} again: its yardstick is more than 10% off the median`);
    replaced.push(...kept[off]);
    kept[off] = await playRound(trial, chosen, context, off + 1);
  }
  return { samples: kept.flat(), replaced };
}

async function main() {
  const { values, positionals } = readArguments();
  if (values.help) return console.log(usage);
  const given = values.server.map(customServer);
  if (values.against) given.push(otherBuild(values.against));
  const allServers = values.attach ? [attachedServer(values.attach)] : [...servers, ...given];
  if (values.list) return list(allServers);
  const { chosenTrials, chosenServers } = choose(positionals, allServers);
  const rounds = values.rounds ? Number(values.rounds) : values.quick ? 1 : 5;
  if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds: not a count: ${values.rounds}`);

  const folder = join(results, 'bin');
  const context = { ...buildPrograms(folder), folder, gearmand: values['c-path'] };
  const patience = Number(values.patient);
  if (!(patience >= 0)) fail(`--patient: not a time in seconds: ${values.patient}`);
  Object.assign(context, {
    isQuick: values.quick,
    pins: choosePins(),
    patience,
    isSpinning: values.spin,
  });
  if (!context.pins) console.log('not pinned: fewer than two cores, or no taskset');
  const present = chosenServers.filter((server) => {
    const why = server.missing(context);
    if (why) console.log(`without ${server.name}: ${why}`);
    return !why;
  });
  if (present.length === 0) fail('no server to measure', 1);

  const report = { machine: describeMachine(context), options: { ...values, rounds, positionals } };
  Object.assign(report, { rows: [], samples: [], replaced: [] });
  for (const trial of chosenTrials) {
    const { samples, replaced } = await playTrial(trial, present, context, rounds);
    report.samples.push(...samples);
    report.replaced.push(...replaced);
    report.rows.push(
      ...summarise(
        trial,
        present.map((server) => server.name),
        samples,
      ),
    );
  }

  console.log(`\n${table(report.rows)}\n`);
  const stamp = report.machine.time.replace(/[:.]/g, '-');
  const path = values.json ?? join(results, `load-${stamp}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`samples: ${path}`);
  if (report.samples.some((sample) => sample.error)) process.exitCode = 1;
}

main().catch((error) => fail(error instanceof CompilerError ? error.message : error.stack, 1));

// The command line of the suite: options, and words that choose trials and servers.
// Rule: a word that means nothing is an error, never left out silently.
import { parseArgs } from 'node:util';
import { attachedServer, customServer, nameInTrials, otherBuild, servers } from './servers.mjs';
import { trials } from './trials.mjs';

export const usage = `usage: npm run bench -- [words] [options]
Without words every trial is played (up to 60 minutes). A word is a trial, a tag or a server; see --list.
  --quick            one round, counts divided by four, within 5 minutes
  --rounds N         rounds (5)
  --minutes N        time for all of it: rounds are left out, then trials, which is said (55; quick: 4.5)
  --spin             the load generator never sleeps: the server does not pay for waking it
  --syscalls         system calls per job by strace; times mean nothing then
  --patient SECONDS  wait that long for a quiet machine, repeat disturbed samples up to 3 times
  --against DIR      another checkout of geartrain, built, instead of the C gearmand
  --c-path PATH      the C gearmand to compare with (gearmand)
  --server NAME=CMD  one more server; CMD contains {port}; may be repeated
  --attach H:P[:PID] one more server, that runs already; name it to measure it alone: attached
  --out PATH         PATH.json and PATH.html instead of bench/results/load-TIME
  --smoke            one round with hardly any jobs: tests the suite, measures nothing
  --list             say which trials and servers there are`;

/** The command line was wrong; the message says how. */
export class UsageError extends Error {}

const options = {
  quick: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  minutes: { type: 'string' },
  spin: { type: 'boolean', default: false },
  syscalls: { type: 'boolean', default: false },
  patient: { type: 'string', default: '0' },
  against: { type: 'string' },
  'c-path': { type: 'string', default: 'gearmand' },
  server: { type: 'string', multiple: true, default: [] },
  attach: { type: 'string' },
  out: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

function number(name, text, least, what) {
  const value = Number(text);
  if (!(value >= least) || (what === 'count' && !Number.isInteger(value))) {
    throw new UsageError(`--${name}: not a ${what}: ${text}`);
  }
  return value;
}

/** Reads the command line. Throws UsageError. */
export function readOptions(words) {
  let parsed;
  try {
    parsed = parseArgs({ args: words, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  const isShort = values.quick || values.smoke;
  const all = [...servers];
  try {
    all.push(...values.server.map(customServer));
    if (values.against) all.push(otherBuild(values.against));
    if (values.attach) all.push(attachedServer(values.attach));
  } catch (error) {
    throw new UsageError(error.message);
  }
  return {
    values,
    words: positionals,
    servers: all,
    rounds: number('rounds', values.rounds ?? (isShort ? 1 : 5), 1, 'count'),
    minutes: number('minutes', values.minutes ?? (values.quick ? 4.5 : 55), 0, 'time in minutes'),
    patience: number('patient', values.patient, 0, 'time in seconds'),
    scale: values.smoke ? 0.005 : values.quick ? 0.25 : 1,
  };
}

// A word that is a whole name means only that one.
function matcher(items, word, tagsOf) {
  const isExact = items.some((item) => item.name === word);
  return (item) =>
    isExact ? item.name === word : item.name.includes(word) || tagsOf(item).includes(word);
}

/** The trials to play, each with the servers that play it: [{ trial, servers }]. Throws UsageError. */
export function choose({ words, servers: all, values }) {
  const trialOf = (word) => matcher(trials, word, (trial) => trial.tags);
  const serverOf = (word) => matcher(all, word, () => []);
  // What is the name of a server is no word for trials, and the other way round.
  const isServerName = (word) => all.some(({ name }) => name === word);
  const trialWords = words.filter((word) => !isServerName(word) && trials.some(trialOf(word)));
  const serverWords = words.filter(
    (word) => !trialWords.includes(word) && all.some(serverOf(word)),
  );
  const unknown = words.find((word) => ![...trialWords, ...serverWords, 'all'].includes(word));
  if (unknown) throw new UsageError(`no trial or server is called ${unknown}; see --list`);
  const isChosen = (trial) =>
    trialWords.length === 0 || trialWords.some((word) => trialOf(word)(trial));
  const plays = (trial) => (server) => {
    if (trial.isEmbedded) return server.name === 'geartrain';
    if (serverWords.length > 0) return serverWords.some((word) => serverOf(word)(server));
    if (server.isGiven) return true;
    if (values.against) return ['geartrain', 'yardstick'].includes(server.name);
    if (values.quick && trial.slow?.includes(server.name)) return false;
    const names = words.length === 0 ? [...trial.servers, ...(trial.others ?? [])] : trial.servers;
    return names.includes(nameInTrials(server));
  };
  return trials
    .filter(isChosen)
    .map((trial) => ({ trial, servers: all.filter(plays(trial)) }))
    .filter((choice) => choice.servers.length > 0);
}

/** What --list prints. */
export function listing(all) {
  return [
    ...trials.map(
      ({ name, about, tags }) => `trial   ${name.padEnd(14)} ${about}  [${tags.join(' ')}]`,
    ),
    ...all.map(({ name, about }) => `server  ${name.padEnd(14)} ${about}`),
  ].join('\n');
}

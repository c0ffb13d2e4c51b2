// The command line of this bench. Rule: a word that means nothing is an error, never left out silently.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What is measured; `about` is its title, `outstanding` jobs of each client at a time. */
export const trials = [1, 32].flatMap((outstanding) => [
  { name: 'plain', about: 'plain', outstanding },
  { name: 'tls', about: 'TLS', outstanding },
  { name: 'beside', about: 'plain load beside one idle TLS connection', outstanding },
]);

const names = [...new Set(trials.map(({ name }) => name))];

export const usage = `usage: npm run bench:tls -- [${names.join('] [')}] [options]
Without words every trial is played.
  --jobs N           round trips of one measurement (20000)
  --rounds N         rounds (5)
  --against DIR      another checkout of geartrain, built: plays in turns with this one`;

/** The command line was wrong; the message says how. */
export class UsageError extends Error {}

function count(name, text) {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new UsageError(`--${name}: not a count: ${text}`);
}

/** `gearmand.js` of a checkout. Throws UsageError when it is not built. */
function daemonOf(folder) {
  const path = join(resolve(folder), 'dist/cli/gearmand.js');
  if (existsSync(path)) return path;
  throw new UsageError(`--against: no ${path} (npm run build there)`);
}

/** Reads the command line. Throws UsageError. */
export function readOptions(words) {
  const options = {
    jobs: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '5' },
    against: { type: 'string' },
  };
  let parsed;
  try {
    parsed = parseArgs({ args: words, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  const unknown = positionals.find((word) => !names.includes(word));
  if (unknown !== undefined) throw new UsageError(`no trial is called ${unknown}`);
  return {
    jobs: count('jobs', values.jobs),
    rounds: count('rounds', values.rounds),
    against: values.against === undefined ? null : daemonOf(values.against),
    trials: trials.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  };
}

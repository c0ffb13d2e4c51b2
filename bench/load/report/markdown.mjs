// Markdown of one or more runs, for RESULTS.md and notes: `npm run bench:table -- FILE.json [more] [--results]`.
// Rule: several runs give a table each, and one of the medians over them; `--results` puts the result
// between the markers of bench/RESULTS.md, so that no figure there was typed by hand. `--join` takes the
// runs for parts of one: each played other trials.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { count, figure, spread, times } from './format.mjs';
import { median } from './summary.mjs';
import { judge, verdictOf } from './targets.mjs';

const markers = ['<!-- bench: written by npm run bench:table -->', '<!-- end of bench -->'];
const shown = ['c-tuned', 'c-default', 'geartrain', 'yardstick'];

const table = (head, lines) =>
  [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** The figures of one run, a line a trial. */
function trialTable(run) {
  const rowsOf = (trial) => run.rows.filter((row) => row.trial === trial && row.rounds > 0);
  const trials = run.trials.filter(({ name }) =>
    rowsOf(name).some(({ server }) => server === 'geartrain'),
  );
  const lines = trials.map(({ name, about }) => {
    const cells = shown.map((server) => rowsOf(name).find((row) => row.server === server));
    const ours = cells[shown.indexOf('geartrain')];
    const cost = (row) => (row ? `${figure(row.cpuUs)}${row.wasCut ? ' (cut)' : ''}` : '');
    const compared = ours.reference?.startsWith('c-') ? spread(ours.ratio) : '';
    return [about, ...cells.map(cost), compared, count(ours.jobsPerSecond), count(ours.p99)];
  });
  const costs = ['C tuned', 'C default', 'geartrain', 'yardstick'].map((name) => `${name}, us`);
  return table(['workload', ...costs, 'C / geartrain', 'jobs/s', 'p99 us'], lines);
}

/** What was to be reached and what the runs show; with several, each run's figure and the median. */
function targetTable(runs) {
  const abouts = [...new Set(runs.flatMap((run) => run.targets.map(({ about }) => about)))];
  const lines = abouts.map((about) => {
    const each = runs.map((run) => run.targets.find((target) => target.about === about));
    const known = each.filter(Boolean);
    const [{ must, aim, limits, measured, verdict }] = known;
    if (runs.length === 1) return [about, must, aim, measured, verdict];
    const middle = median(known.map(({ value }) => value));
    const asText = measured.includes('x') ? times : middle >= 1000 ? count : figure;
    const texts = each.map((one) => one?.measured ?? '-');
    return [about, must, aim, ...texts, asText(middle), verdictOf(middle, limits)];
  });
  const titles =
    runs.length === 1 ? ['measured'] : [...runs.map((_, i) => `run ${i + 1}`), 'median'];
  return table(['target', 'must', 'aim', ...titles, ''], lines);
}

function origin({ machine, options, samples, replaced }) {
  const failed = samples.filter((sample) => sample.error).length;
  const words = options.words.length > 0 ? options.words.join(' ') : 'all trials';
  return (
    `${machine.time.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, ${machine.system}, ` +
    `Node ${machine.node}, ${machine.gearmand}, commit ${machine.commit}; ${words}, ` +
    `${options.rounds} rounds${options.scale < 1 ? `, ${options.scale} of the counts` : ''}, ` +
    `${samples.length} samples, ${failed} failed, ${replaced.length} replaced.`
  );
}

/** Markdown of these runs, in the order given. */
export function markdown(runs) {
  const parts = runs.flatMap((run) => [origin(run), trialTable(run)]);
  if (runs.some((run) => run.targets.length > 0)) parts.push(targetTable(runs));
  return parts.join('\n\n');
}

/** Runs of different trials as if one run had played all of them. */
export function join(runs) {
  const all = (key) => runs.flatMap((run) => run[key]);
  const joined = { ...runs[0], options: { ...runs[0].options, words: [] } };
  for (const key of ['trials', 'rows', 'samples', 'replaced']) joined[key] = all(key);
  const names = joined.trials.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new Error(`--join: ${twice} was played in two of the runs`);
  joined.options.words = names;
  joined.options.scale = Math.min(...runs.map(({ options }) => options.scale));
  joined.options.rounds = Math.min(...runs.map(({ options }) => options.rounds));
  return { ...joined, targets: judge(joined) };
}

function intoResults(text) {
  const path = new URL('../../RESULTS.md', import.meta.url);
  const results = readFileSync(path, 'utf8');
  const [from, to] = markers.map((marker) => results.indexOf(marker));
  if (from < 0 || to < from)
    throw new Error(`bench/RESULTS.md has no lines ${markers.join(' and ')}`);
  const head = results.slice(0, from + markers[0].length);
  writeFileSync(path, `${head}\n\n${text}\n\n${results.slice(to)}`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      results: { type: 'boolean', default: false },
      join: { type: 'boolean', default: false },
    },
  });
  if (positionals.length === 0) {
    console.error('usage: npm run bench:table -- FILE.json [more files] [--join] [--results]');
    process.exit(2);
  }
  const runs = positionals.map((path) => JSON.parse(readFileSync(path, 'utf8')));
  const text = markdown(values.join ? [join(runs)] : runs);
  if (values.results) intoResults(text);
  else console.log(text);
}

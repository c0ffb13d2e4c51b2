// The targets of the project, as data, and whether a run reaches them. Rule: a target whose trials were not played, or
// not in full, is left out or marked; never guessed.
import { count, figure, spread, times } from './format.mjs';
import { ratio } from './summary.mjs';

/** Ratios of server CPU time per job, C gearmand / geartrain on one core: `must`, `aim`. */
const speed = [
  ['submit', 'c-tuned', 1.5, 3],
  ['drain', 'c-tuned', 1.2, 1.4],
  ['rtt-8x1', 'c-tuned', 1.15, 1.4],
  ['rtt-8x32', 'c-tuned', 2.1, 3],
  ['mixed', 'c-tuned', 1.7, 2.2],
  ['rtt-64k', 'c-tuned', 1, 1.2],
  ['rtt-1m', 'c-tuned', 0.9, 1.2],
  ['idle-1000', 'c-default', 100, 130],
  ['deep-1m', 'c-default', 100, 200],
];

const of = (run, trial, server, key) =>
  run.rows.find((row) => row.trial === trial && row.server === server && row.rounds > 0)?.[key];

const quotient = (run, a, b, key) => of(run, ...a, key) / of(run, ...b, key);

/** Figures with an upper limit, or a lower one (`isLeast`). `value(run)` is NaN when not played. */
const bounds = [
  {
    about: 'p99.9 of round trips: 3 M jobs queued on another function / none',
    must: 2,
    text: times,
    value: (run) => quotient(run, ['calm-3m', 'geartrain'], ['calm-empty', 'geartrain'], 'p999'),
  },
  {
    about: 'longest garbage-collection pause in that run, ms',
    must: 10,
    text: figure,
    value: (run) => of(run, 'calm-3m', 'geartrain', 'pauseMaxMs') ?? Number.NaN,
  },
  {
    about: 'bytes of RSS per queued 64-byte job with a unique, 1 M queued',
    must: 220,
    text: figure,
    value: (run) => of(run, 'memory-1m', 'geartrain', 'bytesEach') ?? Number.NaN,
  },
  {
    about: 'the same, 10 M queued',
    must: 220,
    text: figure,
    value: (run) => of(run, 'memory-10m', 'geartrain', 'bytesEach') ?? Number.NaN,
  },
  {
    about: 'MiB of RSS after draining 1 M, above a first fill and drain of 100,000',
    must: 32,
    text: figure,
    value: (run) => of(run, 'memory-1m', 'geartrain', 'leftMiB') ?? Number.NaN,
  },
  {
    about: 'the same after 10 M',
    must: 32,
    text: figure,
    value: (run) => of(run, 'memory-10m', 'geartrain', 'leftMiB') ?? Number.NaN,
  },
  {
    about: 'bytes of RSS per idle worker connection',
    must: 6144,
    text: figure,
    value: (run) => of(run, 'sleepers', 'geartrain', 'bytesEach') ?? Number.NaN,
  },
  {
    about: 'p99 of foreground jobs beside 50,000 committed background submits a second / without',
    must: 2,
    text: times,
    value: (run) => quotient(run, ['beside', 'journal'], ['beside', 'journal-idle'], 'p99'),
  },
  {
    about: 'the same / beside as many submits that are kept in memory',
    text: times,
    value: (run) => quotient(run, ['beside', 'journal'], ['beside', 'geartrain'], 'p99'),
  },
  {
    about: 'CPU of a job that crosses shards / of one that does not, 32 outstanding',
    must: 2,
    text: times,
    value: (run) => quotient(run, ['far-8x32', 'shards-2'], ['near-8x32', 'shards-2'], 'cpuUs'),
  },
  {
    about: 'the same, 1 outstanding',
    text: times,
    value: (run) => quotient(run, ['far-8x1', 'shards-2'], ['near-8x1', 'shards-2'], 'cpuUs'),
  },
  {
    about: 'CPU per job with 2 shards / with 1, a function each',
    must: 1.1,
    text: times,
    value: (run) => quotient(run, ['scale', 'shards-2'], ['scale', 'shards-1'], 'cpuUs'),
  },
  {
    about: 'rate with 2 shards / with 1, where each has a core',
    must: 1.8,
    isLeast: true,
    text: times,
    // With two cores the shards share one, and the rate says nothing.
    value: (run) =>
      run.machine.cores < 4
        ? Number.NaN
        : quotient(run, ['scale', 'shards-2'], ['scale', 'shards-1'], 'jobsPerSecond'),
  },
  {
    about: 'jobs a second of CPU time, submit and worker in the process of the server',
    must: 300_000,
    aim: 600_000,
    isLeast: true,
    text: count,
    value: (run) => 1e6 / (of(run, 'embedded', 'geartrain', 'cpuUs') ?? Number.NaN),
  },
];

/** Whether a value keeps to a target's limits, in words. */
export function verdictOf(value, { must, aim, isLeast }) {
  if (must === undefined) return 'reported';
  const holds = (limit) => (isLeast ? value >= limit : value <= limit);
  if (!holds(must)) return 'FALLS SHORT';
  return aim !== undefined && holds(aim) ? 'holds, aim too' : 'holds';
}

/**
 * The targets that this run says something about, none for a smoke test: [{ about, must, aim,
 * measured, verdict }] as texts, with the `value` and the `limits` that they were made of.
 */
export function judge(run) {
  if (run.options.scale < 0.1) return [];
  const words = run.options.scale === 1 ? '' : ' (short run)';
  const judged = [];
  for (const [trial, reference, must, aim] of speed) {
    const rows = run.rows.filter((row) => row.trial === trial);
    const samples = run.samples.filter((sample) => sample.trial === trial);
    const measured = ratio(rows, samples, reference, 'geartrain');
    if (!measured) continue;
    const limits = { must, aim, isLeast: true };
    judged.push({
      about: `${run.trials.find(({ name }) => name === trial).about}: ${reference} / geartrain`,
      ...{ must: times(must), aim: times(aim), measured: spread(measured) },
      verdict: `${verdictOf(measured.value, limits)}${words}`,
      ...{ value: measured.value, limits },
    });
  }
  for (const { about, must, aim, isLeast, text, value: measure } of bounds) {
    const value = measure(run);
    if (!Number.isFinite(value)) continue;
    const limits = { must, aim, isLeast };
    judged.push({
      about,
      must: must === undefined ? '-' : `${isLeast ? 'at least' : 'at most'} ${text(must)}`,
      ...{ aim: aim === undefined ? '-' : text(aim), measured: text(value) },
      verdict: `${verdictOf(value, limits)}${words}`,
      ...{ value, limits },
    });
  }
  return judged;
}

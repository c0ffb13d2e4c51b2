// All trials, and the load generator's options for each. Options are those of `load --help`. Rule: a trial takes a few
// seconds a server; longer ones set `limit` or `rounds`.
import { loadTrials } from './trials/loads.mjs';
import { memoryTrials } from './trials/memory.mjs';
import { pairsTrials } from './trials/pairs.mjs';
import { shardsTrials } from './trials/shards.mjs';
import { storedTrials } from './trials/stored.mjs';
import { tableTrials } from './trials/table.mjs';

/**
 * `tags`: words that choose a trial besides its name. `servers`: who plays it (`shards-n`: a shard
 * for each core but one); `others` play two rounds of it as well when no word has chosen anything.
 * `perServer`: other options for one server, where the same count would take minutes.
 * `lot`: the queue is emptied between lots, so that no lot is the first to touch its memory.
 * `limit`: seconds after which warm-up and counted phase are cut (20); `seconds`: after which the
 * trial is given up (120). `rounds`: at most so many. `slow`: servers that need minutes: they play one
 * round, and a quick run leaves them out.
 * `isEmbedded`: server, client and worker are one process (embedded.mjs).
 * `reference`: the server that the others are compared with, instead of the C one.
 * `shards`: functions are named after the shards that they fall on (probes/shards.mjs).
 */
export const trials = [
  ...tableTrials,
  ...loadTrials,
  ...memoryTrials,
  ...shardsTrials,
  ...storedTrials,
  ...pairsTrials,
];

const scaled = ['jobs', 'warm', 'lot'];
const alsoSmall = ['depth', 'idle-workers', 'functions', 'keys'];

/**
 * The load generator's options for a trial on a server. `scale`: part of the counts; below 0.1 the
 * surroundings shrink too, and what is measured is no longer what the trial says.
 */
export function optionsOf(trial, server, scale) {
  const options = { ...trial.options, ...server.load, ...trial.perServer?.[server.name] };
  for (const name of scale < 0.1 ? [...scaled, ...alsoSmall] : scaled) {
    if (options[name]) options[name] = Math.max(2, Math.ceil(options[name] * scale));
  }
  if (options.lot > options.jobs) options.lot = options.jobs;
  options.limit = scale < 1 ? Math.min(6, trial.limit ?? 6) : (trial.limit ?? 20);
  return options;
}

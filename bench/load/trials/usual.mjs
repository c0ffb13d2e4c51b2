// Common parts of most trials.

/** Who plays a trial: the C server at its best, ours in one thread, the yardstick. */
export const usual = ['c-tuned', 'geartrain', 'yardstick'];

/** Who else plays the first trials when no word chooses. */
export const others = ['c-default', 'typescript', 'shards-1', 'shards-2', 'shards-n', 'perl'];

/** Two lots, and a warm-up as long as one. */
export const inLots = { jobs: 200000, warm: 100000, lot: 100000 };

/** Onto or through a queue that is there before: what is queued is not taken afterwards. */
export const deep = { jobs: 100000, warm: 100000, unique: 'random', 'no-verify': true };

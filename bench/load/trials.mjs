// The trials, as data: what the load generator plays. Options are those of `load --help`.
// Rule: a trial takes a few seconds a server; what would take longer says `limit` or `rounds`.

const usual = ['c-tuned', 'geartrain', 'yardstick'];
const others = ['c-default', 'twin', 'shards-1', 'shards-2', 'shards-n', 'perl'];
const inLots = { jobs: 200000, warm: 100000, lot: 100000 };

/**
 * `tags`: words that choose a trial besides its name. `servers`: who plays it (`shards-n`: a shard
 * for each core but one); `others` play it as well when no word has chosen anything.
 * `perServer`: other options for one server, where the same count would take minutes.
 * `lot`: the queue is emptied between lots, so that no lot is the first to touch its memory.
 * `limit`: seconds after which warm-up and counted phase are cut (20); `seconds`: after which the
 * trial is given up (120). `rounds`: at most so many. `slow`: servers that a quick run leaves out.
 * `isEmbedded`: server, client and worker are one process (embedded.mjs).
 * `shards`: functions are named after the shards that they fall on (probes/shards.mjs).
 */
export const trials = [
  {
    name: 'submit',
    tags: ['core', 'table', 'depth'],
    about: 'background submit, 8 clients, 1,000 under way each',
    servers: usual,
    others,
    options: { scenario: 'submit', ...inLots },
    perServer: { perl: { jobs: 50000, warm: 20000 } },
  },
  {
    name: 'drain',
    tags: ['core', 'table'],
    about: 'drain by 8 workers',
    servers: usual,
    others,
    options: { scenario: 'drain', ...inLots },
    perServer: { perl: { jobs: 20000, warm: 5000 } },
  },
  {
    name: 'rtt-8x1',
    tags: ['core', 'table', 'rtt', 'bytes'],
    about: 'round trip, 8 clients x 1, 8 workers',
    servers: usual,
    others,
    options: { scenario: 'rtt', jobs: 60000, warm: 100000 },
    perServer: { perl: { jobs: 10000, warm: 5000 } },
  },
  {
    name: 'rtt-8x32',
    tags: ['core', 'table', 'rtt', 'functions'],
    about: 'round trip, 8 clients x 32, 8 workers',
    servers: usual,
    others,
    options: { scenario: 'rtt', jobs: 150000, warm: 100000, outstanding: 32 },
    perServer: { perl: { jobs: 10000, warm: 5000 } },
  },
  {
    name: 'mixed',
    tags: ['core', 'table'],
    about: 'submit and drain at once, 8 workers',
    servers: usual,
    others,
    options: { scenario: 'mixed', ...inLots },
    perServer: { perl: { jobs: 20000, warm: 5000, lot: 10000 } },
  },
  {
    name: 'rtt-64k',
    tags: ['table', 'bytes'],
    about: 'round trip, 8 x 1, 64 KiB workloads',
    servers: usual,
    options: { scenario: 'rtt', jobs: 8000, warm: 8000, bytes: 65536 },
  },
  {
    name: 'rtt-1m',
    tags: ['table', 'bytes'],
    about: 'round trip, 4 x 1, 1 MiB workloads',
    servers: usual,
    options: { scenario: 'rtt', jobs: 600, warm: 400, bytes: 1048576, clients: 4, workers: 4 },
  },
  {
    name: 'idle-1000',
    tags: ['table', 'idle'],
    about: 'one job at a time, 1,000 idle workers',
    servers: [...usual, 'c-default'],
    options: { scenario: 'idle', jobs: 20000, warm: 20000, workers: 1, 'idle-workers': 999 },
    perServer: { 'c-default': { jobs: 200, warm: 40 } },
  },
  {
    name: 'deep-1m',
    tags: ['table', 'depth'],
    about: 'background submit, 1 M jobs queued before',
    servers: [...usual, 'c-default'],
    options: { scenario: 'deep', jobs: 100000, warm: 100000, depth: 1000000, 'no-verify': true },
    perServer: { 'c-default': { jobs: 10000, warm: 1000 } },
    slow: ['c-default'],
    seconds: 300,
  },
  {
    name: 'batch-8x32',
    tags: ['rtt'],
    about: 'round trip, 8 clients send 32 when 32 are done',
    servers: usual,
    options: { scenario: 'rtt', jobs: 150000, warm: 50000, outstanding: 32, refill: 'batch' },
  },
  {
    name: 'rtt-1x1',
    tags: ['rtt'],
    about: 'round trip, one job at a time',
    servers: usual,
    options: { scenario: 'rtt', jobs: 20000, warm: 20000, clients: 1, workers: 1 },
  },
  {
    name: 'rtt-1x32',
    tags: ['rtt'],
    about: 'round trip, 1 client x 32, 8 workers',
    servers: usual,
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, clients: 1, outstanding: 32 },
  },
  {
    name: 'rtt-64x1',
    tags: ['rtt'],
    about: 'round trip, 64 clients x 1, 64 workers',
    servers: usual,
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, clients: 64, workers: 64 },
  },
  {
    name: 'rtt-64x32',
    tags: ['rtt'],
    about: 'round trip, 64 clients x 32, 64 workers',
    servers: usual,
    options: {
      ...{ scenario: 'rtt', jobs: 150000, warm: 50000 },
      ...{ clients: 64, workers: 64, outstanding: 32 },
    },
  },
  {
    name: 'rtt-0',
    tags: ['bytes'],
    about: 'round trip, 8 x 1, empty workloads',
    servers: usual,
    options: { scenario: 'rtt', jobs: 60000, warm: 50000, bytes: 0 },
  },
  {
    name: 'rtt-4k',
    tags: ['bytes'],
    about: 'round trip, 8 x 1, 4 KiB workloads',
    servers: usual,
    options: { scenario: 'rtt', jobs: 40000, warm: 40000, bytes: 4096 },
  },
  {
    name: 'echo',
    tags: [],
    about: 'ECHO, 8 clients x 32',
    servers: usual,
    options: { scenario: 'echo', jobs: 400000, warm: 100000 },
  },
  {
    name: 'connect',
    tags: [],
    about: 'connect, ECHO, disconnect, 8 at once',
    servers: usual,
    options: { scenario: 'connect', jobs: 20000, warm: 10000 },
  },
  {
    name: 'functions-20',
    tags: ['functions', 'shards'],
    about: 'round trip, 8 x 32, 8 workers with 20 functions each',
    servers: [...usual, 'shards-2', 'shards-n'],
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, outstanding: 32, functions: 20 },
  },
  {
    name: 'functions-100',
    tags: ['functions'],
    about: 'round trip, 8 x 32, 8 workers with 100 functions each',
    servers: usual,
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, outstanding: 32, functions: 100 },
  },
  {
    name: 'functions-20k',
    tags: ['functions'],
    about: 'round trip, 8 x 32, 8 workers with 20,000 functions each',
    servers: usual,
    options: { scenario: 'rtt', jobs: 20000, warm: 10000, outstanding: 32, functions: 20000 },
    limit: 8,
    rounds: 3,
  },
  {
    name: 'idle-10',
    tags: ['idle'],
    about: 'one job at a time, 10 idle workers',
    servers: [...usual, 'c-default'],
    options: { scenario: 'idle', jobs: 20000, warm: 20000, workers: 1, 'idle-workers': 9 },
  },
  {
    name: 'idle-10k',
    tags: ['idle'],
    about: 'one job at a time, 10,000 idle workers',
    servers: [...usual, 'c-default'],
    options: { scenario: 'idle', jobs: 20000, warm: 10000, workers: 1, 'idle-workers': 9999 },
    perServer: { 'c-default': { jobs: 10, warm: 2 } },
    slow: ['c-default'],
    rounds: 3,
  },
  {
    name: 'submit-unique',
    tags: ['unique'],
    about: 'background submit, 36-byte uniques',
    servers: usual,
    options: { scenario: 'submit', ...inLots, unique: 'random' },
  },
  {
    name: 'coalesce',
    tags: ['unique'],
    about: 'background submit, 1,000 uniques: 99 of 100 jobs join one that waits',
    servers: ['c-tuned', 'geartrain'],
    options: { scenario: 'submit', ...inLots, unique: 'random', keys: 1000 },
  },
  {
    name: 'deep-100k',
    tags: ['depth'],
    about: 'background submit, 100 k jobs queued before',
    servers: [...usual, 'c-default'],
    options: { scenario: 'deep', jobs: 100000, warm: 100000, depth: 100000, 'no-verify': true },
    perServer: { 'c-default': { jobs: 20000, warm: 1000 } },
  },
  {
    name: 'deep-3m',
    tags: ['depth'],
    about: 'background submit, 3 M jobs queued before',
    servers: usual,
    options: { scenario: 'deep', jobs: 100000, warm: 100000, depth: 3000000, 'no-verify': true },
    slow: ['c-tuned'],
    rounds: 3,
  },
  {
    name: 'deep-10m',
    tags: ['depth'],
    about: 'background submit, 10 M jobs queued before',
    servers: ['geartrain', 'yardstick'],
    options: { scenario: 'deep', jobs: 100000, warm: 100000, depth: 10000000, 'no-verify': true },
    slow: ['yardstick'],
    rounds: 3,
  },
  {
    name: 'connections',
    tags: ['memory'],
    about: 'memory of 5,000 idle connections; a job is a connection that is opened',
    servers: ['c-tuned', 'geartrain'],
    options: { scenario: 'connections', jobs: 5000, warm: 100 },
    rounds: 3,
  },
  {
    name: 'sleepers',
    tags: ['memory'],
    about: 'memory of 5,000 sleeping workers; a job is a worker that connects and sleeps',
    servers: ['c-tuned', 'geartrain'],
    options: { scenario: 'sleepers', jobs: 5000, warm: 100 },
    rounds: 3,
  },
  {
    name: 'memory-1m',
    tags: ['memory'],
    about: 'memory of 1 M queued jobs with 36-byte uniques, and after their drain',
    servers: ['c-tuned', 'geartrain'],
    options: { scenario: 'memory', jobs: 1000000, warm: 100000, unique: 'random' },
    rounds: 3,
  },
  {
    name: 'memory-10m',
    tags: ['memory', 'long'],
    about: 'memory of 10 M queued jobs with 36-byte uniques, and after their drain',
    servers: ['geartrain'],
    options: { scenario: 'memory', jobs: 10000000, warm: 100000, unique: 'random' },
    slow: ['geartrain'],
    limit: 60,
    seconds: 300,
    rounds: 1,
  },
  {
    name: 'calm-empty',
    tags: ['calm'],
    about: 'round trip, 8 x 1, nothing queued',
    servers: ['c-tuned', 'geartrain'],
    options: { scenario: 'rtt', jobs: 40000, warm: 100000 },
    watchesPauses: true,
  },
  {
    name: 'calm-3m',
    tags: ['calm'],
    about: 'round trip, 8 x 1, 3 M jobs queued on another function',
    servers: ['c-tuned', 'geartrain'],
    options: { scenario: 'rtt', jobs: 40000, warm: 100000, depth: 3000000 },
    slow: ['c-tuned'],
    watchesPauses: true,
  },
  ...[32, 1].flatMap((outstanding) =>
    ['near', 'far'].map((client) => ({
      name: `${client}-8x${outstanding}`,
      tags: ['shards', 'crossing'],
      about: `round trip, 8 x ${outstanding}, clients on ${
        client === 'far' ? 'the other' : 'the same'
      } shard of two as the function`,
      servers: ['shards-2'],
      options: { scenario: 'rtt', jobs: 60000, warm: 50000, outstanding },
      shards: { client },
    })),
  ),
  {
    name: 'scale',
    tags: ['shards'],
    about: 'round trip, 8 x 32 on one function a shard, a load generator each',
    servers: ['shards-1', 'shards-2', 'shards-n'],
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, outstanding: 32 },
    shards: { isOneEach: true },
  },
  {
    name: 'embedded',
    tags: ['embedded'],
    about: 'createServer(): background submits and worker in the process of the server, at once',
    servers: ['geartrain'],
    isEmbedded: true,
    options: { scenario: 'mixed', jobs: 500000, warm: 100000, outstanding: 1000 },
  },
  {
    name: 'embedded-rtt',
    tags: ['embedded'],
    about: 'createServer(): round trips in the process of the server, 256 outstanding',
    servers: ['geartrain'],
    isEmbedded: true,
    options: { scenario: 'rtt', jobs: 300000, warm: 100000, outstanding: 256 },
  },
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

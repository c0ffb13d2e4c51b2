// The trials, as data: what the load generator plays. Options are those of `load --help`.
// Rule: a trial is short (one to three seconds a server); `--quick` divides its counts by four.

/**
 * `tags`: words that choose a trial besides its name; `core` runs when no word is given.
 * `perServer`: other options for one server, where the same count would take minutes.
 * `lot`: the queue is emptied between lots, so that no lot is the first to touch its memory.
 */
export const trials = [
  {
    name: 'submit',
    tags: ['core'],
    about: 'background submit, 8 clients, 1,000 under way each',
    options: { scenario: 'submit', jobs: 200000, warm: 100000, lot: 100000 },
  },
  {
    name: 'drain',
    tags: ['core'],
    about: 'drain by 8 workers',
    options: { scenario: 'drain', jobs: 200000, warm: 100000, lot: 100000 },
  },
  {
    name: 'rtt-8x1',
    tags: ['core'],
    about: 'round trip, 8 clients x 1, 8 workers',
    options: { scenario: 'rtt', jobs: 60000, warm: 40000 },
  },
  {
    name: 'rtt-8x32',
    tags: ['core'],
    about: 'round trip, 8 clients x 32, 8 workers',
    options: { scenario: 'rtt', jobs: 150000, warm: 100000, outstanding: 32 },
  },
  {
    name: 'mixed',
    tags: ['core'],
    about: 'submit and drain at once, 8 workers',
    options: { scenario: 'mixed', jobs: 200000, warm: 100000, lot: 100000 },
  },
  {
    name: 'batch-8x32',
    tags: ['rtt'],
    about: 'round trip, 8 clients send 32 when 32 are done',
    options: { scenario: 'rtt', jobs: 150000, warm: 100000, outstanding: 32, refill: 'batch' },
  },
  {
    name: 'rtt-1x1',
    tags: [],
    about: 'round trip, one job at a time',
    options: { scenario: 'rtt', jobs: 20000, warm: 20000, clients: 1, workers: 1 },
  },
  {
    name: 'rtt-64x1',
    tags: [],
    about: 'round trip, 64 clients x 1, 64 workers',
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, clients: 64, workers: 64 },
  },
  {
    name: 'submit-unique',
    tags: [],
    about: 'background submit, 36-byte uniques',
    options: { scenario: 'submit', jobs: 200000, warm: 100000, lot: 100000, unique: 'random' },
  },
  {
    name: 'submit-1',
    tags: [],
    about: 'background submit, 1 client, 1,000 under way',
    options: { scenario: 'submit', jobs: 200000, warm: 100000, lot: 100000, clients: 1 },
  },
  {
    name: 'echo',
    tags: [],
    about: 'ECHO, 8 clients x 32',
    options: { scenario: 'echo', jobs: 400000, warm: 100000 },
  },
  {
    name: 'connect',
    tags: [],
    about: 'connect, ECHO, disconnect, 8 at once',
    options: { scenario: 'connect', jobs: 20000, warm: 5000 },
  },
  {
    name: 'idle-10',
    tags: ['idle'],
    about: 'one job at a time, 10 idle workers',
    options: { scenario: 'idle', jobs: 10000, warm: 10000, workers: 1, 'idle-workers': 9 },
  },
  {
    name: 'idle-1000',
    tags: ['idle'],
    about: 'one job at a time, 1,000 idle workers',
    options: { scenario: 'idle', jobs: 8000, warm: 4000, workers: 1, 'idle-workers': 999 },
    perServer: { 'c-default': { jobs: 100, warm: 20 } },
  },
  {
    name: 'functions-100',
    tags: ['functions'],
    about: 'round trip, 8 x 32, 100 functions',
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, outstanding: 32, functions: 100 },
  },
  {
    name: 'rtt-4k',
    tags: ['bytes'],
    about: 'round trip, 8 x 1, 4 KiB workloads',
    options: { scenario: 'rtt', jobs: 40000, warm: 20000, bytes: 4096 },
  },
  {
    name: 'rtt-64k',
    tags: ['bytes'],
    about: 'round trip, 8 x 1, 64 KiB workloads',
    options: { scenario: 'rtt', jobs: 8000, warm: 4000, bytes: 65536 },
  },
  {
    name: 'rtt-1m',
    tags: ['bytes'],
    about: 'round trip, 4 x 1, 1 MiB workloads',
    options: { scenario: 'rtt', jobs: 600, warm: 300, bytes: 1048576, clients: 4, workers: 4 },
  },
  {
    name: 'fill-300k',
    tags: ['memory'],
    about: 'background submit into fresh memory, 36-byte uniques',
    options: { scenario: 'submit', jobs: 300000, warm: 1000, unique: 'random' },
    perServer: { 'c-default': { 'no-verify': true } },
  },
  {
    name: 'deep-200k',
    tags: ['deep'],
    about: 'background submit, 200 k jobs queued before',
    options: { scenario: 'deep', jobs: 100000, warm: 1000, depth: 200000, 'no-verify': true },
    perServer: { 'c-default': { jobs: 20000 } },
  },
  {
    name: 'deep-1m',
    tags: ['deep'],
    about: 'background submit, 1 M jobs queued before',
    options: { scenario: 'deep', jobs: 100000, warm: 1000, depth: 1000000, 'no-verify': true },
    perServer: { 'c-default': { jobs: 10000 } },
    seconds: 240,
  },
];

/** The load generator's arguments for a trial on a server. */
export function argumentsOf(trial, serverName, isQuick) {
  const options = { ...trial.options, ...trial.perServer?.[serverName] };
  const parts = [];
  for (const [name, value] of Object.entries(options)) {
    const isCount = isQuick && ['jobs', 'warm', 'lot', 'depth'].includes(name);
    if (value === true) parts.push(`--${name}`);
    else parts.push(`--${name}`, String(isCount ? Math.ceil(value / 4) : value));
  }
  return parts;
}

// The trials of the table in bench/RESULTS.md: the measure of the project. Rule: each is warmed by 100,000 jobs where
// that does not take minutes.
import { deep, inLots, others, usual } from './usual.mjs';

/** Rows of the table of trials; see ../trials.mjs. */
export const tableTrials = [
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
    about: 'background submit, 36-byte uniques, 1 M jobs queued before',
    servers: [...usual, 'c-default'],
    options: { scenario: 'deep', ...deep, depth: 1000000 },
    // C default needs four minutes to queue a million jobs with uniques.
    perServer: { 'c-default': { jobs: 5000, warm: 1000 } },
    slow: ['c-default'],
    seconds: 420,
  },
];

// Trials of threads, and of the server in the process of its peers.
import { usual } from './usual.mjs';

/** Rows of the table of trials; see ../trials.mjs. */
export const shardsTrials = [
  {
    name: 'functions-20',
    tags: ['functions', 'shards'],
    about: 'round trip, 8 x 32, 8 workers with 20 functions each',
    servers: [...usual, 'shards-2', 'shards-n'],
    options: { scenario: 'rtt', jobs: 100000, warm: 50000, outstanding: 32, functions: 20 },
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
    about:
      'createServer(): background submits and worker in the process of the server, 256 outstanding',
    servers: ['geartrain'],
    isEmbedded: true,
    // Three programs in one are compiled in the first seconds.
    options: { scenario: 'mixed', jobs: 1000000, warm: 300000, outstanding: 256 },
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

// Background submits that must be on disk before they are answered: ours against the C gearmand on the same database.

/** It answers a client only behind all that has arrived from it: more would look like a standstill. */
const few = { jobs: 2000, warm: 200, lot: 2000, outstanding: 10 };

/** Rows of the table of trials; see ../trials.mjs. */
export const storedTrials = [
  {
    name: 'stored',
    tags: ['stores'],
    about: 'background submit, 8 clients, 1,000 under way each, synced to a store',
    servers: [
      ...['journal', 'c-sqlite', 'sqlite', 'c-postgres', 'postgres', 'c-mysql', 'mysql'],
      ...['c-redis', 'redis'],
    ],
    options: { scenario: 'submit', unique: 'random', jobs: 200000, warm: 50000, lot: 100000 },
    perServer: {
      'c-sqlite': few,
      'c-postgres': few,
      'c-mysql': few,
      'c-redis': { ...few, jobs: 40000, warm: 2000, lot: 20000 },
      postgres: { jobs: 100000, warm: 20000, lot: 50000 },
      mysql: { jobs: 100000, warm: 20000, lot: 50000 },
    },
  },
];

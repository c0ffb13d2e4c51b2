// The cost of our features, on and off: five rounds are five alternating pairs, spread included.

/** Rows of the table of trials; see ../trials.mjs. */
export const pairsTrials = [
  {
    name: 'pairs-metrics',
    tags: ['pairs'],
    about: 'round trip, 8 x 1: without control port and metrics, and with both',
    servers: ['geartrain', 'metrics'],
    reference: 'geartrain',
    options: { scenario: 'rtt', jobs: 60000, warm: 100000 },
  },
  {
    name: 'pairs-journal',
    tags: ['pairs'],
    about: 'round trip of foreground jobs, 8 x 1: without a store, and with -q journal',
    servers: ['geartrain', 'journal'],
    reference: 'geartrain',
    options: { scenario: 'rtt', jobs: 60000, warm: 100000 },
  },
  {
    name: 'beside',
    tags: ['stores'],
    about:
      'round trip of foreground jobs, 8 x 1, beside 50,000 background submits a second: none of these, in memory, and committed',
    servers: ['journal-idle', 'geartrain', 'journal'],
    reference: 'journal-idle',
    options: { scenario: 'rtt', jobs: 60000, warm: 100000, beside: 50000 },
  },
  {
    name: 'scrape',
    tags: ['scrape'],
    about:
      'round trip, 8 x 1, 20,000 functions: /metrics never read, read every second with 200 functions of their own, and with all of them',
    servers: ['metrics', 'scraped', 'scraped-20k'],
    reference: 'metrics',
    options: { scenario: 'rtt', jobs: 200000, warm: 40000, functions: 20000 },
    limit: 12,
  },
];

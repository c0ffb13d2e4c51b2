// The plots of the report, as data: trials that differ in one thing, side by side. Rule: a plot shows medians of rows
// that are in the tables too; scales are logarithmic.

const colours = {
  'c-tuned': '#c2384b',
  'c-default': '#e0912f',
  geartrain: '#00798c',
  against: '#5c4d9c',
  yardstick: '#8a909c',
  typescript: '#5d9b73',
  perl: '#8d5a97',
};
const spare = ['#2e4057', '#4f6d9a', '#7a93b8', '#a3b18a', '#6b705c'];

/** Colour of a server, the same in every plot of a report. */
export function colourOf(name, names) {
  const others = names.filter((other) => !colours[other]);
  return colours[name] ?? spare[others.indexOf(name) % spare.length];
}

/** Trials by what they differ in: [trial, label]. */
const families = [
  {
    id: 'depth',
    title: 'Background submit with a unique, by depth of the queue',
    about:
      'What a job costs behind so many others. A tuned C server has a table of 1,000,003 buckets, an untuned one 991.',
    trials: [
      ['submit-unique', '0'],
      ['deep-100k', '100 k'],
      ['deep-1m', '1 M'],
      ['deep-3m', '3 M'],
      ['deep-10m', '10 M'],
    ],
  },
  {
    id: 'rtt',
    title: 'Foreground round trip, clients x outstanding',
    about: 'From submit to result; as many workers as clients, at least 8 but for 1 x 1.',
    trials: ['1x1', '8x1', '64x1', '1x32', '8x32', '64x32'].map((load) => [`rtt-${load}`, load]),
  },
  {
    id: 'bytes',
    title: 'Foreground round trip, by size of the workload',
    about: 'Workload and result have the same size. 1 MiB with 4 clients, the others with 8.',
    trials: [
      ['rtt-0', '0'],
      ['rtt-8x1', '64 B'],
      ['rtt-4k', '4 KiB'],
      ['rtt-64k', '64 KiB'],
      ['rtt-1m', '1 MiB'],
    ],
  },
  {
    id: 'idle',
    title: 'One job at a time, by idle workers',
    about: 'C wakes every sleeping worker of the function unless it is started with -w 1.',
    trials: [
      ['idle-10', '10'],
      ['idle-1000', '1,000'],
      ['idle-10k', '10,000'],
    ],
  },
  {
    id: 'functions',
    title: 'Round trip 8 x 32, by functions of each worker',
    about: 'Jobs are spread evenly over the functions, and every worker offers all of them.',
    trials: [
      ['rtt-8x32', '1'],
      ['functions-20', '20'],
      ['functions-100', '100'],
      ['functions-20k', '20,000'],
    ],
  },
];

const known = (value) => (Number.isFinite(value) && value > 0 ? value : null);

function familyPlot({ id, title, about, trials }, rows, names) {
  const played = trials.filter(([trial]) => rows.some((row) => row.trial === trial));
  if (played.length < 2) return undefined;
  const rowOf = (trial, server) => rows.find((row) => row.trial === trial && row.server === server);
  const series = names
    .map((name) => ({
      name,
      colour: colourOf(name, names),
      values: played.map(([trial]) => known(rowOf(trial, name)?.cpuUs)),
    }))
    .filter(({ values }) => values.filter((value) => value !== null).length > 1);
  return { id, title, about, unit: 'CPU us per job', labels: played.map(([, l]) => l), series };
}

function ratioPlot(rows, names) {
  const mine = rows.filter((row) => row.server === 'geartrain' && known(row.ratio?.value));
  if (mine.length < 2) return undefined;
  const [{ reference }] = mine;
  return {
    id: 'ratios',
    title: `CPU time per job: ${reference} / geartrain`,
    about: `Above the line geartrain needs less, below it ${reference} does.`,
    unit: 'ratio of medians',
    isBars: true,
    labels: mine.map((row) => row.trial),
    series: [
      {
        name: `${reference} / geartrain`,
        colour: colourOf('geartrain', names),
        values: mine.map((row) => known(row.ratio.value)),
      },
      { name: 'equal', colour: '#c2384b', isDashed: true, values: mine.map(() => 1) },
    ],
  };
}

const latencyTrials = ['rtt-8x1', 'rtt-8x32', 'calm-empty', 'calm-3m'];

function latencyPlot(trial, rows, names) {
  const mine = rows.filter((row) => row.trial === trial && known(row.p50));
  if (mine.length === 0) return undefined;
  return {
    id: `latency-${trial}`,
    title: `Latency of ${trial}`,
    about: 'Median over the rounds of each percentile, as the client sees it.',
    unit: 'us',
    labels: ['p50', 'p99', 'p99.9'],
    series: mine.map((row) => ({
      name: row.server,
      colour: colourOf(row.server, names),
      values: [known(row.p50), known(row.p99), known(row.p999)],
    })),
  };
}

/** The plots for these rows, those alone that have something to show. */
export function plotsOf(rows) {
  const names = [...new Set(rows.map((row) => row.server))];
  return [
    ratioPlot(rows, names),
    ...families.map((family) => familyPlot(family, rows, names)),
    ...latencyTrials.map((trial) => latencyPlot(trial, rows, names)),
  ].filter(Boolean);
}

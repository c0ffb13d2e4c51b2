// Numbers of the bench: medians over rounds, and the table on the terminal.
// Rule: the figure that compares is server CPU time per job; who waits for whom is only shown.

/** From this part of a core on that other processes took, a sample counts as disturbed. */
export const disturbedFrom = 0.1;

/** The middle value, NaN of none. */
export function median(values) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Time per job that two servers are compared by: CPU where it is known, else the wall, in us. */
export function costUs(sample) {
  const { server } = sample.result;
  return server ? server.cpuNsPerJob / 1000 : 1e6 / sample.result.jobsPerSecond;
}

/** One row a trial and server, medians over its samples. `samples` must be of one trial. */
export function summarise(trial, serverNames, samples) {
  const rows = serverNames.map((name) => {
    const mine = samples.filter((sample) => sample.server === name && sample.result);
    const of = (pick) => median(mine.map((sample) => pick(sample.result)).filter(Number.isFinite));
    const costs = mine.map(costUs);
    return {
      trial: trial.name,
      server: name,
      rounds: mine.length,
      failures: samples.filter((sample) => sample.server === name && sample.error).length,
      jobsPerSecond: of((result) => result.jobsPerSecond),
      cpuUs: median(costs),
      cpuUsMin: Math.min(...costs),
      cpuUsMax: Math.max(...costs),
      p50: of((result) => result.latencyUs?.p50),
      p99: of((result) => result.latencyUs?.p99),
      p999: of((result) => result.latencyUs?.p999),
      rssPeakMiB: of((result) => result.server?.rssPeakKiB / 1024),
      rssEndMiB: of((result) => result.server?.rssEndKiB / 1024),
      loadBusy: of((result) => result.load.busy),
      wasCut: mine.some((sample) => sample.result.isCut),
      disturbed: of((result) => result.server?.foreignBusy),
    };
  });
  // Ratios compare medians of the same run, so a slow machine is slow for all of them; least and
  // greatest are those of single rounds, which the machine's slow and fast times disturb least.
  const isReference = ({ server }) => server.startsWith('c-') || server === 'against';
  const reference = rows.find((row) => isReference(row) && row.rounds > 0);
  const costOf = (name, round) => {
    const sample = samples.find((s) => s.server === name && s.round === round && s.result);
    return sample ? costUs(sample) : Number.NaN;
  };
  const played = [...new Set(samples.map((sample) => sample.round))];
  for (const row of rows) {
    row.ratio = reference ? reference.cpuUs / row.cpuUs : Number.NaN;
    row.reference = reference?.server;
    const ratios = played
      .map((round) => costOf(reference?.server, round) / costOf(row.server, round))
      .filter(Number.isFinite);
    row.ratioMin = Math.min(...ratios);
    row.ratioMax = Math.max(...ratios);
  }
  return rows;
}

const digits = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
const number = (value) => (Number.isFinite(value) ? value.toFixed(digits(value)) : '-');
const count = (value) => (Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '-');
const latency = (value) => (Number.isFinite(value) ? count(value) : '-');

function remarks(row) {
  const words = [];
  if (row.failures > 0) words.push(`${row.failures} failed`);
  if (row.wasCut) words.push('cut');
  if (row.disturbed > disturbedFrom) words.push(`disturbed ${Math.round(row.disturbed * 100)}%`);
  return words.join(', ');
}

function ratioText(row) {
  if (!Number.isFinite(row.ratio)) return '-';
  const spread = `(${row.ratioMin.toFixed(2)}-${row.ratioMax.toFixed(2)})`;
  return row.server === row.reference ? '1.00x' : `${row.ratio.toFixed(2)}x ${spread}`;
}

const columnsFor = (reference) => [
  ['trial', (row) => row.trial],
  ['server', (row) => row.server],
  ['jobs/s', (row) => count(row.jobsPerSecond)],
  ['cpu us/job', (row) => number(row.cpuUs)],
  ['min-max', (row) => (row.rounds ? `${number(row.cpuUsMin)}-${number(row.cpuUsMax)}` : '-')],
  [`${reference ?? 'C'} / this`, ratioText],
  ['p50 us', (row) => latency(row.p50)],
  ['p99', (row) => latency(row.p99)],
  ['p99.9', (row) => latency(row.p999)],
  ['rss peak', (row) => number(row.rssPeakMiB)],
  ['end MiB', (row) => number(row.rssEndMiB)],
  [
    'load busy',
    (row) => (Number.isFinite(row.loadBusy) ? `${Math.round(row.loadBusy * 100)}%` : '-'),
  ],
  ['', remarks],
];

/** The rows as lines of text, columns aligned, a blank line between trials. */
export function table(rows) {
  const columns = columnsFor(rows.find((row) => row.reference)?.reference);
  const cells = rows.map((row) => columns.map(([, text]) => text(row)));
  const widths = columns.map(([title], i) =>
    Math.max(title.length, ...cells.map((line) => line[i].length)),
  );
  const join = (line) =>
    line
      .map((text, i) =>
        i < 2 || i === line.length - 1 ? text.padEnd(widths[i]) : text.padStart(widths[i]),
      )
      .join('  ')
      .trimEnd();
  const lines = [join(columns.map(([title]) => title))];
  rows.forEach((row, i) => {
    if (i > 0 && rows[i - 1].trial !== row.trial) lines.push('');
    lines.push(join(cells[i]));
  });
  return lines.join('\n');
}

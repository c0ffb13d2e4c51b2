// The tables of the terminal. Rule: facts that make a figure doubtful are in its own row.
import { count, figure, percent, spread } from './format.mjs';
import { disturbedFrom, median } from './summary.mjs';

/** What must be known of a row besides its figures, as words. */
export function remarks(row) {
  const words = [];
  if (Number.isFinite(row.bytesEach)) words.push(`${count(row.bytesEach)} bytes each`);
  if (Number.isFinite(row.leftMiB)) words.push(`${figure(row.leftMiB)} MiB left`);
  if (Number.isFinite(row.pauseMaxMs)) words.push(`longest GC pause ${figure(row.pauseMaxMs)} ms`);
  if (row.beside > 0) words.push(`beside ${count(row.beside)} submits/s`);
  if (row.scrapes > 0) words.push(`${count(row.scrapes)} scrapes`);
  if (row.failures > 0) words.push(`${row.failures} failed: ${row.error}`);
  if (row.wasCut) words.push('cut by its time limit');
  if (row.isLoadTheLimit) words.push('load generator was the limit');
  if (row.disturbed > disturbedFrom) words.push(`disturbed ${percent(row.disturbed)}`);
  return words.join(', ');
}

/** Title and text of each column of a row, in order. The first two and the last are words. */
export const columns = [
  ['trial', (row) => row.trial],
  ['server', (row) => row.server],
  ['jobs/s', (row) => count(row.jobsPerSecond)],
  ['cpu us/job', (row) => figure(row.cpuUs)],
  ['min-max', (row) => (row.rounds ? `${figure(row.cpuUsMin)}-${figure(row.cpuUsMax)}` : '-')],
  ['C / this', (row) => (row.server === row.reference ? `is ${row.reference}` : spread(row.ratio))],
  ['p50 us', (row) => count(row.p50)],
  ['p99', (row) => count(row.p99)],
  ['p99.9', (row) => count(row.p999)],
  ['peak MiB', (row) => figure(row.rssPeakMiB)],
  ['end MiB', (row) => figure(row.rssEndMiB)],
  ['load cpu', (row) => percent(row.loadBusy)],
  ['', remarks],
];

/** Lines of text, columns aligned: words to the left, numbers to the right. */
function aligned(titles, lines, isWord, isGap = () => false) {
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...lines.map((line) => line[i].length)),
  );
  const join = (line) =>
    line
      .map((text, i) => (isWord(i) ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const body = lines.map((line, i) => (isGap(i) ? `\n${join(line)}` : join(line)));
  return [join(titles), ...body].join('\n');
}

/** The rows as lines of text, a blank line between trials. */
export function table(rows) {
  const isComparison = rows.some((row) => row.reference === 'against');
  const titles = columns.map(([title]) =>
    title === 'C / this' && isComparison ? 'against / this' : title,
  );
  return aligned(
    titles,
    rows.map((row) => columns.map(([, text]) => text(row))),
    (i) => i < 2 || i === columns.length - 1,
    (i) => i > 0 && rows[i - 1].trial !== rows[i].trial,
  );
}

/** What the project set out to reach, and whether this run shows it. */
export function targetTable(targets) {
  const lines = targets.map(({ about, must, aim, measured, verdict }) => [
    ...[about, must, aim, measured, verdict],
  ]);
  return aligned(['target', 'must', 'aim', 'measured', ''], lines, (i) => i === 0 || i === 4);
}

/** System calls per job of each traced trial and server: medians, the frequent ones first. */
export function syscallTable(samples) {
  const groups = Map.groupBy
    ? Map.groupBy(samples, ({ trial, server }) => `${trial}\t${server}`)
    : samples.reduce((groups, sample) => {
        const key = `${sample.trial}\t${sample.server}`;
        return groups.set(key, [...(groups.get(key) ?? []), sample]);
      }, new Map());
  const lines = [];
  for (const [key, all] of groups) {
    const traced = all.filter((sample) => sample.syscalls && sample.result);
    if (traced.length === 0) continue;
    const names = [...new Set(traced.flatMap(({ syscalls }) => Object.keys(syscalls)))];
    const perJob = (name) => median(traced.map((s) => (s.syscalls[name] ?? 0) / s.result.jobs));
    const each = names.map((name) => [name, perJob(name)]).sort((a, b) => b[1] - a[1]);
    const sum = each.reduce((total, [, calls]) => total + calls, 0);
    const shown = each.filter(([, calls]) => calls >= 0.005);
    const text = shown.map(([name, calls]) => `${name} ${calls.toFixed(2)}`).join(', ');
    lines.push([...key.split('\t'), sum.toFixed(2), text]);
  }
  return aligned(['trial', 'server', 'calls/job', ''], lines, (i) => i !== 2);
}

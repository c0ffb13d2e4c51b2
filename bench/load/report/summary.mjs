// Numbers of the bench: medians over the rounds of a trial, and ratios of servers. Rule: servers are compared by CPU
// time per job; latencies are only shown.

/** From this part of a core on that other processes took, a sample counts as disturbed. */
export const disturbedFrom = 0.1;
/** A load generator this busy, with a server that is not, was the limit of the rate. */
const busyFrom = 0.95;

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

/** Bytes of memory that one queued job, or one idle peer, took; NaN where it cannot be told. */
function bytesEach({ asked, result }) {
  const { server, jobs } = result;
  if (!server) return Number.NaN;
  const grown = (fromKiB) => (server.rssAfterKiB - fromKiB) * 1024;
  switch (asked.scenario) {
    case 'connections':
    case 'sleepers':
      return grown(server.rssBeforeKiB) / jobs;
    case 'memory':
      // From before the first job: what JavaScript's heap grew by is part of it.
      return grown(server.rssFreshKiB) / jobs;
    case 'deep':
      return grown(server.rssFreshKiB) / (asked.warm + asked.depth + jobs);
    case 'through':
      return grown(server.rssFreshKiB) / asked.depth;
    default:
      return Number.NaN;
  }
}

/** MiB that a drained queue leaves behind, against the same after a first small fill and drain. */
function leftMiB({ asked, result }) {
  if (asked.scenario !== 'memory' || !result.server) return Number.NaN;
  return (result.server.rssEndKiB - result.server.rssBeforeKiB) / 1024;
}

const isHeldUp = ({ asked, result }) =>
  !asked.spin && result.load.busy >= busyFrom && !(result.server?.busy >= busyFrom);

function rowOf(trial, server, samples) {
  const mine = samples.filter((sample) => sample.server === server.name);
  const good = mine.filter((sample) => sample.result);
  const of = (pick) => median(good.map((sample) => pick(sample.result)).filter(Number.isFinite));
  const costs = good.map(costUs);
  return {
    trial: trial.name,
    server: server.name,
    rounds: good.length,
    failures: mine.length - good.length,
    error: mine.find((sample) => sample.error)?.error,
    jobsPerSecond: of((result) => result.jobsPerSecond),
    cpuUs: median(costs),
    cpuUsMin: Math.min(...costs),
    cpuUsMax: Math.max(...costs),
    p50: of((result) => result.latencyUs?.p50),
    p99: of((result) => result.latencyUs?.p99),
    p999: of((result) => result.latencyUs?.p999),
    rssPeakMiB: of((result) => result.server?.rssPeakKiB / 1024),
    rssEndMiB: of((result) => result.server?.rssEndKiB / 1024),
    bytesEach: median(good.map(bytesEach).filter(Number.isFinite)),
    leftMiB: median(good.map(leftMiB).filter(Number.isFinite)),
    pauseMaxMs: Math.max(
      ...good.map(({ result }) => result.pauses?.maxMs ?? Number.NEGATIVE_INFINITY),
    ),
    beside: of((result) => result.counts?.beside / result.wallSeconds),
    scrapes: of((result) => result.scrapes?.count),
    loadBusy: of((result) => result.load.busy),
    isLoadTheLimit: good.some(isHeldUp),
    wasCut: good.some((sample) => sample.result.isCut),
    disturbed: of((result) => result.server?.foreignBusy),
  };
}

/** The server that others of a trial are compared with: the other build, else the C one at its best. */
const referenceOf = (rows) =>
  ['against', 'c-tuned', 'c-default']
    .map((name) => rows.find((row) => row.server === name && row.rounds > 0))
    .find(Boolean);

/**
 * Ratio of two servers' costs, `of` / `to`: of medians, and the least and greatest of single
 * rounds, which slow and fast times of the machine disturb least. undefined when one is missing.
 */
export function ratio(rows, samples, of, to) {
  const row = (name) => rows.find((candidate) => candidate.server === name && candidate.rounds > 0);
  if (!row(of) || !row(to)) return undefined;
  const costs = (name) =>
    new Map(samples.filter((s) => s.server === name && s.result).map((s) => [s.round, costUs(s)]));
  const divisors = costs(to);
  const each = [...costs(of)]
    .map(([round, cost]) => cost / divisors.get(round))
    .filter(Number.isFinite);
  return { value: row(of).cpuUs / row(to).cpuUs, min: Math.min(...each), max: Math.max(...each) };
}

/** One row a server that played, medians over its samples. `samples` must be of this trial. */
export function summarise(trial, servers, samples) {
  const rows = servers.map((server) => rowOf(trial, server, samples));
  const reference = trial.reference ?? referenceOf(rows)?.server;
  for (const row of rows) {
    row.reference = reference;
    row.ratio = reference ? ratio(rows, samples, reference, row.server) : undefined;
  }
  return rows;
}

// The load generators of one trial: one, or several that begin their counted phases together.
// Rule: several answer as one; jobs and rates are sums, CPU time is that of the server's clock from
// the first start to the last end, and of latencies the worst generator's is kept.
import { once } from 'node:events';
import { countSyscalls } from './probes/syscalls.mjs';
import { start } from './processes.mjs';

const wordsOf = (options) =>
  Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );

function launch(argv, options, cores) {
  const load = start(argv, { cores, hasInput: options.pause });
  load.said = '';
  load.stdout.on('data', (text) => {
    load.said += text;
  });
  return load;
}

/** Waits until the generator has printed the word on a line of its own. */
async function waitFor(load, word) {
  while (!load.said.includes(`${word}\n`)) {
    const part = await Promise.race([once(load.stdout, 'data'), load.ended]);
    if (!Array.isArray(part)) throw new Error(load.tail() || 'the load generator ended early');
  }
}

async function resultOf(load, seconds) {
  const { code, signal, error } = await load.ended;
  if (load.isCut) throw new Error(`cut after ${Math.round(seconds)} s, before it could answer`);
  if (code !== 0) throw error ?? new Error(load.tail() || `load generator: ${code ?? signal}`);
  return JSON.parse(load.said.trim().split('\n').at(-1));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Results of generators that ran at once, as if one had done all of it. */
export function merge(results) {
  if (results.length === 1) return results[0];
  const of = (pick) => results.map(pick);
  const jobs = sum(of((r) => r.jobs));
  const startedNs = Math.min(...of((r) => r.startedNs));
  const endedNs = Math.max(...of((r) => r.endedNs));
  const wallSeconds = (endedNs - startedNs) / 1e9;
  const worst = (name) => Math.max(...of((r) => r.latencyUs[name]));
  const merged = {
    ...results[0],
    generators: results.length,
    jobs,
    isCut: results.some((r) => r.isCut),
    startedNs,
    endedNs,
    wallSeconds,
    jobsPerSecond: jobs / wallSeconds,
    load: {
      cpuSeconds: sum(of((r) => r.load.cpuSeconds)),
      cpuNsPerJob: (sum(of((r) => r.load.cpuSeconds)) * 1e9) / jobs,
      busy: Math.max(...of((r) => r.load.busy)),
    },
    latencyUs: { p50: worst('p50'), p99: worst('p99'), p999: worst('p999'), max: worst('max') },
    counts: Object.fromEntries(
      Object.keys(results[0].counts).map((name) => [name, sum(of((r) => r.counts[name]))]),
    ),
  };
  if (results[0].server) {
    const cpuNs =
      Math.max(...of((r) => r.server.cpuEndedNs)) - Math.min(...of((r) => r.server.cpuStartedNs));
    merged.server = {
      ...results.at(-1).server,
      cpuSeconds: cpuNs / 1e9,
      cpuNsPerJob: cpuNs / jobs,
      busy: cpuNs / (endedNs - startedNs),
      // Each generator takes the others for strangers.
      foreignBusy: 0,
    };
  }
  return merged;
}

/** Plays a trial that is one program: server, client and worker. Answers its result. */
export async function playAlone(program, options, { seconds, cores }) {
  const load = launch([process.execPath, program, ...wordsOf(options)], options, cores);
  const timer = setTimeout(() => {
    load.isCut = true;
    load.kill('SIGKILL');
  }, seconds * 1000);
  try {
    return await resultOf(load, seconds);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Plays with one generator for each set of options and answers `{ result, syscalls? }`. A pause
 * before and after the counted phase starts several together and lets strace attach.
 */
export async function playTogether(program, target, all, { seconds, pins }) {
  const { host, port, pid } = target;
  const where = ['--host', host, '--port', String(port)];
  if (pid) where.push('--server-pid', String(pid));
  const isTracing = all[0].pause === true;
  const isPausing = isTracing || all.length > 1;
  const loads = all.map((own, i) => {
    const options = isPausing ? { ...own, pause: true } : own;
    // A core for each generator; one for all of them when there is no other.
    const cores = pins && [pins[i % pins.length]];
    return launch([program, ...where, ...wordsOf(options)], options, cores);
  });
  const timer = setTimeout(() => {
    for (const load of loads) {
      load.isCut = true;
      load.kill('SIGKILL');
    }
  }, seconds * 1000);
  const goOn = () => {
    for (const load of loads) load.stdin.write('\n');
  };
  try {
    let syscalls;
    if (isPausing) {
      await Promise.all(loads.map((load) => waitFor(load, 'READY')));
      const functionStats = isTracing ? await countSyscalls(target.pid) : undefined;
      goOn();
      await Promise.all(loads.map((load) => waitFor(load, 'DONE')));
      syscalls = await functionStats?.end();
      goOn();
    }
    const results = await Promise.all(loads.map((load) => resultOf(load, seconds)));
    return { result: merge(results), syscalls };
  } finally {
    clearTimeout(timer);
    for (const load of loads) load.kill('SIGKILL');
  }
}

// Garbage-collection pauses of a Node server, as perf_hooks reports them in the server itself.
// Rule: this file is also what the server preloads; only pauses of the counted phase are answered.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';

const variable = 'GEARTRAIN_BENCH_PAUSES';

/** Environment that makes a server write its pauses at its exit, one file a thread. */
export function watchPauses(folder) {
  const prefix = `pauses-${process.pid}-${Date.now()}`;
  return {
    folder,
    prefix,
    env: {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${import.meta.url}`.trim(),
      [variable]: join(folder, prefix),
    },
  };
}

/** Number, sum and maximum of the pauses between the ends of the counted phase, in ms. */
export function collectPauses({ folder, prefix }, { startedNs, endedNs }) {
  const files = readdirSync(folder).filter((name) => name.startsWith(prefix));
  if (files.length === 0) return undefined;
  const lengthsMs = [];
  for (const file of files) {
    for (const [atNs, ms] of JSON.parse(readFileSync(join(folder, file), 'utf8'))) {
      if (atNs >= startedNs && atNs <= endedNs) lengthsMs.push(ms);
    }
    rmSync(join(folder, file));
  }
  const sumMs = lengthsMs.reduce((sum, ms) => sum + ms, 0);
  return { count: lengthsMs.length, sumMs, maxMs: Math.max(0, ...lengthsMs) };
}

if (process.env[variable]) {
  // hrtime is the monotonic clock that the load generator reads too.
  const originNs = Number(process.hrtime.bigint()) - performance.now() * 1e6;
  const pauses = [];
  const note = (entries) => {
    for (const { startTime, duration } of entries) {
      pauses.push([originNs + startTime * 1e6, duration]);
    }
  };
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  process.on('exit', () => {
    note(observer.takeRecords());
    writeFileSync(`${process.env[variable]}-${process.pid}-${threadId}`, JSON.stringify(pauses));
  });
}

/** Figures of one thread. */
import type { Home } from './session-table.ts';
import type { ThreadStats } from './thread-queries.ts';

/** This thread's part of `server.stats()`. */
export function threadStats(home: Home): ThreadStats {
  const { broker } = home;
  const counters = broker?.counters;
  const records = home.hooks.recordCounts();
  return {
    thread: home.options.thread,
    connections: home.connectionCount,
    functions: broker?.functions.count ?? 0,
    jobs: broker?.jobs.table.count ?? 0,
    keptJobs: broker?.jobs.kept ?? 0,
    assigned: counters?.assigned ?? 0,
    submitted: counters?.submitted ?? 0,
    coalesced: counters?.coalesced ?? 0,
    refused: home.refusedCount + (counters?.refused ?? 0),
    completed: counters?.completed ?? 0,
    failed: counters?.failed ?? 0,
    requeued: counters?.requeued ?? 0,
    queueBytes:
      broker === null ? 0 : broker.jobs.table.bytes + broker.jobs.slab.bytes + broker.uniques.bytes,
    memoryBytes: home.account.held,
    recordsSent: records.sent,
    recordsReceived: records.received,
    ...home.hooks.turnFigures(),
    incidents: home.incidents.counts(),
    store: home.hooks.storeHealth(),
  };
}

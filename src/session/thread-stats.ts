/** Figures of one thread. */
import type { SessionTable } from './session-table.ts';
import type { ThreadStats } from './thread-queries.ts';

/** This thread's part of `server.stats()`. */
export function threadStats(table: SessionTable): ThreadStats {
  const { broker } = table;
  const counters = broker?.counters;
  const records = table.hooks.recordCounts();
  return {
    thread: table.options.thread,
    connections: table.connectionCount,
    functions: broker?.functions.count ?? 0,
    jobs: broker?.jobs.liveCount ?? 0,
    keptJobs: broker?.jobs.kept ?? 0,
    assigned: counters?.assigned ?? 0,
    submitted: counters?.submitted ?? 0,
    coalesced: counters?.coalesced ?? 0,
    refused: table.refusedCount + (counters?.refused ?? 0),
    completed: counters?.completed ?? 0,
    failed: counters?.failed ?? 0,
    requeued: counters?.requeued ?? 0,
    deadDropped: { number: 0, bytes: 0, age: 0, memory: 0, ...counters?.deadDropped },
    deadBytes: broker?.jobs.deadBytesTotal ?? 0,
    queueBytes:
      broker === null ? 0 : broker.jobs.table.bytes + broker.jobs.slab.bytes + broker.uniques.bytes,
    memoryBytes: table.account.held,
    recordsSent: records.sent,
    recordsReceived: records.received,
    ...table.hooks.turnFigures(),
    incidents: table.incidents.counts(),
    store: table.hooks.storeHealth(),
  };
}

/** Sums up the figures of threads for a whole server. */
import type { ThreadFigure, ThreadStats } from '../session/thread-queries.ts';
import type { StoreHealth } from '../store/store.ts';
import type { ServerStats } from './types.ts';

/** `threads` in thread order; the result contains this array. */
export function totalOf(threads: readonly ThreadStats[]): ServerStats {
  const sum = (field: ThreadFigure) => threads.reduce((total, thread) => total + thread[field], 0);
  return {
    connections: sum('connections'),
    functions: sum('functions'),
    jobs: sum('jobs'),
    submitted: sum('submitted'),
    coalesced: sum('coalesced'),
    refused: sum('refused'),
    assigned: sum('assigned'),
    completed: sum('completed'),
    failed: sum('failed'),
    requeued: sum('requeued'),
    queueBytes: sum('queueBytes'),
    memoryBytes: sum('memoryBytes'),
    store: totalOfStores(threads.flatMap(({ store }) => (store === null ? [] : [store]))),
    threads,
  };
}

function totalOfStores(stores: readonly StoreHealth[]): StoreHealth | null {
  if (stores.length === 0) return null;
  const sum = (field: Exclude<keyof StoreHealth, 'isAccepting'>) =>
    stores.reduce((total, store) => total + store[field], 0);
  return {
    isAccepting: stores.every(({ isAccepting }) => isAccepting),
    jobs: sum('jobs'),
    uncommitted: sum('uncommitted'),
    commits: sum('commits'),
    committed: sum('committed'),
    commitMs: sum('commitMs'),
    commitMsMax: Math.max(...stores.map(({ commitMsMax }) => commitMsMax)),
    bytes: sum('bytes'),
  };
}

/**
 * Other servers as the owner of a bucket sees them. Rules:
 * - The state is complete when every server that is not dead has announced what it has under this epoch.
 * - When the link to a home has begun anew, jobs that it does not announce are queued again, and clients that it does
 *   not announce wait no more. For a dead home both happens at once.
 * - Background submits of a dead home stay owed: it may come back and ask again, and must hear of the same job.
 */

import { requeue, work } from './owner-runs.ts';
import type { OwnerState } from './owner-state.ts';
import { decide, unwatch } from './owner-submits.ts';

/** The home has announced everything. */
export function done(state: OwnerState, from: string): void {
  state.done.add(from);
  for (const job of state.jobs.all()) {
    unwatch(state, job, (watcher) => watcher.home === from && !watcher.isAnnounced);
    if (job.state === 'assigned' && job.home === from && !job.isAnnounced)
      requeue(state, job, true);
  }
}

/** The link to the home begins anew. */
export function reset(state: OwnerState, home: string): void {
  state.done.delete(home);
  for (const job of state.jobs.all()) {
    if (job.home === home) job.isAnnounced = false;
    for (const watcher of job.watchers) if (watcher.home === home) watcher.isAnnounced = false;
  }
}

/** The home is dead: its workers lose their jobs, and its clients their interest. */
export function bury(state: OwnerState, home: string): void {
  reset(state, home);
  state.kept = state.kept.filter((one) => one.from !== home);
  for (const job of state.jobs.all()) {
    unwatch(state, job, (watcher) => watcher.home === home);
    if (job.state === 'assigned' && job.home === home) requeue(state, job, true);
  }
}

/** All have announced: what waited is decided. */
export function complete(state: OwnerState): void {
  state.isComplete = true;
  const { kept, jobs } = state;
  state.kept = [];
  for (const { from, record } of kept) if (record.type === 'submit') decide(state, from, record);
  for (const { from, record } of kept) if (record.type === 'work') work(state, from, record);
  for (const job of jobs.all()) {
    if (job.state !== 'waiting' && job.state !== 'queued') continue;
    if (job.putFor === null && job.watchers.length === 0) jobs.remove(job);
    else if (job.state === 'waiting') requeue(state, job, false);
  }
}

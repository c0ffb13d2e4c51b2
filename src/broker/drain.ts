/**
 * Shutdown of a server with a store: background jobs in the store are no longer assigned and stay there for the next
 * start; the server waits for running jobs and jobs with a client. Rule: each step reads a limited number of rows, so
 * that no turn stalls; no job is assigned until the first sweep is done.
 */
import { Flag } from './jobs.ts';
import { abandon } from './loss.ts';
import { notifyFail } from './notify-fail.ts';
import { canKeep, keepWaiting } from './queue.ts';
import type { BrokerState } from './state.ts';

/** Rows that one step reads. */
const STEP_ROWS = 50_000;

/**
 * Drains the shard, one step at each call. Call it first with `cursor` 0, then with the returned cursor, until that is
 * 0. Without a store it has no effect.
 */
export function drain(broker: BrokerState, cursor: number): number {
  if (broker.storing === null) return 0;
  const { jobs } = broker;
  broker.isDraining = true;
  const next = step(broker, cursor, (job) => {
    // Only the heap knows the start time of a job that is not stored yet.
    const isScheduled = jobs.state(job) === Flag.SCHEDULED && jobs.has(job, Flag.STORED);
    if (isScheduled && canKeep(broker, job)) jobs.becomeKept(job);
    else keepWaiting(broker, job);
  });
  broker.isSweeping = next !== 0;
  return next;
}

/**
 * The drain timeout is over: every client that waits for a job gets WORK_FAIL; stored jobs stay. Cursor as in `drain`.
 */
export function failWatched(broker: BrokerState, cursor: number): number {
  const { jobs } = broker;
  return step(broker, cursor, (job) => {
    if (jobs.watchers.count(job) === 0) return;
    notifyFail(broker, job);
    broker.counters.failed++;
    if (!jobs.has(job, Flag.BACKGROUND)) abandon(broker, job);
    else {
      jobs.watchers.dropAll(job);
      keepWaiting(broker, job);
    }
  });
}

function step(broker: BrokerState, cursor: number, each: (job: number) => void): number {
  const { table } = broker.jobs;
  let job = table.next(cursor);
  for (let rows = 0; job !== 0; rows++) {
    if (rows === STEP_ROWS) return job - 1;
    each(job);
    job = table.next(job);
  }
  return 0;
}

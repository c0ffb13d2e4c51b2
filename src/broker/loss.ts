/**
 * Jobs that lose their worker or their last client. A lost run is tried again until --job-retries are spent. A
 * foreground job without a client is dropped at once if it waits, and after its run if it runs.
 */
import { failLost, policyOfRun } from './failures.ts';
import { Count } from './function-stats.ts';
import { Flag } from './jobs.ts';
import { jobOfNumbers } from './named-job.ts';
import { notifyFail } from './notify-fail.ts';
import type { Peer } from './peer.ts';
import { keepWaiting, queue } from './queue.ts';
import type { BrokerState } from './state.ts';

/** Takes an assigned job from its worker: requeues it, or fails it when its attempts are spent. */
export function lose(broker: BrokerState, job: number): void {
  const { jobs, options } = broker;
  if (jobs.has(job, Flag.IGNORED)) {
    broker.finish(job);
    return;
  }
  jobs.noteLoss(job);
  if (options.jobRetries >= 0 && jobs.retries(job) >= Math.max(1, options.jobRetries)) {
    broker.counters.failed++;
    broker.functionStats.lost(jobs.functionOf(job), Count.FAILED);
    notifyFail(broker, job);
    const policy = policyOfRun(broker, job);
    if (policy === null) broker.finish(job);
    else failLost(broker, job, policy);
    return;
  }
  broker.counters.requeued++;
  broker.functionStats.lost(jobs.functionOf(job), Count.REQUEUED);
  jobs.stamp(job, broker.nowMs);
  queue(broker, job);
}

/** No client waits for the job any more. Its unique is free at once: later submits do not coalesce with it. */
export function abandon(broker: BrokerState, job: number): void {
  broker.uniques.remove(job);
  broker.jobs.watchers.dropAll(job);
  broker.jobs.forget(job);
  if (broker.jobs.state(job) === Flag.ASSIGNED) broker.jobs.setFlag(job, Flag.IGNORED);
  else broker.jobs.becomeGone(job);
}

/** The peer does not wait for the job any more; a job without other watchers is dropped. */
export function unwatch(broker: BrokerState, job: number, peer: Peer): void {
  const { jobs } = broker;
  jobs.watchers.drop(job, peer);
  if (jobs.watchers.count(job) > 0) return;
  if (!jobs.has(job, Flag.BACKGROUND)) abandon(broker, job);
  else if (broker.isDraining) keepWaiting(broker, job);
}

/**
 * `cancel job`: watchers get WORK_FAIL once, the result of a running job is ignored. False when there is no such job.
 */
export function cancel(broker: BrokerState, slot: number, serial: number): boolean {
  const job = jobOfNumbers(broker, slot, serial);
  if (job === 0) return false;
  notifyFail(broker, job);
  // As gearmand lists it: no longer in the store, so not a background job any more.
  broker.jobs.clearFlag(job, Flag.BACKGROUND);
  abandon(broker, job);
  return true;
}

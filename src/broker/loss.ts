/**
 * Jobs that lose their worker or their last client. A lost run is tried again until --job-retries are spent. A
 * foreground job without a client is dropped at once if it waits, and after its run if it runs.
 */
import { failLost, policyOfRun } from './failures.ts';
import { Count } from './function-stats.ts';
import { Flag } from './jobs.ts';
import { notifyFail } from './notify-fail.ts';
import type { Peer } from './peer.ts';
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

/** Whether the job may be left to the store: no client waits for it, and the store has it for the next start. */
export function canKeep(broker: BrokerState, job: number): boolean {
  const { jobs, options } = broker;
  if (!jobs.has(job, Flag.BACKGROUND) || jobs.watchers.count(job) > 0) return false;
  return jobs.has(job, Flag.STORED) || options.storesAtEnd === true;
}

/** Makes a job runnable and wakes a worker; while the server drains, a stored job is kept instead. */
export function queue(broker: BrokerState, job: number): void {
  const { jobs } = broker;
  const fn = jobs.functionOf(job);
  fn.gate?.advance(broker.nowMs, fn.runnable > 0);
  if (broker.isDraining && canKeep(broker, job)) jobs.becomeKept(job);
  else jobs.becomeQueued(job);
  // Either way a run may have ended, and another job may start.
  broker.waker.balance(fn, broker.nowMs);
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
  else if (broker.isDraining && jobs.state(job) === Flag.QUEUED && canKeep(broker, job))
    jobs.becomeKept(job);
}

/**
 * `cancel job`: watchers get WORK_FAIL once, the result of a running job is ignored. False when there is no such job.
 */
export function cancel(broker: BrokerState, job: number, serial: number): boolean {
  if (!broker.jobs.table.isLive(job, serial)) return false;
  notifyFail(broker, job);
  // As gearmand lists it: no longer in the store, so not a background job any more.
  broker.jobs.clearFlag(job, Flag.BACKGROUND);
  abandon(broker, job);
  return true;
}

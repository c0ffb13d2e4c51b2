/** Jobs that become runnable, and those that a draining server leaves to its store instead. */
import { Flag } from './jobs.ts';
import type { BrokerState } from './state.ts';

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

/** A draining server leaves a job to the store, if it waits for a worker or for its next run. */
export function keepWaiting(broker: BrokerState, job: number): void {
  const { jobs } = broker;
  const state = jobs.state(job);
  const isWaiting = state === Flag.QUEUED || state === Flag.RETRYING;
  if (isWaiting && canKeep(broker, job)) jobs.becomeKept(job);
}

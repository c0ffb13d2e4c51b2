/**
 * How long a run may last: by its worker's CAN_DO_TIMEOUT, then it is lost, or by the policy of its function, then it has
 * failed. A timeout of the policy that changes during the run counts from its start.
 */
import { type Failure, failRun, isToldNow, policyOfRun } from './failures.ts';
import { Flag } from './jobs.ts';
import { lose } from './loss.ts';
import { notifyFail } from './notify-fail.ts';
import { lateIs, noteLate } from './owed.ts';
import type { BrokerState } from './state.ts';

const TIMEOUT: Failure = { cause: 'timeout', text: new Uint8Array(0), order: null };

/** Sets the deadline of a run that has lasted `ageMs`: the shorter time counts. `workerMs` 0 = no limit. */
export function setDeadline(
  broker: BrokerState,
  job: number,
  workerMs: number,
  ageMs: number,
): void {
  const policyMs = policyOfRun(broker, job)?.timeoutMs ?? 0;
  const isPolicys = policyMs > 0 && (workerMs === 0 || policyMs <= workerMs);
  const timeoutMs = isPolicys ? policyMs : workerMs;
  if (timeoutMs > 0) broker.jobs.setDeadline(job, broker.nowMs + timeoutMs - ageMs, isPolicys);
}

/** The deadline of a run is over. */
export function timeOut(broker: BrokerState, job: number): void {
  const { jobs } = broker;
  const isPolicys = jobs.has(job, Flag.POLICY_DEADLINE);
  const policy = isPolicys ? policyOfRun(broker, job) : null;
  const ageMs = jobs.age(job, broker.nowMs);
  if (isPolicys && (policy === null || policy.timeoutMs === 0 || ageMs < policy.timeoutMs)) {
    jobs.dropDeadline(job);
    const ability = jobs.workerOf(job).ability(jobs.functionOf(job).index);
    setDeadline(broker, job, ability?.timeoutMs ?? 0, ageMs);
    return;
  }
  broker.outbox.revoke(jobs.workerOf(job), jobs.table.serial(job), true);
  const late = noteLate(broker, job);
  if (policy === null) lose(broker, job);
  else {
    if (isToldNow(broker, job, policy, TIMEOUT)) notifyFail(broker, job);
    failRun(broker, job, policy, TIMEOUT);
  }
  lateIs(broker, late, job, policy === null);
}

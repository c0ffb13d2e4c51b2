/**
 * Jobs that a connection does not get because it owes the final packet of an earlier run of them (late.ts). All others get
 * them as usual, and the connection gets all other jobs. Rule: a worker that owes is woken only for a job that it may
 * get, so that it is never woken in vain. Only functions with a policy about runs come here: the others behave as in
 * gearmand.
 */
import type { Ability } from './ability.ts';
import { firstFor } from './first-job.ts';
import { type FunctionQueue, PRIORITY_COUNT } from './functions.ts';
import { Job } from './job-table.ts';
import { Flag, type Jobs } from './jobs.ts';
import { type Late, LateAssignments } from './late.ts';
import type { Peer } from './peer.ts';
import type { BrokerState } from './state.ts';

/** The function from which a GRAB of a peer that owes is served. Linear in its functions. */
export function chooseOwing(
  { functions, jobs }: BrokerState,
  peer: Peer,
  enough: number,
  isRotating: boolean,
): Ability | undefined {
  const levelFor = (fn: FunctionQueue): number => {
    const job = firstFor(jobs, peer, fn);
    return job === 0 ? 0 : PRIORITY_COUNT - jobs.priority(job);
  };
  return peer.abilities?.chooseBy(levelFor, functions.steps, enough, isRotating);
}

/** The run of an assigned job is over by a timeout. Call `lateIs` when it is known what becomes of the job. */
export function noteLate(broker: BrokerState, job: number): Late {
  const { jobs } = broker;
  const worker = jobs.workerOf(job);
  const fn = jobs.functionOf(job);
  const owedOf = worker.isParallel && fn.runPolicy !== null ? fn : null;
  if (owedOf !== null) owedOf.owed++;
  worker.late ??= new LateAssignments();
  const late = { job: jobs.table.serial(job), run: runOf(jobs, job), endsVersion: -1, owedOf };
  const forgotten = worker.late.add(late);
  if (forgotten !== null) settle(broker, forgotten.owedOf);
  return late;
}

/** With `mayEnd` the first final packet ends the job while no worker has it. A job that is gone is not owed. */
export function lateIs({ jobs }: BrokerState, late: Late, job: number, mayEnd: boolean): void {
  if (jobs.table.isLive(job, late.job)) {
    if (mayEnd) late.endsVersion = runVersion(jobs, job);
    return;
  }
  if (late.owedOf !== null) late.owedOf.owed--;
  late.owedOf = null;
}

/** The final packet of a run has come, or is not waited for any more: its worker may get the job again. */
export function settle({ waker, nowMs }: BrokerState, owedOf: FunctionQueue | null): void {
  if (owedOf === null) return;
  owedOf.owed--;
  waker.balance(owedOf, nowMs);
}

/** The connection has ended: it owes nothing. */
export function settleAll(peer: Peer): void {
  for (const { owedOf } of peer.late?.all() ?? []) if (owedOf !== null) owedOf.owed--;
  peer.late = null;
}

/** The number in the handle of the run of an assigned job; 0 = a plain handle. */
export function runOf(jobs: Jobs, job: number): number {
  return jobs.has(job, Flag.HAS_RUNS) ? jobs.runs.of(job).run : 0;
}

/** Differs when the job has been assigned, or has died, in between. */
export function runVersion(jobs: Jobs, job: number): number {
  return jobs.retries(job) * 2 ** 32 + jobs.word(job, Job.SINCE_MS);
}

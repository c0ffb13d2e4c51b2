/**
 * Runs that fail, of functions with a policy about runs: the job is tried again after a time, or it is dead. Dead jobs
 * are kept within the limits of the policy, the oldest is dropped first; an operator kicks them to run again. Rule: a
 * job without such a policy never comes here. Source: docs/retries.md.
 */
import type { FailureOrder } from '../policy/failure-order.ts';
import { DEFAULT_RUN_POLICY, delayAfter, type RunPolicy } from '../policy/run-policy.ts';
import type { DeadJobs } from './dead-jobs.ts';
import { Count } from './function-stats.ts';
import type { FunctionQueue } from './functions.ts';
import { Flag } from './jobs.ts';
import { notifyFail } from './notify-fail.ts';
import { canKeep, queue } from './queue.ts';
import { type Cause, ERROR_BYTES_MAX, WORKER_BYTES_MAX } from './runs.ts';
import type { BrokerState, DeadDrops } from './state.ts';

/** The policy that a failed run of this job follows; null when the job ends as in gearmand. */
export function policyOfRun(broker: BrokerState, job: number): RunPolicy | null {
  const { jobs } = broker;
  const { runPolicy } = jobs.functionOf(job);
  if (runPolicy === null || jobs.has(job, Flag.IGNORED)) return null;
  return runPolicy.isForeground || jobs.has(job, Flag.BACKGROUND) ? runPolicy : null;
}

/** A run that has failed: why, what its worker said (borrowed), and what it wants to happen. */
export interface Failure {
  readonly cause: Cause;
  readonly text: Uint8Array;
  readonly order: FailureOrder | null;
}

/** Whether its watchers hear of this failure: they wait on only with `fg:1`, until the last attempt has failed. */
export function isToldNow(
  broker: BrokerState,
  job: number,
  policy: RunPolicy,
  failure: Failure,
): boolean {
  return !policy.isForeground || isLast(broker, job, policy, failure);
}

function isLast(broker: BrokerState, job: number, policy: RunPolicy, { order }: Failure): boolean {
  return order === 'dead' || attemptsOf(broker, job) + 1 >= policy.attempts;
}

/** Failed runs so far. */
export function attemptsOf({ jobs }: BrokerState, job: number): number {
  return jobs.has(job, Flag.HAS_RUNS) ? jobs.runs.of(job).attempts : 0;
}

/** The run of an assigned job has failed. Its watchers have been told, unless they wait on. */
export function failRun(
  broker: BrokerState,
  job: number,
  policy: RunPolicy,
  failure: Failure,
): void {
  const { jobs, counters, functionStats, nowMs } = broker;
  const fn = jobs.functionOf(job);
  const isOver = isLast(broker, job, policy, failure);
  fn.gate?.advance(nowMs, fn.runnable > 0);
  functionStats.ended(fn, isOver ? Count.FAILED : Count.RETRIED, jobs.age(job, nowMs));
  noteError(broker, job, failure.cause, failure.text).attempts++;
  // Of a run that is over nothing is left.
  jobs.noteEnd(job);
  if (isOver) {
    counters.failed++;
    end(broker, job, policy);
  } else {
    counters.retried++;
    if (!policy.isForeground) jobs.watchers.dropAll(job);
    const runs = jobs.runs.of(job);
    const { order } = failure;
    runs.delayMs =
      typeof order === 'number' ? order : delayAfter(policy, runs.attempts, broker.random());
    runs.dueMs = broker.wallMs + runs.delayMs;
    if (broker.isDraining && canKeep(broker, job)) jobs.becomeKept(job);
    else jobs.becomeRetrying(job, nowMs + runs.delayMs);
    broker.storing?.update(job);
  }
  if (fn.gate !== null) broker.waker.balance(fn, nowMs);
}

/** The job is not tried again after losses of its worker. Its watchers have been told. */
export function failLost(broker: BrokerState, job: number, policy: RunPolicy): void {
  const fn = broker.jobs.functionOf(job);
  fn.gate?.advance(broker.nowMs, fn.runnable > 0);
  noteError(broker, job, 'lost', NO_TEXT);
  end(broker, job, policy);
  if (fn.gate !== null) broker.waker.balance(fn, broker.nowMs);
}

/** `bury job`: a background job that waits becomes dead. */
export function bury(broker: BrokerState, job: number): void {
  const fn = broker.jobs.functionOf(job);
  noteError(broker, job, 'buried', NO_TEXT);
  notifyFail(broker, job);
  broker.counters.failed++;
  broker.functionStats.lost(fn, Count.FAILED);
  makeDead(broker, job);
}

/** Queues a dead job again, with its attempts and losses at 0 and its errors kept. Its unique must be free. */
export function kick(broker: BrokerState, job: number): void {
  const { jobs, uniques, nowMs } = broker;
  const runs = jobs.runs.of(job);
  runs.attempts = 0;
  runs.dueMs = 0;
  runs.delayMs = 0;
  jobs.forgetLosses(job);
  jobs.stamp(job, nowMs);
  jobs.functionOf(job).total++;
  uniques.addAgain(job);
  broker.counters.kicked++;
  queue(broker, job);
  broker.storing?.update(job);
}

/** Dead jobs that a death, or a new policy, drops at once; ticks drop the others. */
const DROPPED_AT_ONCE = 16;
/** Dead jobs that one tick drops: some milliseconds. */
const DROPPED_PER_TICK = 2000;

/**
 * Drops dead jobs of a function beyond the limits of its policy, the oldest first, at most `countMax`; ticks go on.
 * Returns how many.
 */
export function trimDead(
  broker: BrokerState,
  fn: FunctionQueue,
  countMax = DROPPED_AT_ONCE,
): number {
  const { dead } = fn;
  const policy = fn.runPolicy ?? DEFAULT_RUN_POLICY;
  const { deadTimes } = broker.jobs;
  if (dead === null) return 0;
  let count = 0;
  let reason = whyDropped(broker, dead, policy);
  for (; count < countMax && reason !== null; count++) {
    broker.counters.deadDropped[reason]++;
    broker.finish(dead.first);
    reason = whyDropped(broker, dead, policy);
  }
  deadTimes.remove(fn.index);
  if (reason !== null) deadTimes.insert(fn.index, 0);
  else if (dead.first !== 0)
    deadTimes.insert(fn.index, broker.jobs.diedAtMs(dead.first) + policy.deadAgeMs + 1);
  return count;
}

/** Why the oldest dead job is dropped; null when it is kept. */
function whyDropped(
  broker: BrokerState,
  dead: DeadJobs,
  policy: RunPolicy,
): keyof DeadDrops | null {
  if (dead.first === 0) return null;
  const { deadMax, deadBytesMax, deadAgeMs } = policy;
  if (dead.count > deadMax) return 'number';
  if (dead.bytes > deadBytesMax) return 'bytes';
  return broker.wallMs - broker.jobs.diedAtMs(dead.first) > deadAgeMs ? 'age' : null;
}

/** Whether the dead jobs of this thread exceed what they may cost, together with those of the other threads. */
export function isDeadMemoryFull({ jobs, deadMemory }: BrokerState): boolean {
  return deadMemory.hold(jobs.deadBytesTotal);
}

/** Drops the oldest dead jobs of all functions beyond `--dead-memory`, at most `countMax`; returns how many. */
function trimDeadMemory(broker: BrokerState, countMax: number): number {
  const { jobs, counters } = broker;
  let count = 0;
  for (; count < countMax && isDeadMemoryFull(broker); count++) {
    counters.deadDropped.memory++;
    broker.finish(jobs.firstDead());
  }
  return count;
}

/** Drops dead jobs beyond limits; returns how many jobs and functions that were, at most `countMax` and one. */
export function dropOldDead(broker: BrokerState, countMax: number): number {
  const { functions, jobs, wallMs } = broker;
  const most = Math.min(countMax, DROPPED_PER_TICK);
  let count = 0;
  while (count < most && jobs.deadTimes.peekAt() <= wallMs) {
    const fn = functions.at(jobs.deadTimes.peekId()) as FunctionQueue;
    count += 1 + trimDead(broker, fn, most - count);
  }
  return count + trimDeadMemory(broker, most - count);
}

/** Milliseconds until the next run of the job may start: what is left of its delay, and never more than that. */
export function retryWaitMs({ jobs, wallMs }: BrokerState, job: number): number {
  if (!jobs.has(job, Flag.HAS_RUNS)) return 0;
  const { dueMs, delayMs } = jobs.runs.of(job);
  return Math.max(0, Math.min(dueMs - wallMs, delayMs));
}

const NO_TEXT = new Uint8Array(0);

/** The job is over: dead if it has no client any more and the policy keeps such jobs, else gone. */
function end(broker: BrokerState, job: number, policy: RunPolicy): void {
  if (policy.deadMax > 0 && broker.jobs.has(job, Flag.BACKGROUND)) makeDead(broker, job);
  else broker.finish(job);
}

function makeDead(broker: BrokerState, job: number): void {
  const { jobs } = broker;
  const fn = jobs.functionOf(job);
  broker.uniques.remove(job);
  jobs.watchers.dropAll(job);
  jobs.becomeDead(job);
  jobs.runs.of(job).death = ++broker.deaths;
  broker.storing?.update(job);
  trimDead(broker, fn);
  trimDeadMemory(broker, DROPPED_AT_ONCE);
}

function noteError(broker: BrokerState, job: number, cause: Cause, text: Uint8Array) {
  const { jobs, nowMs, wallMs: atMs } = broker;
  const hasRun = jobs.state(job) === Flag.ASSIGNED;
  const worker = hasRun ? broker.outbox.nameOf(jobs.workerOf(job)) : '';
  return jobs.addError(job, {
    cause,
    atMs,
    runMs: hasRun ? jobs.age(job, nowMs) : 0,
    worker: worker.slice(0, WORKER_BYTES_MAX),
    text: text.slice(0, ERROR_BYTES_MAX),
  });
}

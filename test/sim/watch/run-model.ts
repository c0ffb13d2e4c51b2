/**
 * A second opinion on failed runs: what must become of a job when its run ends, when the next run may start, and which
 * dead jobs are kept. Source: docs/retries.md.
 */
import type { Broker } from '../../../src/broker/broker.ts';
import type { DeadMemoryOptions } from '../../../src/broker/dead-memory.ts';
import { Flag } from '../../../src/broker/jobs.ts';
import type { DeadDrops } from '../../../src/broker/state.ts';
import type { RunPolicy } from '../../../src/policy/run-policy.ts';
import { ensure } from '../transcript.ts';
import type { GateModel } from './gate-model.ts';
import type { StoreWatch } from './store-watch.ts';

/** What a worker asks for with the first line of an exception. */
export type Order = 'dead' | number | null;

export type RunEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly order: Order };

/** Where a job goes when its run has ended. */
export type Next = 'gone' | 'dead' | 'queued' | 'retrying';

/** The runs of one job. */
export class Runs {
  attempts = 0;
  losses = 0;
  /** Why the last one failed. */
  order: Order = null;
  /** Since it failed: its delay, when that is over by wall clock, and when the next run may start. */
  delayMs = 0;
  dueWallMs = 0;
  retryMs = 0;
}

/** Limits of a function without a policy about runs. */
const DEAD_MAX = 10_000;
const DEAD_AGE_MS = 30 * 86_400_000;
const SLACK = 1e-3;
const ORDER = /^geartrain:(?:(dead)|retry=(\d+))(?:\n|$)/;

/** The order in the data of a WORK_EXCEPTION. */
export function orderIn(text: string): Order {
  const [match, dead, ms] = ORDER.exec(text) ?? [];
  if (match === undefined) return null;
  return dead === undefined ? Number(ms) : 'dead';
}

export class RunModel {
  readonly #broker: Broker;
  readonly #gates: GateModel;
  readonly #store: StoreWatch | null;
  /** By function: dead jobs in the order of their deaths. */
  readonly #dead = new Map<number, number[]>();
  retried = 0;
  kicked = 0;
  readonly dropped: DeadDrops = { number: 0, bytes: 0, age: 0, memory: 0 };

  constructor(broker: Broker, gates: GateModel, store: StoreWatch | null) {
    this.#broker = broker;
    this.#gates = gates;
    this.#store = store;
  }

  /** The policy that a failure of this job follows; null = the job ends, as in gearmand. */
  policyOf(job: number): RunPolicy | null {
    const { jobs } = this.#broker;
    const policy = this.#gates.runsOf(jobs.functionOf(job).index);
    if (policy === null || jobs.has(job, Flag.IGNORED)) return null;
    return policy.isForeground || jobs.has(job, Flag.BACKGROUND) ? policy : null;
  }

  /** Whether a run since `sinceMs` is longer than its policy allows; whole milliseconds. */
  isTooLong(job: number, sinceMs: number): boolean {
    const timeoutMs = this.policyOf(job)?.timeoutMs ?? 0;
    return timeoutMs > 0 && this.#broker.nowMs - Math.floor(sinceMs) >= timeoutMs;
  }

  /** Counts the end of a run. */
  next(job: number, runs: Runs, end: RunEnd): Next {
    const { jobs, options } = this.#broker;
    if (end.kind === 'done' || jobs.has(job, Flag.IGNORED)) return 'gone';
    const policy = this.policyOf(job);
    if (end.kind === 'lost') {
      runs.losses++;
      const { jobRetries } = options;
      const isSpent = jobRetries >= 0 && runs.losses >= Math.max(1, jobRetries);
      return isSpent ? this.#grave(job, policy) : 'queued';
    }
    if (policy === null) return 'gone';
    runs.attempts++;
    runs.order = end.order;
    const isLast = end.order === 'dead' || runs.attempts >= policy.attempts;
    return isLast ? this.#grave(job, policy) : 'retrying';
  }

  /** The next run of a job that has failed may start at `atMs`. */
  retry(job: number, runs: Runs, atMs: number): void {
    const { jobs, nowMs, wallMs } = this.#broker;
    const { attempts, order } = runs;
    const policy = this.policyOf(job) as RunPolicy;
    const delayMs = atMs - nowMs;
    const most = typeof order === 'number' ? order : delayOf(policy, attempts);
    const least = typeof order === 'number' ? order : most * (1 - policy.jitter);
    ensure(
      delayMs >= least - 0.5 - SLACK && delayMs <= most + 0.5 + SLACK,
      () => `attempt ${attempts} of job ${job} waits ${delayMs} ms, must be ${least} to ${most}`,
    );
    ensure(
      policy.isForeground || jobs.watchers.count(job) === 0,
      () => `job ${job} is tried again, and a client still waits for it`,
    );
    this.retried++;
    runs.delayMs = Math.round(delayMs);
    runs.dueWallMs = wallMs + runs.delayMs;
    runs.retryMs = atMs;
  }

  /** The time of the next run has changed, as it may while the failure is not on disk and when it is. */
  postpone(job: number, runs: Runs, atMs: number): void {
    const { jobs, nowMs, wallMs } = this.#broker;
    ensure(jobs.has(job, Flag.STORED), () => `the next run of job ${job} is put off`);
    runs.retryMs = atMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#ensureDurable(job);
    const wanted = nowMs + leftOf(runs.dueWallMs, runs.delayMs, wallMs);
    ensure(
      Math.abs(atMs - wanted) < SLACK,
      () => `the next run of job ${job} may start at ${atMs}, must be ${wanted}`,
    );
  }

  /** A job that waited for its next run is queued. */
  isDue(job: number, { retryMs }: Runs): void {
    const { nowMs } = this.#broker;
    ensure(nowMs >= retryMs, () => `job ${job} is tried again at ${nowMs}, before ${retryMs}`);
    if (this.#broker.jobs.has(job, Flag.STORED)) this.#ensureDurable(job);
  }

  /** A job has become dead. */
  bury(job: number): void {
    this.#deadOf(job).push(job);
  }

  /** A dead job is queued again. */
  kick(job: number, runs: Runs): void {
    const dead = this.#deadOf(job);
    dead.splice(dead.indexOf(job), 1);
    Object.assign(runs, new Runs());
    this.kicked++;
  }

  /** A dead job goes: cancelled, or as the oldest one beyond a limit. */
  drop(job: number, isCancelAsked: boolean): void {
    const { counters, jobs, options, wallMs } = this.#broker;
    const dead = this.#deadOf(job);
    const reasons = Object.keys(this.dropped) as (keyof DeadDrops)[];
    const reason = reasons.find((key) => counters.deadDropped[key] > this.dropped[key]);
    if (reason !== undefined) {
      this.dropped[reason]++;
      const { deadMax, deadAgeMs } = this.#limitsOf(jobs.functionOf(job).index);
      const diedAtMs = jobs.diedAtMs(job);
      const isRight = {
        number: dead.length > deadMax,
        bytes: false,
        age: wallMs - diedAtMs > deadAgeMs,
        memory: options.deadMemory !== undefined && this.#isOldest(diedAtMs, options.deadMemory),
      };
      ensure(
        dead[0] === job && isRight[reason],
        () => `dead job ${job} is dropped for ${reason}, of ${dead.length}, first is ${dead[0]}`,
      );
    } else ensure(isCancelAsked, () => `dead job ${job} goes`);
    dead.splice(dead.indexOf(job), 1);
  }

  /** Checks the dead jobs of a function, behind a turn. */
  checkDead(index: number): void {
    const { functions, jobs, wallMs } = this.#broker;
    const dead = this.#dead.get(index) ?? [];
    const found: number[] = [];
    const list = functions.at(index)?.dead ?? null;
    for (let job = list?.first ?? 0; job !== 0; job = list?.next(job) ?? 0) found.push(job);
    ensure(
      String(found) === String(dead) && found.length === (list?.count ?? 0),
      () => `function ${index} has the dead jobs ${found}, must be ${dead}`,
    );
    ensure(
      (list?.bytes ?? 0) === found.reduce((sum, job) => sum + jobs.deadBytes(job), 0),
      () => `function ${index} miscounts the bytes of its dead jobs`,
    );
    const { deadMax, deadAgeMs } = this.#limitsOf(index);
    ensure(dead.length <= deadMax, () => `${dead.length} dead jobs are kept, at most ${deadMax}`);
    const [oldest] = dead;
    ensure(
      oldest === undefined || wallMs - jobs.diedAtMs(oldest) <= deadAgeMs,
      () => `dead job ${oldest} is kept for too long`,
    );
  }

  /** Checks what a job has behind a turn. */
  check(job: number, { attempts, losses }: Runs): void {
    const { jobs } = this.#broker;
    const found = jobs.has(job, Flag.HAS_RUNS) ? jobs.runs.of(job).attempts : 0;
    const isDead = jobs.state(job) === Flag.DEAD;
    ensure(
      found === attempts && jobs.retries(job) === losses,
      () => `job ${job} has ${found} attempts and ${jobs.retries(job)} losses, must be ${attempts}`,
    );
    if (jobs.has(job, Flag.STORED))
      this.#store?.checkTold(jobs.referenceOf(job), { attempts, isDead });
    if (jobs.state(job) !== Flag.RETRYING || jobs.has(job, Flag.STORED)) return;
    const { nowMs } = this.#broker;
    ensure(jobs.retryTimes.atOf(job) > nowMs, () => `the next run of job ${job} is late`);
  }

  /** Checks that a restart gave back a job as it was, and notes its runs. */
  restored(job: number, runs: Runs): void {
    const { jobs, nowMs, wallMs } = this.#broker;
    const given = this.#store?.given(jobs.referenceOf(job)) ?? null;
    if (given === null) return;
    runs.attempts = given.attempts;
    runs.losses = given.losses;
    runs.delayMs = given.delayMs;
    runs.dueWallMs = given.dueMs;
    const waitMs = leftOf(given.dueMs, given.delayMs, wallMs);
    const isWaiting = !given.isDead && waitMs > 0;
    const state = jobs.state(job);
    ensure(
      (state === Flag.DEAD) === given.isDead && (state === Flag.RETRYING) === isWaiting,
      () => `job ${job} comes back in state ${state}, was dead: ${given.isDead}, waits ${waitMs}`,
    );
    if (!isWaiting) return;
    runs.retryMs = jobs.retryTimes.atOf(job);
    ensure(Math.abs(runs.retryMs - nowMs - waitMs) < SLACK, () => `job ${job} waits wrongly`);
  }

  #grave(job: number, policy: RunPolicy | null): Next {
    const isKept = policy !== null && policy.deadMax > 0;
    return isKept && this.#broker.jobs.has(job, Flag.BACKGROUND) ? 'dead' : 'gone';
  }

  #ensureDurable(job: number): void {
    const reference = this.#broker.jobs.referenceOf(job);
    ensure(
      this.#store?.isUndecided(reference) !== true,
      () => `job ${job} is tried again before its failure is on disk`,
    );
  }

  /** Whether no dead job of this thread is older, and all together cost more than the thread may hold. */
  #isOldest(diedAtMs: number, { limitBytes, ownerCount }: DeadMemoryOptions): boolean {
    const { jobs } = this.#broker;
    const all = [...this.#dead.values()].flat();
    const bytes = all.reduce((sum, job) => sum + jobs.deadBytes(job), 0);
    return bytes > limitBytes / ownerCount && all.every((job) => jobs.diedAtMs(job) >= diedAtMs);
  }

  #limitsOf(index: number): { readonly deadMax: number; readonly deadAgeMs: number } {
    return this.#gates.runsOf(index) ?? { deadMax: DEAD_MAX, deadAgeMs: DEAD_AGE_MS };
  }

  #deadOf(job: number): number[] {
    const { index } = this.#broker.jobs.functionOf(job);
    const dead = this.#dead.get(index) ?? [];
    this.#dead.set(index, dead);
    return dead;
  }
}

/** What is left of a delay: never more than all of it, however the clock was set. */
function leftOf(dueWallMs: number, delayMs: number, wallMs: number): number {
  return Math.max(0, Math.min(dueWallMs - wallMs, delayMs));
}

function delayOf({ backoff }: RunPolicy, attempts: number): number {
  if ('timesMs' in backoff) return backoff.timesMs[0] as number;
  return Math.min(backoff.maxMs, backoff.firstMs * 2 ** (attempts - 1));
}

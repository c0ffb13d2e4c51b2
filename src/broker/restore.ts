/**
 * Restores the jobs of a store at start: into the table one by one, then into their queues in the order of their
 * submits. Rule: nothing is refused here, neither for a limit nor for a duplicate unique.
 */
import { latin1 } from '../base/bytes.ts';
import { hashBytes } from '../protocol/hash.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { retryWaitMs } from './failures.ts';
import type { FunctionQueue } from './functions.ts';
import { Flag } from './jobs.ts';
import { decodeErrors, NO_RUNS } from './runs.ts';
import type { BrokerState } from './state.ts';
import { makeReady } from './submit.ts';
import { keyHash } from './uniques.ts';

const DASH = 0x2d;
const NO_BYTES = new Uint8Array(0);

export class Restore {
  readonly #broker: BrokerState;
  readonly #jobs: number[] = [];
  readonly #orders: number[] = [];
  readonly #starts = new Map<number, number>();
  readonly #dead: number[] = [];
  #isOrdered = true;

  constructor(broker: BrokerState) {
    this.#broker = broker;
  }

  /** Takes one kept job; `order` ascends with the time of its submit. Throws when the thread has no row left. */
  take(stored: StoredJob, reference: number, order: number): void {
    const { jobs, nowMs } = this.#broker;
    if (jobs.table.isFull)
      throw new Error(
        `read the stored jobs: more than the ${jobs.table.count} that a thread can hold`,
      );
    const { bytes, at, uniqueBytes, workloadBytes, startMs } = stored;
    const fn = this.#functionOf(stored.functionName);
    const flags = (stored.priority << Flag.PRIORITY_SHIFT) | Flag.BACKGROUND;
    const workloadAt = at + uniqueBytes;
    const job = jobs.create(fn, flags, bytes, at, uniqueBytes, workloadAt, workloadBytes, 0);
    jobs.stamp(job, nowMs);
    jobs.setReference(job, reference);
    if (stored.reducer.length > 0) jobs.setReducer(job, stored.reducer.slice());
    const { runs } = stored;
    if (runs !== null) {
      const { attempts, dueMs, delayMs, losses, details, handle = NO_BYTES } = runs;
      const errors = decodeErrors(details);
      const lasting = handle.length === 0 ? null : latin1(handle, 0, handle.length);
      const kept = { ...NO_RUNS, attempts, dueMs, delayMs, errors, handle: lasting };
      jobs.restoreRuns(job, kept, losses);
      if (runs.isDead) {
        this.#index(fn, job, stored, true);
        this.#dead.push(job);
        return;
      }
    }
    this.#index(fn, job, stored, false);
    if (startMs > 0) this.#starts.set(job, startMs);
    if (this.#orders.length > 0 && order < (this.#orders.at(-1) as number)) this.#isOrdered = false;
    this.#jobs.push(job);
    this.#orders.push(order);
  }

  /** Makes the jobs that were taken since the last call runnable. */
  finish(): void {
    const jobs = this.#jobs;
    if (this.#isOrdered) for (const job of jobs) this.#ready(job);
    else {
      const orders = this.#orders;
      const positions = Uint32Array.from(jobs, (_, i) => i);
      positions.sort((a, b) => (orders[a] as number) - (orders[b] as number));
      for (const position of positions) this.#ready(jobs[position] as number);
    }
    this.#bury();
    jobs.length = 0;
    this.#orders.length = 0;
    this.#starts.clear();
  }

  #ready(job: number): void {
    const waitMs = retryWaitMs(this.#broker, job);
    if (waitMs > 0) this.#broker.jobs.becomeRetrying(job, this.#broker.nowMs + waitMs);
    else makeReady(this.#broker, job, this.#starts.get(job) ?? 0);
  }

  /** Dead jobs go into their lists in the order of their deaths; the next tick drops those beyond the limits. */
  #bury(): void {
    const { jobs } = this.#broker;
    for (const job of this.#dead.splice(0).sort((a, b) => jobs.diedAtMs(a) - jobs.diedAtMs(b))) {
      jobs.becomeDead(job);
      const { index } = jobs.functionOf(job);
      if (!jobs.deadTimes.has(index)) jobs.deadTimes.insert(index, 0);
    }
  }

  #functionOf(name: Uint8Array): FunctionQueue {
    const { functions, options } = this.#broker;
    const hash = hashBytes(name, 0, name.length, options.hashSeed);
    return (
      functions.find(name, 0, name.length, hash) ??
      this.#broker.addFunction(name, 0, name.length, hash)
    );
  }

  /** A dead job keeps its key for `kick`, but is not found by it. */
  #index(fn: FunctionQueue, job: number, stored: StoredJob, isDead: boolean): void {
    const { bytes, uniqueBytes, workloadBytes } = stored;
    const isByWorkload = uniqueBytes === 1 && bytes[stored.at] === DASH;
    if (uniqueBytes === 0 || (isByWorkload && workloadBytes === 0)) return;
    const at = isByWorkload ? stored.at + uniqueBytes : stored.at;
    const count = isByWorkload ? workloadBytes : uniqueBytes;
    const { uniques, options } = this.#broker;
    const hash = keyHash(fn.index, hashBytes(bytes, at, at + count, options.hashSeed));
    if (isDead) uniques.setKey(job, hash, isByWorkload);
    else if (uniques.find(fn, hash, bytes, at, count, 0, isByWorkload) === 0)
      uniques.add(job, hash, isByWorkload);
  }
}

/**
 * Restores the jobs of a store at start: into the table one by one, then into their queues in the order of their
 * submits. Rule: nothing is refused here, neither for a limit nor for a duplicate unique.
 */
import { hashBytes } from '../protocol/hash.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { FunctionQueue } from './functions.ts';
import { Flag } from './jobs.ts';
import type { BrokerState } from './state.ts';
import { makeReady } from './submit.ts';
import { keyHash } from './uniques.ts';

const DASH = 0x2d;

export class Restore {
  readonly #broker: BrokerState;
  readonly #jobs: number[] = [];
  readonly #orders: number[] = [];
  readonly #starts = new Map<number, number>();
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
    this.#index(fn, job, stored);
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
    jobs.length = 0;
    this.#orders.length = 0;
    this.#starts.clear();
  }

  #ready(job: number): void {
    makeReady(this.#broker, job, this.#starts.get(job) ?? 0);
  }

  #functionOf(name: Uint8Array): FunctionQueue {
    const { functions, options } = this.#broker;
    const hash = hashBytes(name, 0, name.length, options.hashSeed);
    return (
      functions.find(name, 0, name.length, hash) ??
      this.#broker.addFunction(name, 0, name.length, hash)
    );
  }

  #index(fn: FunctionQueue, job: number, stored: StoredJob): void {
    const { bytes, uniqueBytes, workloadBytes } = stored;
    const isByWorkload = uniqueBytes === 1 && bytes[stored.at] === DASH;
    if (uniqueBytes === 0 || (isByWorkload && workloadBytes === 0)) return;
    const at = isByWorkload ? stored.at + uniqueBytes : stored.at;
    const count = isByWorkload ? workloadBytes : uniqueBytes;
    const { uniques, options } = this.#broker;
    const hash = keyHash(fn.index, hashBytes(bytes, at, at + count, options.hashSeed));
    if (uniques.find(fn, hash, bytes, at, count, 0, isByWorkload) !== 0) return;
    uniques.add(job, hash, isByWorkload);
  }
}

/**
 * Jobs that a store kept over a restart: back into the table one by one, then into their queues in the order of their
 * submits. Rule: nothing is refused here, neither for a limit nor for a unique that is there twice.
 */
import { copyBytes } from '../base/bytes.ts';
import { hashBytes } from '../protocol/hash.ts';
import type { StoredJob } from '../store/store.ts';
import type { Broker } from './broker.ts';
import type { FunctionQueue } from './functions.ts';
import { Flag } from './jobs.ts';
import { makeReady } from './submit.ts';
import { keyHash } from './uniques.ts';

const DASH = 0x2d;

export class Restore {
  readonly #broker: Broker;
  readonly #jobs: number[] = [];
  readonly #orders: number[] = [];
  readonly #starts = new Map<number, number>();
  #isOrdered = true;
  #scratch = new Uint8Array(65536);

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** One kept job; `order` ascends with the time of its submit. */
  take(stored: StoredJob, reference: number, order: number): void {
    const { jobs, nowMs } = this.#broker;
    const { unique, workload, startMs } = stored;
    const fn = this.#functionOf(stored.functionName);
    const flags = (stored.priority << Flag.PRIORITY_SHIFT) | Flag.BACKGROUND;
    const bytes = this.#joined(unique, workload);
    const job = jobs.create(fn, flags, bytes, 0, unique.length, unique.length, workload.length, 0);
    jobs.stamp(job, nowMs);
    jobs.setReference(job, reference);
    if (stored.reducer.length > 0) jobs.setReducer(job, stored.reducer.slice());
    this.#index(fn, job, bytes, unique.length, workload.length);
    if (startMs > 0) this.#starts.set(job, startMs);
    if (this.#orders.length > 0 && order < (this.#orders.at(-1) as number)) this.#isOrdered = false;
    this.#jobs.push(job);
    this.#orders.push(order);
  }

  /** All have been taken: they may run. Returns how many there are. */
  finish(): number {
    const jobs = this.#jobs;
    if (this.#isOrdered) for (const job of jobs) this.#ready(job);
    else {
      const orders = this.#orders;
      const places = Uint32Array.from(jobs, (_, i) => i);
      places.sort((a, b) => (orders[a] as number) - (orders[b] as number));
      for (const place of places) this.#ready(jobs[place] as number);
    }
    return jobs.length;
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

  #index(
    fn: FunctionQueue,
    job: number,
    bytes: Uint8Array,
    uniqueBytes: number,
    workloadBytes: number,
  ): void {
    const isByWorkload = uniqueBytes === 1 && bytes[0] === DASH;
    if (uniqueBytes === 0 || (isByWorkload && workloadBytes === 0)) return;
    const at = isByWorkload ? uniqueBytes : 0;
    const count = isByWorkload ? workloadBytes : uniqueBytes;
    const { uniques, options } = this.#broker;
    const hash = keyHash(fn.index, hashBytes(bytes, at, at + count, options.hashSeed));
    if (uniques.find(fn, hash, bytes, at, count, 0, isByWorkload) !== 0) return;
    uniques.add(job, hash, isByWorkload);
  }

  /** Unique and workload behind each other; valid until the next call. */
  #joined(unique: Uint8Array, workload: Uint8Array): Uint8Array {
    const byteCount = unique.length + workload.length;
    if (this.#scratch.length < byteCount) this.#scratch = new Uint8Array(byteCount);
    const at = copyBytes(this.#scratch, 0, unique, 0, unique.length);
    copyBytes(this.#scratch, at, workload, 0, workload.length);
    return this.#scratch;
  }
}

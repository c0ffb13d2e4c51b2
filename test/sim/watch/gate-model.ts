/**
 * A second opinion on the gates of one broker: counts runs and starts by itself. A rate is checked from above only,
 * and that the time of the next start comes.
 */
import { latin1 } from '../../../src/base/bytes.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { FunctionQueue } from '../../../src/broker/functions.ts';
import type { RunPolicy } from '../../../src/policy/run-policy.ts';
import { ensureGate, type Policies, type Wanted } from '../server/policies.ts';
import { ensure } from '../transcript.ts';

/** How much a rate may make up for. */
const LATE_MS = 100;
const SLACK = 1e-3;

interface Starts {
  /** When the rate began to hold. */
  sinceMs: number;
  /** Monotonic times, oldest first. */
  atMs: number[];
}

export class GateModel {
  readonly #broker: Broker;
  readonly #policies: Policies;
  /** By index of the function. */
  readonly #running = new Map<number, number>();
  /** By name. */
  readonly #settings = new Map<string, Wanted>();
  readonly #starts = new Map<string, Starts>();

  constructor(broker: Broker, policies: Policies) {
    this.#broker = broker;
    this.#policies = policies;
    const { settings } = broker;
    const set = settings.set.bind(settings);
    settings.set = (name, changed) => {
      this.#change(name, changed);
      return set(name, changed);
    };
    const drop = settings.delete.bind(settings);
    settings.delete = (name) => {
      this.#settings.delete(name);
      this.#starts.delete(name);
      return drop(name);
    };
    const addFunction = broker.addFunction.bind(broker);
    broker.addFunction = (bytes, start, count, hash) => {
      this.#restart(latin1(bytes, start, start + count));
      return addFunction(bytes, start, count, hash);
    };
  }

  /** A run begins. */
  start(index: number): void {
    const name = this.nameOf(index);
    const { nowMs } = this.#broker;
    this.#ensureSettled(name);
    ensure(this.room(index) > 0, () => `a job of ${name} starts although its gate is closed`);
    this.#running.set(index, this.running(index) + 1);
    const settings = this.#settings.get(name);
    if (settings === undefined || settings.intervalMs === 0) return;
    const { intervalMs, burst } = settings;
    const { atMs } = this.#starts.get(name) as Starts;
    atMs.push(nowMs);
    for (const [before, firstMs] of atMs.entries()) {
      const count = atMs.length - before;
      const most = burst + (nowMs - firstMs + LATE_MS) / intervalMs + SLACK;
      ensure(count <= most, () => `${count} jobs of ${name} start in ${nowMs - firstMs} ms`);
    }
  }

  /** A run has ended, or was taken from its worker. */
  end(index: number): void {
    this.#running.set(index, this.running(index) - 1);
  }

  running(index: number): number {
    return this.#running.get(index) ?? 0;
  }

  /** Jobs that concurrency and pause let start now. */
  room(index: number): number {
    const settings = this.#settings.get(this.nameOf(index));
    if (settings === undefined) return Number.POSITIVE_INFINITY;
    if (settings.isPaused) return 0;
    const { concurrency } = settings;
    return concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency - this.running(index);
  }

  /** What happens to a run that fails. */
  runsOf(index: number): RunPolicy | null {
    return this.#settings.get(this.nameOf(index))?.runs ?? null;
  }

  /** Whether its rate may close it. */
  hasRate(index: number): boolean {
    return (this.#settings.get(this.nameOf(index))?.intervalMs ?? 0) > 0;
  }

  /** A submit makes a new job. */
  submitted(index: number): void {
    const name = this.nameOf(index);
    this.#ensureSettled(name);
    ensure(
      this.#settings.get(name)?.isDraining !== true,
      () => `${name} drains, and takes a new job`,
    );
  }

  /** Checks how many jobs the broker lets start of a function with `waiting` queued ones, and when it lets more. */
  check(fn: FunctionQueue, waiting: number): void {
    const name = this.nameOf(fn.index);
    const room = Math.max(0, this.room(fn.index));
    const open = Math.min(waiting, room);
    const dueMs = this.#broker.jobs.gateOpenings.atOf(fn.index);
    const isDue = dueMs !== Number.POSITIVE_INFINITY;
    if (!this.hasRate(fn.index)) {
      ensure(fn.open === open, () => `${fn.open} jobs of ${name} may start, must be ${open}`);
      ensure(!isDue, () => `${name} waits for ${dueMs} without a rate`);
      return;
    }
    ensure(fn.open <= open, () => `${fn.open} jobs of ${name} may start, at most ${open}`);
    if (open === 0 || fn.open > 0) return;
    const { sinceMs, atMs } = this.#starts.get(name) as Starts;
    const { intervalMs } = this.#settings.get(name) as Wanted;
    const lastMs = atMs.at(-1) ?? sinceMs;
    ensure(
      dueMs <= lastMs + intervalMs + SLACK,
      () => `${waiting} jobs of ${name} wait for ${dueMs}, the last one started at ${lastMs}`,
    );
  }

  /** Nothing is under way: all gates are what operators want. */
  checkAll(names: readonly string[]): void {
    for (const name of names) this.#ensureSettled(name);
  }

  #change(name: string, settings: Wanted): void {
    const before = this.#settings.get(name);
    this.#settings.set(name, settings);
    const isSame = before?.intervalMs === settings.intervalMs && before.burst === settings.burst;
    if (!isSame) this.#restart(name);
  }

  #restart(name: string): void {
    this.#starts.set(name, { sinceMs: this.#broker.nowMs, atMs: [] });
  }

  #ensureSettled(name: string): void {
    const wanted = this.#policies.surely(name);
    if (wanted !== undefined) ensureGate(name, this.#settings.get(name), wanted);
  }

  nameOf(index: number): string {
    const { name } = this.#broker.functions.at(index) as FunctionQueue;
    return latin1(name, 0, name.length);
  }
}

/**
 * Functions of a shard: queue heads by priority, sleepers, counts, limits; and the look-up by name.
 * Rule: only this table keeps names. A function stays until `drop function`, as in gearmand.
 */
import { equalBytes, ownCopy, withView } from '../base/bytes.ts';
import { Steps } from '../base/steps.ts';
import type { RunPolicy } from '../policy/run-policy.ts';
import type { DeadJobs } from './dead-jobs.ts';
import type { Gate, GateState } from './gate.ts';

export const PRIORITY_COUNT = 3;
/** The table remembers so many risen levels; a power of two. */
export const RISES_KEPT = 4096;

/** The fields of a peer that a function reads. Implemented by `Peer`. */
export interface LinkedPeer {
  readonly index: number;
  readonly waking: number;
  readonly sleptAs: number;
  readonly isManyFunction: boolean;
}

/** A peer's offer of one function, as the function's lists contain it. Implemented by `Ability`. */
export interface AbilityLink {
  /** Null when the peer has withdrawn everything or is gone, and the function has not been updated yet. */
  readonly peer: LinkedPeer | null;
  /** Neighbours among the function's sleepers, longest sleeper first. */
  previous: AbilityLink | null;
  next: AbilityLink | null;
  isListed: boolean;
  /** Number of the sleep in which it was put into the list of sleepers. */
  sleptAs: number;
  /** Its position in `manyFunction` of the function. */
  manyFunctionAt: number;
}

/** One function. Jobs are linked by number (JobTable), workers by object. */
export class FunctionQueue {
  readonly index: number;
  /** Owned copy of the name's bytes. */
  readonly name: Uint8Array;
  readonly hash: number;
  /** Next function with the same hash. */
  sameHash: FunctionQueue | null = null;

  /** First and last waiting job and their number, by priority. */
  readonly head = [0, 0, 0];
  readonly tail = [0, 0, 0];
  readonly waiting = [0, 0, 0];
  /** Queued jobs: the sum of `waiting`. */
  runnable = 0;
  /** Limits how many of them may start now; null for nearly all functions. */
  gate: Gate | null = null;
  /** What happens when a run fails; null for nearly all functions. */
  runPolicy: RunPolicy | null = null;
  /** Null for nearly all functions. */
  dead: DeadJobs | null = null;
  /** Runs of its jobs whose final packets workers owe that do not get these jobs until then (owed.ts). */
  owed = 0;
  /** Jobs that wait for their next run. */
  retrying = 0;
  /** Its position in `FunctionTable.served`. */
  servedAt = 0;
  /** Its value in `FunctionTable.levels`. */
  level = 0;
  /** Live jobs: waiting, scheduled, storing, assigned, waiting for their next run. */
  total = 0;
  assigned = 0;
  /** Jobs created since the function was created; ended jobs = created - total. */
  created = 0;
  /** First word of its row in `FunctionStats.counts`; 0 = counted with the rest. */
  countsAt = 0;
  /** --maxqueue by priority; 0 = no limit. */
  readonly queueMax = [0, 0, 0];

  /** Registrations, as `status` shows them. */
  registrations = 0;
  /** Few-function peers that offer it and are woken, or asleep. */
  woken = 0;
  sleeping = 0;
  firstSleeper: AbilityLink | null = null;
  lastSleeper: AbilityLink | null = null;
  /** Many-function peers that offer it, in no order; null for nearly all functions. */
  manyFunction: AbilityLink[] | null = null;
  /** Time (nowMs) from which on jobs have waited without any worker, or -1; for the log. */
  unservedSinceMs = -1;

  constructor(index: number, name: Uint8Array, hash: number) {
    this.index = index;
    this.name = name;
    this.hash = hash;
  }

  /** Jobs that GRABs could get now. */
  get open(): number {
    const { gate, runnable } = this;
    return gate === null ? runnable : Math.min(runnable, gate.room(this.assigned));
  }

  /** Whether and why its gate is closed; null without a gate. The rate counts only while jobs wait for it. */
  get gateState(): GateState | null {
    if (this.gate === null) return null;
    const state = this.gate.stateAt(this.assigned);
    return state === 'rate' && this.runnable === 0 ? 'open' : state;
  }

  /** `sleptAs` numbers the sleep; smaller means longer asleep. */
  addSleeper(ability: AbilityLink, sleptAs: number): void {
    if (ability.isListed) return;
    ability.isListed = true;
    ability.sleptAs = sleptAs;
    ability.previous = this.lastSleeper;
    ability.next = null;
    if (this.lastSleeper === null) this.firstSleeper = ability;
    else this.lastSleeper.next = ability;
    this.lastSleeper = ability;
    this.sleeping++;
  }

  removeSleeper(ability: AbilityLink): void {
    if (!ability.isListed) return;
    ability.isListed = false;
    if (ability.previous === null) this.firstSleeper = ability.next;
    else ability.previous.next = ability.next;
    if (ability.next === null) this.lastSleeper = ability.previous;
    else ability.next.previous = ability.previous;
    ability.previous = null;
    ability.next = null;
    this.sleeping--;
  }

  addManyFunction(ability: AbilityLink): void {
    this.manyFunction ??= [];
    ability.manyFunctionAt = this.manyFunction.length;
    this.manyFunction.push(ability);
  }

  /** Removes it from `manyFunction`; the last entry takes its position. */
  removeManyFunction(ability: AbilityLink): void {
    const manyFunction = this.manyFunction as AbilityLink[];
    const last = manyFunction.pop() as AbilityLink;
    if (last !== ability) {
      manyFunction[ability.manyFunctionAt] = last;
      last.manyFunctionAt = ability.manyFunctionAt;
    }
    if (manyFunction.length === 0) this.manyFunction = null;
  }
}

/** Functions by name and by index. Indexes start at 1; a dropped function's index is used again. */
export class FunctionTable {
  readonly #byHash = new Map<number, FunctionQueue>();
  readonly #byIndex: (FunctionQueue | null)[] = [null];
  readonly #free: number[] = [];
  #last: FunctionQueue | null = null;
  /** Highest priority that could be got now by function index: 0 none, 1 low, 2 normal, 3 high. Grows by doubling. */
  levels: Uint8Array = new Uint8Array(64);
  /** Functions with jobs that could be got now, in no order. */
  readonly served: FunctionQueue[] = [];
  /** Number of functions by level. */
  readonly #levelCounts = [0, 0, 0, 0];
  /** Indexes of functions whose level has risen; rise number n of `riseCount` is at n modulo RISES_KEPT. */
  readonly rises: Int32Array = new Int32Array(RISES_KEPT);
  riseCount = 0;
  /** Counts the cost of searching functions. */
  readonly steps: Steps;

  constructor(steps = new Steps()) {
    this.steps = steps;
  }

  get count(): number {
    return this.#byIndex.length - 1 - this.#free.length;
  }

  /** All indexes of functions are below this; for listings. */
  get indexEnd(): number {
    return this.#byIndex.length;
  }

  at(index: number): FunctionQueue | null {
    return this.#byIndex[index] ?? null;
  }

  /** The function named `bytes[start, start + count)` with that `hash`, or null. */
  find(bytes: Uint8Array, start: number, count: number, hash: number): FunctionQueue | null {
    const last = this.#last;
    if (last !== null && last.hash === hash && isNamed(last, bytes, start, count)) return last;
    let fn = this.#byHash.get(hash) ?? null;
    while (fn !== null && !isNamed(fn, bytes, start, count)) fn = fn.sameHash;
    if (fn !== null) this.#last = fn;
    return fn;
  }

  /** Adds a function that `find` did not find; copies its name. */
  add(bytes: Uint8Array, start: number, count: number, hash: number): FunctionQueue {
    const index = this.#free.pop() ?? this.#byIndex.length;
    const fn = new FunctionQueue(index, withView(ownCopy(bytes, start, start + count)), hash);
    fn.sameHash = this.#byHash.get(hash) ?? null;
    this.#byHash.set(hash, fn);
    this.#byIndex[index] = fn;
    if (index >= this.levels.length) {
      const grown = new Uint8Array(this.levels.length * 2);
      grown.set(this.levels);
      this.levels = grown;
    }
    return fn;
  }

  /** The highest level of all functions. */
  get level(): number {
    const counts = this.#levelCounts;
    return (counts[3] as number) > 0
      ? 3
      : (counts[2] as number) > 0
        ? 2
        : (counts[1] as number) > 0
          ? 1
          : 0;
  }

  /** Sets the function's highest priority that could be got now; see `levels`. */
  setLevel(fn: FunctionQueue, level: number): void {
    const before = fn.level;
    if (level === before) return;
    const { levels, served } = this;
    const counts = this.#levelCounts;
    counts[before] = (counts[before] as number) - 1;
    counts[level] = (counts[level] as number) + 1;
    levels[fn.index] = level;
    fn.level = level;
    if (level > before) this.rises[this.riseCount++ & (RISES_KEPT - 1)] = fn.index;
    if (before === 0 && level !== 0) fn.servedAt = served.push(fn) - 1;
    else if (before !== 0 && level === 0) {
      const last = served.pop() as FunctionQueue;
      if (last === fn) return;
      served[fn.servedAt] = last;
      last.servedAt = fn.servedAt;
    }
  }

  /** Forgets a function that has neither jobs nor workers. */
  drop(fn: FunctionQueue): void {
    if (this.#last === fn) this.#last = null;
    this.#byIndex[fn.index] = null;
    this.#free.push(fn.index);
    this.setLevel(fn, 0);
    const first = this.#byHash.get(fn.hash) as FunctionQueue;
    if (first === fn) {
      if (fn.sameHash === null) this.#byHash.delete(fn.hash);
      else this.#byHash.set(fn.hash, fn.sameHash);
      return;
    }
    let before = first;
    while (before.sameHash !== fn) before = before.sameHash as FunctionQueue;
    before.sameHash = fn.sameHash;
  }
}

function isNamed(fn: FunctionQueue, bytes: Uint8Array, start: number, count: number): boolean {
  return fn.name.length === count && equalBytes(fn.name, 0, bytes, start, count);
}

/**
 * Waking of sleeping workers. Invariant after every event, for each function:
 *   woken >= min(open * perJob, woken + sleeping), a peer counting in each of its functions;
 * The longest sleepers are woken, and no more than the invariant needs. A woken peer that has not come within the
 * wake-up delay no longer counts, so that no job waits for one stuck worker. Source: docs/design.md, section 1.
 *
 * Each function counts and lists the few-function peers that offer it. A many-function peer, which offers very many,
 * is neither counted nor listed: its sleep and its wake cost one word, and balancing a function reads all such peers
 * that offer it. When many of its functions have jobs they are visited in slices (looks.ts), and the invariant holds
 * again after the last slice.
 */
import { ROW_STEPS } from '../base/steps.ts';
import { firstFor } from './first-job.ts';
import type { AbilityLink, FunctionQueue, FunctionTable } from './functions.ts';
import type { Jobs } from './jobs.ts';
import { Looks } from './looks.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import { Waking } from './peer.ts';

/**
 * A few-function peer offers at most so many functions. With more, touching each of them costs more than reading a few
 * dozen peers.
 */
const FEW_FUNCTIONS_MAX = 128;
/** At most so many functions of a many-function peer are visited within the event. */
const LOOKS_AT_ONCE = 1024;

interface Wake {
  readonly peer: Peer;
  readonly sleepSerial: number;
  readonly dueMs: number;
}

export class Waker {
  readonly #outbox: Outbox;
  readonly #delayMs: number;
  readonly #perJob: number;
  readonly #functions: FunctionTable;
  readonly #jobs: Jobs;
  readonly #fewFunctionsMax: number;
  readonly looks: Looks;
  readonly #balanceNow = (fn: FunctionQueue) => this.balance(fn, this.#nowMs);
  #nowMs = 0;
  /** Sleeping many-function peers. */
  #manyFunctionSleepers = 0;
  /** Counts the sleeps of all peers, for their order. */
  #sleeps = 0;
  /** Pending wakes, oldest first. All have the same delay, so they become due in this order. */
  #wakes: Wake[] = [];
  #firstWake = 0;

  /**
   * `perJob`: sleepers to wake for each runnable job, at least 1. `fewFunctionsMax`: functions of a few-function peer
   * at most.
   */
  constructor(
    outbox: Outbox,
    functions: FunctionTable,
    jobs: Jobs,
    delayMs: number,
    perJob: number,
    fewFunctionsMax = FEW_FUNCTIONS_MAX,
  ) {
    this.#outbox = outbox;
    this.#functions = functions;
    this.looks = new Looks(functions);
    this.#jobs = jobs;
    this.#fewFunctionsMax = fewFunctionsMax;
    this.#delayMs = delayMs;
    this.#perJob = perJob;
  }

  /** Wakes as many sleepers of `fn` as its runnable jobs need. */
  balance(fn: FunctionQueue, nowMs: number): void {
    const wanted = fn.open * this.#perJob;
    if (fn.owed > 0) this.#balanceOwed(fn, wanted, nowMs);
    else if (fn.manyFunction === null)
      while (fn.woken < wanted && fn.firstSleeper !== null)
        this.#wake(fn.firstSleeper.peer as Peer, nowMs);
    else while (this.#wakeOne(fn, fn.manyFunction, wanted, nowMs));
  }

  /**
   * Balances every function that `peer` offers: at once when there are few, or when few functions have jobs; otherwise
   * in slices (`look`).
   */
  balanceAll(peer: Peer, nowMs: number): void {
    const { abilities } = peer;
    // Nothing is runnable in the whole shard.
    if (abilities === null || this.#jobs.level === 0) return;
    const { served, levels, steps } = this.#functions;
    if (!peer.isManyFunction) {
      for (const ability of abilities.values()) this.balance(ability.fn, nowMs);
      steps.count += abilities.size;
    } else if (abilities.areFewServed(this.#functions)) {
      for (const fn of served) if (abilities.get(fn.index) !== undefined) this.balance(fn, nowMs);
      steps.count += served.length * ROW_STEPS;
    } else if (abilities.size <= LOOKS_AT_ONCE) {
      const { indexes, size } = abilities;
      for (let at = 0; at < size; at++) {
        if (levels[indexes[at] as number] === 0) continue;
        this.balance(abilities.at(at).fn, nowMs);
        steps.count += ROW_STEPS;
      }
      steps.count += size;
    } else this.looks.add(abilities);
  }

  /** Continues with the slices until the turn has cost `stepsMax`. */
  look(stepsMax: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.looks.run(stepsMax, this.#balanceNow);
  }

  /** PRE_SLEEP: from now on the peer may be woken; at once if there are jobs for which no peer was woken. */
  sleep(peer: Peer, sleepSerial: number, nowMs: number): void {
    const before = peer.waking;
    peer.sleepSerial = sleepSerial;
    // Asleep already: its functions need no peer, or would have woken it.
    if (before === Waking.sleeping) return;
    if (before === Waking.woken) this.#uncount(peer);
    peer.waking = Waking.sleeping;
    peer.sleptAs = ++this.#sleeps;
    this.#list(peer);
    this.balanceAll(peer, nowMs);
  }

  /**
   * At GRAB, CANT_DO and the end of the connection: the peer is awake. Returns true if it had been woken; then call
   * `balanceAll` for it when the event has taken effect.
   */
  markAwake(peer: Peer): boolean {
    const before = peer.waking;
    if (before === Waking.awake) return false;
    peer.waking = Waking.awake;
    if (before === Waking.sleeping) this.#unlist(peer);
    if (before !== Waking.woken) return false;
    this.#uncount(peer);
    return true;
  }

  /** Call when a sleeping or woken peer begins to offer a function: it counts at once. */
  join(peer: Peer, fn: FunctionQueue, nowMs: number): void {
    const ability = peer.ability(fn.index);
    if (ability === undefined || ability.registrations > 1) return;
    if (peer.isManyFunction) fn.addManyFunction(ability);
    else if (peer.waking === Waking.woken) fn.woken++;
    else if (peer.waking === Waking.sleeping) fn.addSleeper(ability, ++this.#sleeps);
    if (!peer.isManyFunction && peer.offered().size > this.#fewFunctionsMax)
      this.#becomeManyFunction(peer);
    if (peer.waking === Waking.sleeping) this.balance(fn, nowMs);
  }

  /** The peer no longer offers `fn`; call before the ability is removed. */
  leave(peer: Peer, fn: FunctionQueue): void {
    const ability = peer.ability(fn.index);
    if (ability === undefined) return;
    if (peer.isManyFunction) {
      fn.removeManyFunction(ability);
      if (peer.offered().size === 1) this.detach(peer);
    } else if (peer.waking === Waking.woken) fn.woken--;
    else fn.removeSleeper(ability);
  }

  /** The peer is no longer a many-function peer; returns whether it was one. Its functions still list it. */
  detach(peer: Peer): boolean {
    if (!peer.isManyFunction) return false;
    if (peer.waking === Waking.sleeping) this.#manyFunctionSleepers--;
    peer.isManyFunction = false;
    return true;
  }

  /** Stops waiting for peers that were woken and did not come; the next sleepers are woken instead. */
  tick(nowMs: number): void {
    while (this.nextDueMs() <= nowMs) {
      const wake = this.#wakes[this.#firstWake++] as Wake;
      if (!isPending(wake)) continue;
      this.#uncount(wake.peer);
      wake.peer.waking = Waking.stuck;
      this.balanceAll(wake.peer, nowMs);
    }
  }

  /** When `tick` is due, or Infinity. */
  nextDueMs(): number {
    while (this.#firstWake < this.#wakes.length) {
      const wake = this.#wakes[this.#firstWake] as Wake;
      if (isPending(wake)) return wake.dueMs;
      this.#firstWake++;
    }
    // Runs every turn: a new array is cheaper than a change of length, and an empty one stays as it is.
    if (this.#firstWake > 0) this.#wakes = [];
    this.#firstWake = 0;
    return Number.POSITIVE_INFINITY;
  }

  /**
   * Wakes the longest sleeper among the many-function peers of a function, if its jobs need one more. Linear in those
   * peers; no cost while no peer sleeps.
   */
  #wakeOne(
    fn: FunctionQueue,
    manyFunction: readonly AbilityLink[],
    wanted: number,
    nowMs: number,
  ): boolean {
    const fewFunction = fn.firstSleeper;
    if (fn.woken >= wanted || (fewFunction === null && this.#manyFunctionSleepers === 0))
      return false;
    let woken = fn.woken;
    let longest = fewFunction?.peer ?? null;
    let since = fewFunction?.sleptAs ?? Number.POSITIVE_INFINITY;
    this.#functions.steps.count += manyFunction.length;
    for (const { peer } of manyFunction) {
      if (peer === null) continue;
      if (peer.waking === Waking.woken) woken++;
      else if (peer.waking === Waking.sleeping && peer.sleptAs < since) {
        longest = peer;
        since = peer.sleptAs;
      }
    }
    if (longest === null || woken >= wanted) return false;
    this.#wake(longest as Peer, nowMs);
    return true;
  }

  /** As `balance`, of a function with jobs that some peers do not get: these are woken only for others. Linear in its peers. */
  #balanceOwed(fn: FunctionQueue, wanted: number, nowMs: number): void {
    if (wanted === 0) return;
    const sleepers: AbilityLink[] = [];
    for (let ability = fn.firstSleeper; ability !== null; ability = ability.next)
      sleepers.push(ability);
    let { woken } = fn;
    for (const ability of fn.manyFunction ?? []) {
      if (ability.peer?.waking === Waking.woken) woken++;
      else if (ability.peer?.waking === Waking.sleeping) sleepers.push(ability);
    }
    this.#functions.steps.count += sleepers.length;
    const sleptAs = ({ sleptAs, peer }: AbilityLink) =>
      peer?.isManyFunction === true ? peer.sleptAs : sleptAs;
    if (fn.manyFunction !== null) sleepers.sort((a, b) => sleptAs(a) - sleptAs(b));
    for (const { peer } of sleepers) {
      if (woken >= wanted) return;
      if (firstFor(this.#jobs, peer as Peer, fn) === 0) continue;
      woken++;
      this.#wake(peer as Peer, nowMs);
    }
  }

  #wake(peer: Peer, nowMs: number): void {
    this.#unlist(peer);
    peer.waking = Waking.woken;
    this.#count(peer);
    this.#outbox.wake(peer);
    this.#remember({ peer, sleepSerial: peer.sleepSerial, dueMs: nowMs + this.#delayMs });
  }

  /** Makes the peer a many-function peer: its functions no longer count it. */
  #becomeManyFunction(peer: Peer): void {
    if (peer.waking === Waking.woken) this.#uncount(peer);
    else if (peer.waking === Waking.sleeping) this.#unlist(peer);
    peer.isManyFunction = true;
    for (const ability of peer.offered().values()) ability.fn.addManyFunction(ability);
    if (peer.waking === Waking.sleeping) this.#list(peer);
  }

  #remember(wake: Wake): void {
    // Most wakes are answered long before they are due: answered ones are dropped from time to time, so that a busy
    // server keeps no more of them than it has workers.
    if (this.#wakes.length - this.#firstWake >= 1024 && (this.#wakes.length & 1023) === 0) {
      this.#wakes = this.#wakes.slice(this.#firstWake).filter(isPending);
      this.#firstWake = 0;
    }
    this.#wakes.push(wake);
  }

  #count(peer: Peer): void {
    if (peer.isManyFunction || peer.abilities === null) return;
    for (const ability of peer.abilities.values()) ability.fn.woken++;
  }

  #uncount(peer: Peer): void {
    if (peer.isManyFunction || peer.abilities === null) return;
    for (const ability of peer.abilities.values()) ability.fn.woken--;
  }

  #list(peer: Peer): void {
    if (peer.isManyFunction) this.#manyFunctionSleepers++;
    else if (peer.abilities !== null)
      for (const ability of peer.abilities.values()) ability.fn.addSleeper(ability, peer.sleptAs);
  }

  #unlist(peer: Peer): void {
    if (peer.isManyFunction) this.#manyFunctionSleepers--;
    else if (peer.abilities !== null)
      for (const ability of peer.abilities.values()) ability.fn.removeSleeper(ability);
  }
}

function isPending(wake: Wake): boolean {
  return wake.peer.waking === Waking.woken && wake.peer.sleepSerial === wake.sleepSerial;
}

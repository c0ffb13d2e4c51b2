/**
 * Waking of sleeping workers. Invariant after every event, for each function:
 *   woken >= min(runnable * perJob, woken + sleeping), a peer counting in each of its functions;
 * woken are the longest sleepers, never one more than this asks. A woken peer that has not come within the wake-up
 * delay no longer counts, so that no job waits for one stuck worker. Source: design rules, section 1.
 */
import type { FunctionQueue } from './functions.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import { Waking } from './peer.ts';

interface Wake {
  readonly peer: Peer;
  readonly sleepSerial: number;
  readonly dueMs: number;
}

export class Waker {
  readonly #outbox: Outbox;
  readonly #delayMs: number;
  readonly #perJob: number;
  /** Wakes under way, oldest first: all have the same delay, so order of wake is order of due time. */
  #wakes: Wake[] = [];
  #firstWake = 0;

  /** `perJob`: sleepers to wake for each runnable job, at least 1. */
  constructor(outbox: Outbox, delayMs: number, perJob: number) {
    this.#outbox = outbox;
    this.#delayMs = delayMs;
    this.#perJob = perJob;
  }

  /** Wakes as many sleepers of `fn` as its runnable jobs ask for. */
  balance(fn: FunctionQueue, nowMs: number): void {
    const wanted = fn.runnable * this.#perJob;
    while (fn.woken < wanted && fn.firstSleeper !== null) this.#wake(fn.firstSleeper.peer, nowMs);
  }

  /** Looks at every function that `peer` offers. Linear in these. */
  balanceAll(peer: Peer, nowMs: number): void {
    if (peer.abilities === null) return;
    for (const ability of peer.abilities.values()) this.balance(ability.fn, nowMs);
  }

  /** PRE_SLEEP: from now on the peer is to be woken; at once if jobs are there that nobody was woken for. */
  sleep(peer: Peer, sleepSerial: number, nowMs: number): void {
    const wasWoken = peer.waking === Waking.woken;
    if (wasWoken) this.#uncount(peer);
    peer.sleepSerial = sleepSerial;
    peer.waking = Waking.sleeping;
    if (peer.abilities === null) return;
    for (const ability of peer.abilities.values()) ability.fn.addSleeper(ability);
    this.balanceAll(peer, nowMs);
  }

  /**
   * GRAB, CANT_DO, gone: the peer is awake. True when it had been woken: then its functions must be looked at again
   * (`balanceAll`) once the event has taken effect.
   */
  rouse(peer: Peer): boolean {
    const before = peer.waking;
    if (before === Waking.awake) return false;
    peer.waking = Waking.awake;
    if (before === Waking.sleeping) this.#unlist(peer);
    if (before !== Waking.woken) return false;
    this.#uncount(peer);
    return true;
  }

  /** A function that a sleeping or woken peer begins to offer counts at once. */
  join(peer: Peer, fn: FunctionQueue, nowMs: number): void {
    const ability = peer.ability(fn.index);
    if (ability === undefined || ability.registrations > 1) return;
    if (peer.waking === Waking.woken) fn.woken++;
    else if (peer.waking === Waking.sleeping) {
      fn.addSleeper(ability);
      this.balance(fn, nowMs);
    }
  }

  /** The peer no longer offers `fn`; call before the ability is removed. */
  leave(peer: Peer, fn: FunctionQueue): void {
    const ability = peer.ability(fn.index);
    if (ability === undefined) return;
    if (peer.waking === Waking.woken) fn.woken--;
    else fn.removeSleeper(ability);
  }

  /** Gives up on peers that were woken and did not come; the next sleepers are woken in their place. */
  tick(nowMs: number): void {
    while (this.nextDueMs() <= nowMs) {
      const wake = this.#wakes[this.#firstWake++] as Wake;
      if (!isPending(wake)) continue;
      this.#uncount(wake.peer);
      wake.peer.waking = Waking.stuck;
      this.balanceAll(wake.peer, nowMs);
    }
  }

  /** When `tick` has something to do, or Infinity. */
  nextDueMs(): number {
    while (this.#firstWake < this.#wakes.length) {
      const wake = this.#wakes[this.#firstWake] as Wake;
      if (isPending(wake)) return wake.dueMs;
      this.#firstWake++;
    }
    // Asked every turn: a new array is cheaper than a change of length, and an empty one stays as it is.
    if (this.#firstWake > 0) this.#wakes = [];
    this.#firstWake = 0;
    return Number.POSITIVE_INFINITY;
  }

  #wake(peer: Peer, nowMs: number): void {
    this.#unlist(peer);
    peer.waking = Waking.woken;
    for (const ability of (peer.abilities as NonNullable<typeof peer.abilities>).values())
      ability.fn.woken++;
    this.#outbox.wake(peer);
    this.#remember({ peer, sleepSerial: peer.sleepSerial, dueMs: nowMs + this.#delayMs });
  }

  #remember(wake: Wake): void {
    // Most wakes are answered long before they are due: drop the answered ones now and then, so that a busy
    // server keeps no more of them than it has workers.
    if (this.#wakes.length - this.#firstWake >= 1024 && (this.#wakes.length & 1023) === 0) {
      this.#wakes = this.#wakes.slice(this.#firstWake).filter(isPending);
      this.#firstWake = 0;
    }
    this.#wakes.push(wake);
  }

  #uncount(peer: Peer): void {
    if (peer.abilities === null) return;
    for (const ability of peer.abilities.values()) ability.fn.woken--;
  }

  #unlist(peer: Peer): void {
    if (peer.abilities === null) return;
    for (const ability of peer.abilities.values()) ability.fn.removeSleeper(ability);
  }
}

function isPending(wake: Wake): boolean {
  return wake.peer.waking === Waking.woken && wake.peer.sleepSerial === wake.sleepSerial;
}

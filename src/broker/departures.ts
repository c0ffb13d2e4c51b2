/**
 * Peers that have gone, and workers that withdraw all their functions. The state to remove may be large, so only the
 * first steps are done at once; the rest follows in slices, turn by turn. Meanwhile such a peer gets no jobs and no
 * wakes, and counts are out of date: `status` still shows its workers and jobs.
 */
import { ROW_STEPS } from '../base/steps.ts';
import type { Abilities } from './abilities.ts';
import type { Ability } from './ability.ts';
import { Kept } from './kept.ts';
import { lose, unwatch } from './loss.ts';
import type { Peer } from './peer.ts';
import type { BrokerState } from './state.ts';

/** Steps of a departure that are done at once: some thousand rows. */
const FIRST_STEPS = 16_384;

interface Departure {
  /** The withdrawn offers; those from position `left` on have been removed. */
  readonly offered: Abilities | null;
  readonly isManyFunction: boolean;
  left: number;
  /**
   * Functions before this position must still be balanced: the peer had been woken, so other peers may have to be woken
   * instead.
   */
  unbalanced: number;
  /** The peer, if its jobs and watches are removed too; null when the peer stays. */
  readonly gone: Peer | null;
}

export class Departures {
  readonly #broker: BrokerState;
  readonly #queue: Departure[] = [];

  constructor(broker: BrokerState) {
    this.#broker = broker;
  }

  get isPending(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * Withdraws all offers of `peer`, which must not be listed as a sleeper. With `isGone` its connection has ended too,
   * and the peer itself is removed at the end.
   */
  add(peer: Peer, wasWoken: boolean, isGone: boolean): void {
    const { account, steps, waker } = this.#broker;
    const offered = peer.abilities;
    const isManyFunction = waker.detach(peer);
    const left = offered?.size ?? 0;
    if (offered !== null) offered.peer = null;
    peer.abilities = null;
    account.keep(peer, -left * Kept.ABILITY);
    const unbalanced = wasWoken ? left : 0;
    const departure = { offered, isManyFunction, left, unbalanced, gone: isGone ? peer : null };
    if (!this.#slice(departure, steps.count + FIRST_STEPS)) this.#queue.push(departure);
  }

  /** Continues each departure by some steps, until the turn has cost `stepsMax`. */
  run(stepsMax: number): void {
    const { steps } = this.#broker;
    while (this.#queue.length > 0 && steps.count < stepsMax) {
      const departure = this.#queue.shift() as Departure;
      const isDone = this.#slice(departure, Math.min(stepsMax, steps.count + FIRST_STEPS));
      if (!isDone) this.#queue.push(departure);
    }
  }

  /** True when nothing is left to do. */
  #slice(departure: Departure, stepsMax: number): boolean {
    const { offered, gone } = departure;
    const { account, steps, waker, nowMs, peers } = this.#broker;
    for (; departure.left > 0 && steps.count < stepsMax; steps.count += ROW_STEPS)
      if (offered !== null) remove(offered.at(--departure.left), departure.isManyFunction);
    if (departure.left > 0) return false;
    // Its watches first, so that no job is requeued and wakes workers only to be dropped.
    if (gone !== null && !(this.#unwatch(gone, stepsMax) && this.#lose(gone, stepsMax)))
      return false;
    for (; departure.unbalanced > 0 && steps.count < stepsMax; steps.count += ROW_STEPS) {
      const ability = offered?.at(--departure.unbalanced);
      if (ability !== undefined) waker.balance(ability.fn, nowMs);
    }
    if (departure.unbalanced > 0) return false;
    if (gone !== null) {
      peers.remove(gone);
      account.giveUp(gone);
    }
    return true;
  }

  #unwatch(gone: Peer, stepsMax: number): boolean {
    const { steps } = this.#broker;
    for (; gone.watchedJob !== 0; steps.count += ROW_STEPS) {
      if (steps.count >= stepsMax) return false;
      unwatch(this.#broker, gone.watchedJob, gone);
    }
    for (const job of gone.extraWatches?.keys() ?? []) {
      if (steps.count >= stepsMax) return false;
      unwatch(this.#broker, job, gone);
      steps.count += ROW_STEPS;
    }
    return true;
  }

  #lose(gone: Peer, stepsMax: number): boolean {
    const { steps } = this.#broker;
    for (; gone.heldJob !== 0; steps.count += ROW_STEPS) {
      if (steps.count >= stepsMax) return false;
      lose(this.#broker, gone.heldJob);
    }
    return true;
  }
}

function remove(ability: Ability, isManyFunction: boolean): void {
  const { fn, registrations } = ability;
  fn.registrations -= registrations;
  if (isManyFunction) fn.removeManyFunction(ability);
}

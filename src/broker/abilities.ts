/**
 * The functions that one peer offers, in the order in which a GRAB looks at them: newest registration first, and with
 * rotation the one served last goes to the end. A scan reads one byte a function, or goes over the few that have jobs;
 * everything else is O(1) amortised.
 *
 *   order  [ . . end-of-list ... c b a newest . . ]     scanned from `#top` down to `#bottom`; 0 is a hole
 */
import { REGISTRATIONS_MAX } from '../protocol/limits.ts';
import type { FunctionQueue, FunctionTable } from './functions.ts';
import type { Peer } from './peer.ts';

/** Looking a function up among those offered costs so many times as much as reading its byte in a scan. */
const LOOK_UP_COST = 8;

/** What one peer offers of one function: also its place among the function's sleepers. */
export class Ability {
  readonly peer: Peer;
  readonly fn: FunctionQueue;
  /** CAN_DO_TIMEOUT of the newest registration in milliseconds; 0 = none. */
  timeoutMs = 0;
  /** Registered twice is listed and counted twice, up to REGISTRATIONS_MAX. */
  registrations = 0;
  /** Links of the function's sleepers, longest sleeper first. */
  previous: Ability | null = null;
  next: Ability | null = null;
  isListed = false;
  /** Number of the sleep for which it is listed. */
  sleptAs = 0;
  /** Its place among the function's broad peers. */
  broadAt = 0;
  /** Where its first registration is in the order. */
  orderAt = 0;

  constructor(peer: Peer, fn: FunctionQueue) {
    this.peer = peer;
    this.fn = fn;
  }
}

export class Abilities {
  readonly #byFunction = new Map<number, Ability>();
  /** Function indexes; holes are 0. Live entries lie in [bottom, top). */
  #order = new Int32Array(8);
  #bottom = 4;
  #top = 4;
  #live = 0;
  /** Entries of removed registrations are still in the order. */
  #isStale = false;

  get(functionIndex: number): Ability | undefined {
    return this.#byFunction.get(functionIndex);
  }

  values(): IterableIterator<Ability> {
    return this.#byFunction.values();
  }

  /** Functions offered, each once. */
  get size(): number {
    return this.#byFunction.size;
  }

  /** Adds one registration at the front; of one function at most REGISTRATIONS_MAX, the newest, are kept. */
  add(peer: Peer, fn: FunctionQueue, timeoutMs: number): Ability {
    // Before the new one counts: an entry of a removed registration must not be taken for it.
    if (this.#top === this.#order.length) this.#recentre();
    let ability = this.#byFunction.get(fn.index);
    if (ability === undefined) {
      ability = new Ability(peer, fn);
      this.#byFunction.set(fn.index, ability);
    }
    ability.timeoutMs = timeoutMs;
    ability.orderAt = this.#top;
    this.#order[this.#top++] = fn.index;
    if (ability.registrations < REGISTRATIONS_MAX) {
      ability.registrations++;
      this.#live++;
    } else this.#isStale = true;
    return ability;
  }

  /** Removes all registrations of a function. O(1); the next scan pays for it. */
  remove(ability: Ability): void {
    this.#byFunction.delete(ability.fn.index);
    // A pass for each removal would make dropping n functions O(n^2): the next scan clears them all at once.
    this.#live -= ability.registrations;
    ability.registrations = 0;
    this.#isStale = true;
  }

  clear(): void {
    this.#byFunction.clear();
    this.#order = new Int32Array(8);
    this.#bottom = 4;
    this.#top = 4;
    this.#live = 0;
    this.#isStale = false;
  }

  /**
   * The function that a GRAB is served from, or undefined when none is runnable: the first of the highest level, or the
   * first that reaches `enough`, at least 1. `rotates`: what was chosen goes to the end of the order.
   */
  choose(functions: FunctionTable, enough: number, rotates: boolean): Ability | undefined {
    const chosen = this.#first(functions, enough);
    if (chosen !== undefined && rotates && this.#live > 1) this.#rotate(chosen);
    return chosen;
  }

  /** Whether any function offered has a runnable job. */
  isServed(functions: FunctionTable): boolean {
    return this.#first(functions, 1) !== undefined;
  }

  /** Calls `visit` for each function offered that has a runnable job, perhaps more than once. */
  forEachServed(functions: FunctionTable, visit: (fn: FunctionQueue) => void): void {
    if (this.#areFewServed(functions)) {
      for (const fn of functions.served) if (this.#byFunction.has(fn.index)) visit(fn);
      return;
    }
    const order = this.#order;
    for (let at = this.#bottom; at < this.#top; at++) {
      const index = order[at] as number;
      if (functions.levels[index] === 0) continue;
      const ability = this.#byFunction.get(index);
      if (ability !== undefined) visit(ability.fn);
    }
  }

  #areFewServed({ served }: FunctionTable): boolean {
    return served.length * LOOK_UP_COST < this.#top - this.#bottom;
  }

  #first(functions: FunctionTable, enough: number): Ability | undefined {
    if (this.#isStale) this.#recentre();
    return this.#areFewServed(functions)
      ? this.#firstOfServed(functions, enough)
      : this.#firstOfAll(functions.levels, enough);
  }

  #firstOfAll(levels: Uint8Array, enough: number): Ability | undefined {
    const order = this.#order;
    let best = 0;
    let bestAt = -1;
    for (let at = this.#top - 1; at >= this.#bottom; at--) {
      const level = levels[order[at] as number] as number;
      if (level <= best) continue;
      best = level;
      bestAt = at;
      if (level >= enough) break;
    }
    return bestAt < 0 ? undefined : this.#byFunction.get(order[bestAt] as number);
  }

  #firstOfServed({ served, levels }: FunctionTable, enough: number): Ability | undefined {
    let best = 0;
    let first: Ability | undefined;
    for (const { index } of served) {
      const level = Math.min(enough, levels[index] as number);
      if (level < best) continue;
      const ability = this.#byFunction.get(index);
      if (ability === undefined) continue;
      if (first !== undefined && level === best && ability.orderAt < first.orderAt) continue;
      best = level;
      first = ability;
    }
    return first;
  }

  /** Its first registration becomes the last of all. */
  #rotate(ability: Ability): void {
    const { index } = ability.fn;
    const order = this.#order;
    let at = ability.orderAt;
    order[at] = 0;
    if (at === this.#top - 1) this.#top--;
    if (ability.registrations > 1) {
      while (order[at] !== index) at--;
      ability.orderAt = at;
    }
    // Every scan passes the holes, so they stay few.
    const areHolesMany = this.#top - this.#bottom > this.#live + (this.#live >> 2) + 8;
    if (this.#bottom === 0 || areHolesMany) this.#recentre();
    this.#order[--this.#bottom] = index;
    if (ability.registrations === 1) ability.orderAt = this.#bottom;
  }

  /** Drops the holes and puts the entries into the middle of an array with room on both sides. */
  #recentre(): void {
    const old = this.#order;
    const capacity = Math.max(8, this.#live * 3 + 6);
    const order = new Int32Array(capacity);
    const seen = new Map<number, number>();
    let at = capacity - ((capacity - this.#live) >> 1) - 1;
    const top = at + 1;
    for (let from = this.#top - 1; from >= this.#bottom; from--) {
      const index = old[from] as number;
      const ability = index === 0 ? undefined : this.#byFunction.get(index);
      if (ability === undefined) continue;
      // Entries of an earlier, removed registration may still lie behind the newer ones: keep as many as are live.
      const count = (seen.get(index) ?? 0) + 1;
      if (count > ability.registrations) continue;
      seen.set(index, count);
      if (count === 1) ability.orderAt = at;
      order[at--] = index;
    }
    this.#isStale = false;
    this.#order = order;
    this.#bottom = at + 1;
    this.#top = top;
  }
}

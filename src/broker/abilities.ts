/**
 * The functions that one peer offers, in the order in which a GRAB considers them: newest registration first; with
 * rotation, the function served last goes to the end. Every registration has a number, and greater numbers come first.
 * Therefore a change moves no other entry: registering, removing and rotating are O(1) for few functions, O(log n) for
 * many.
 *
 *   indexes  | 7 | 3 | 9 |     function indexes in no order; the ability of each is at the same place of a list
 */
import type { Steps } from '../base/steps.ts';
import { REGISTRATIONS_MAX } from '../protocol/limits.ts';
import { Ability } from './ability.ts';
import type { FunctionQueue, FunctionTable, LinkedPeer } from './functions.ts';
import { ReadyFunctions } from './ready-functions.ts';

/** If the shard has at most so many functions with jobs, they are looked up one by one. */
const FEW_SERVED = 16;
/** Looking up one offered function costs as much as reading so many bytes of levels. */
const LOOK_UP_STEPS = 8;
/**
 * A GRAB of a peer with at most so many functions reads one byte for each. For peers with more functions, the functions
 * with jobs are tracked.
 */
const FEW_OFFERED = 128;

export class Abilities {
  /** Null when all offers have been withdrawn (departures.ts). */
  peer: LinkedPeer | null;
  /** Function indexes; those below `size` count. Replaced when it grows. */
  indexes: Int32Array = new Int32Array(4);
  /** Functions before this position are still to be balanced (looks.ts); 0 = none. */
  lookEnd = 0;
  #list: Ability[] = [];
  readonly #byFunction = new Map<number, Ability>();
  #registrations = 0;
  #newest = 0;
  #last = 0;
  #ready: ReadyFunctions | null = null;

  constructor(peer: LinkedPeer) {
    this.peer = peer;
  }

  get(functionIndex: number): Ability | undefined {
    return this.#byFunction.get(functionIndex);
  }

  /** The ability at a position below `size`. */
  at(position: number): Ability {
    return this.#list[position] as Ability;
  }

  values(): readonly Ability[] {
    return this.#list;
  }

  /** Functions offered, each once. */
  get size(): number {
    return this.#list.length;
  }

  /** Adds one registration at the front; keeps the newest REGISTRATIONS_MAX of one function. */
  add(fn: FunctionQueue, timeoutMs: number): Ability {
    const ability = this.#byFunction.get(fn.index) ?? this.#append(fn);
    ability.timeoutMs = timeoutMs;
    if (ability.registrations > 0) {
      ability.older ??= [];
      ability.older.unshift(ability.order);
    }
    ability.order = ++this.#newest;
    if (ability.registrations === REGISTRATIONS_MAX) ability.older?.pop();
    else {
      ability.registrations++;
      this.#registrations++;
    }
    this.#ready?.put(ability);
    return ability;
  }

  /** Removes all registrations of a function; the last entry of the list takes its position. */
  remove(ability: Ability): void {
    this.#ready?.take(ability);
    this.#byFunction.delete(ability.fn.index);
    this.#registrations -= ability.registrations;
    ability.registrations = 0;
    const last = this.#list.pop() as Ability;
    if (last === ability) return;
    this.#list[ability.at] = last;
    this.indexes[ability.at] = last.fn.index;
    last.at = ability.at;
  }

  /**
   * The function that a GRAB is served from, or undefined when none is runnable: the first of the highest level, or
   * the first that reaches `enough`, at least 1. With `rotates` it moves to the end of the order.
   */
  choose(functions: FunctionTable, enough: number, rotates: boolean): Ability | undefined {
    const chosen = this.#first(functions, enough);
    if (chosen !== undefined && rotates && this.#registrations > 1) this.#rotate(chosen);
    return chosen;
  }

  /** As `choose`, with levels that `levelOf` gives instead of those of the table. Linear in the functions. */
  chooseBy(
    levelOf: (fn: FunctionQueue) => number,
    steps: Steps,
    enough: number,
    rotates: boolean,
  ): Ability | undefined {
    let best = 0;
    let chosen: Ability | undefined;
    for (const ability of this.#list) {
      const level = Math.min(enough, levelOf(ability.fn));
      if (level === 0 || level < best) continue;
      if (chosen !== undefined && level === best && ability.order < chosen.order) continue;
      best = level;
      chosen = ability;
    }
    steps.count += this.size * LOOK_UP_STEPS;
    if (chosen !== undefined && rotates && this.#registrations > 1) this.#rotate(chosen);
    return chosen;
  }

  /** Whether any function offered has a runnable job. */
  isServed(functions: FunctionTable): boolean {
    return this.#first(functions, 1) !== undefined;
  }

  /**
   * Whether only few functions of the shard have jobs, so that looking them up is faster than reading all offered
   * functions.
   */
  areFewServed({ served }: FunctionTable): boolean {
    return served.length <= FEW_SERVED && served.length * LOOK_UP_STEPS < this.size;
  }

  #append(fn: FunctionQueue): Ability {
    const ability = new Ability(this, fn);
    this.#byFunction.set(fn.index, ability);
    ability.at = this.#list.length;
    // Most peers offer one function: an array that has grown keeps room for sixteen more.
    if (ability.at === 0) this.#list = [ability];
    else this.#list.push(ability);
    if (ability.at === this.indexes.length) {
      const grown = new Int32Array(this.indexes.length * 2);
      grown.set(this.indexes);
      this.indexes = grown;
    }
    this.indexes[ability.at] = fn.index;
    return ability;
  }

  #first(functions: FunctionTable, enough: number): Ability | undefined {
    if (this.areFewServed(functions)) return this.#firstOfServed(functions, enough);
    if (this.#ready === null) {
      if (this.size <= FEW_OFFERED) return this.#firstOfAll(functions, enough);
      this.#ready = new ReadyFunctions();
    }
    this.#ready.catchUp(this, functions);
    return this.#ready.first(functions, enough);
  }

  #firstOfAll({ levels, steps }: FunctionTable, enough: number): Ability | undefined {
    const { indexes, size } = this;
    let best = 1;
    let first: Ability | undefined;
    for (let at = 0; at < size; at++) {
      const level = levels[indexes[at] as number] as number;
      if (level < best) continue;
      const ability = this.#list[at] as Ability;
      const isBetter = level > best && best < enough;
      if (first !== undefined && !isBetter && ability.order < first.order) continue;
      best = level < enough ? level : enough;
      first = ability;
    }
    steps.count += size;
    return first;
  }

  #firstOfServed({ served, levels, steps }: FunctionTable, enough: number): Ability | undefined {
    let best = 0;
    let first: Ability | undefined;
    for (const { index } of served) {
      const level = Math.min(enough, levels[index] as number);
      if (level < best) continue;
      const ability = this.#byFunction.get(index);
      if (ability === undefined) continue;
      if (first !== undefined && level === best && ability.order < first.order) continue;
      best = level;
      first = ability;
    }
    steps.count += served.length * LOOK_UP_STEPS;
    return first;
  }

  /** Moves the first registration of the function to the end of the order. */
  #rotate(ability: Ability): void {
    const { older } = ability;
    const order = --this.#last;
    if (older === null || older.length === 0) ability.order = order;
    else {
      older.push(order);
      ability.order = older.shift() as number;
    }
    this.#ready?.reorder(ability);
  }
}

/**
 * Peers with very many functions that are no longer woken: for each of their functions with jobs, the next sleeper may
 * have to be woken. Their functions are visited in slices, one peer after the other; a peer that is added again
 * meanwhile starts over instead of being queued twice, so the length of a turn does not depend on the number of peers
 * and requests.
 */
import { ROW_STEPS } from '../base/steps.ts';
import type { Abilities } from './abilities.ts';
import type { FunctionQueue, FunctionTable } from './functions.ts';

/** Steps in a row for one peer. */
const SLICE_STEPS = 16_384;

export class Looks {
  readonly #functions: FunctionTable;
  #queue: Abilities[] = [];

  constructor(functions: FunctionTable) {
    this.#functions = functions;
  }

  get isPending(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * Queues all functions that the peer offers now for a visit. Functions that it registers later are balanced at once.
   */
  add(offered: Abilities): void {
    if (offered.lookEnd === 0) this.#queue.push(offered);
    offered.lookEnd = offered.size;
  }

  /** Calls `visit` for functions with jobs until the turn has cost `stepsMax`. */
  run(stepsMax: number, visit: (fn: FunctionQueue) => void): void {
    const { steps } = this.#functions;
    while (this.#queue.length > 0 && steps.count < stepsMax) {
      const offered = this.#queue.shift() as Abilities;
      this.#slice(offered, Math.min(stepsMax, steps.count + SLICE_STEPS), visit);
      if (offered.lookEnd > 0) this.#queue.push(offered);
    }
  }

  /**
   * Visits entries from the last to the first: when an entry is removed, the last one takes its position, and that one
   * has been visited.
   */
  #slice(offered: Abilities, stepsMax: number, visit: (fn: FunctionQueue) => void): void {
    const { levels, steps } = this.#functions;
    let at = offered.peer === null ? 0 : Math.min(offered.lookEnd, offered.size);
    while (at > 0 && steps.count < stepsMax) {
      at--;
      steps.count++;
      if (levels[offered.indexes[at] as number] === 0) continue;
      steps.count += ROW_STEPS;
      visit(offered.at(at).fn);
    }
    offered.lookEnd = at;
  }
}

/**
 * Finds the functions with runnable jobs of a peer that offers many, so that a GRAB need not read all: three heaps by
 * level, the newest registration on top. Functions do not know their peers. So when a peer grabs, it reads which levels
 * have risen (FunctionTable.rises); it notices a fallen level when the ability comes to the top of its heap. Invariant
 * after `catchUp`: an ability whose function has level n > 0 is in heap n or in a higher one.
 */
import { ROW_STEPS } from '../base/steps.ts';
import type { Ability } from './ability.ts';
import { type FunctionTable, RISES_KEPT } from './functions.ts';

/** Looking up one offered function costs as much as reading so many bytes of levels. */
const LOOK_UP_STEPS = 8;
const LEVEL_MAX = 3;

/** All offers of one peer (Abilities): by position below `size`, and by function index. */
interface Offered {
  readonly size: number;
  /** Function indexes by position. */
  readonly indexes: Int32Array;
  at(position: number): Ability;
  get(functionIndex: number): Ability | undefined;
}

export class ReadyFunctions {
  /** By level; heap 0 stays empty. */
  readonly #heaps: Ability[][] = [[], [], [], []];
  /** Rises read so far. */
  #seen = Number.NEGATIVE_INFINITY;

  /**
   * Reads the levels that have risen since the last call: rise by rise, or in one pass over all functions when there
   * are many.
   */
  catchUp(offered: Offered, functions: FunctionTable): void {
    const { riseCount, rises, steps } = functions;
    const behind = riseCount - this.#seen;
    if (behind === 0) return;
    if (behind <= RISES_KEPT && behind * LOOK_UP_STEPS < offered.size) {
      for (let rise = this.#seen; rise < riseCount; rise++) {
        const ability = offered.get(rises[rise & (RISES_KEPT - 1)] as number);
        if (ability !== undefined) this.put(ability);
      }
      steps.count += behind * LOOK_UP_STEPS;
    } else this.#putAll(offered, functions);
    this.#seen = riseCount;
  }

  /**
   * Puts an ability into the heap of its function's level, unless it is in a higher heap. Call it also when the order
   * of the ability has changed.
   */
  put(ability: Ability): void {
    const { level } = ability.fn;
    if (ability.readyLevel >= level) {
      if (ability.readyLevel > 0) this.reorder(ability);
      return;
    }
    this.take(ability);
    const heap = this.#heaps[level] as Ability[];
    ability.readyLevel = level;
    heap.push(ability);
    siftUp(heap, heap.length - 1, ability);
  }

  /** Restores the heap after the order of the ability has changed. */
  reorder(ability: Ability): void {
    if (ability.readyLevel === 0) return;
    const heap = this.#heaps[ability.readyLevel] as Ability[];
    siftUp(heap, ability.readyAt, ability);
    siftDown(heap, ability.readyAt, ability);
  }

  /** Removes an ability that is no longer offered, or that belongs to another heap. */
  take(ability: Ability): void {
    if (ability.readyLevel === 0) return;
    const heap = this.#heaps[ability.readyLevel] as Ability[];
    ability.readyLevel = 0;
    const last = heap.pop() as Ability;
    if (last === ability) return;
    siftUp(heap, ability.readyAt, last);
    siftDown(heap, last.readyAt, last);
  }

  /** The first ability of the highest level; levels from `enough` on count as equal. */
  first(functions: FunctionTable, enough: number): Ability | undefined {
    let best: Ability | undefined;
    for (let level = LEVEL_MAX; level > 0; level--) {
      const top = this.#top(functions, level);
      if (top !== undefined && (best === undefined || top.order > best.order)) best = top;
      if (best !== undefined && level <= enough) break;
    }
    return best;
  }

  #top(functions: FunctionTable, level: number): Ability | undefined {
    const heap = this.#heaps[level] as Ability[];
    while (heap.length > 0) {
      const top = heap[0] as Ability;
      if (top.fn.level === level) return top;
      this.take(top);
      if (top.fn.level > 0) this.put(top);
      functions.steps.count += ROW_STEPS;
    }
    return undefined;
  }

  #putAll(offered: Offered, { levels, steps }: FunctionTable): void {
    const { indexes, size } = offered;
    steps.count += size;
    for (let at = 0; at < size; at++) {
      if (levels[indexes[at] as number] === 0) continue;
      this.put(offered.at(at));
      steps.count += ROW_STEPS;
    }
  }
}

/** Puts `ability` at `at` or above it, below no ability of a smaller order. */
function siftUp(heap: Ability[], at: number, ability: Ability): void {
  const { order } = ability;
  let position = at;
  while (position > 0) {
    const parent = heap[(position - 1) >> 1] as Ability;
    if (parent.order >= order) break;
    heap[position] = parent;
    parent.readyAt = position;
    position = (position - 1) >> 1;
  }
  heap[position] = ability;
  ability.readyAt = position;
}

/** Puts `ability` at `at` or below it, above no ability of a greater order. */
function siftDown(heap: Ability[], at: number, ability: Ability): void {
  const { order } = ability;
  let position = at;
  for (let child = position * 2 + 1; child < heap.length; child = position * 2 + 1) {
    const right = heap[child + 1];
    if (right !== undefined && right.order > (heap[child] as Ability).order) child++;
    const greater = heap[child] as Ability;
    if (greater.order <= order) break;
    heap[position] = greater;
    greater.readyAt = position;
    position = child;
  }
  heap[position] = ability;
  ability.readyAt = position;
}

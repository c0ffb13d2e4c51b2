/**
 * A set of threads, kept as one number, for example the owners whose functions a connection has named, those that
 * believe it asleep, or those that were asked. Rule: only this file knows the representation, so that destinations
 * which are not threads can be added here.
 */

declare const BRAND: unique symbol;

/** Threads 0 to 31, a bit each. Sets are values: a change makes a new one. */
export type ThreadSet = number & { readonly [BRAND]: true };

export const NO_THREADS = 0 as ThreadSet;

export function hasThread(set: ThreadSet, thread: number): boolean {
  return (set & (1 << thread)) !== 0;
}

export function withThread(set: ThreadSet, thread: number): ThreadSet {
  return (set | (1 << thread)) as ThreadSet;
}

export function withoutThread(set: ThreadSet, thread: number): ThreadSet {
  return (set & ~(1 << thread)) as ThreadSet;
}

/** The lowest thread of a set, or -1: `for (let t = firstThread(s); t >= 0; t = nextThread(s, t))` walks it. */
export function firstThread(set: ThreadSet): number {
  return set === 0 ? -1 : 31 - Math.clz32(set & -set);
}

/** The lowest thread of a set above `thread`, or -1. */
export function nextThread(set: ThreadSet, thread: number): number {
  return firstThread((set & (-2 << thread)) as ThreadSet);
}

/** The thread of a set with one member; -1 for an empty set and for a larger one. */
export function soleThread(set: ThreadSet): number {
  return (set & (set - 1)) === 0 ? firstThread(set) : -1;
}

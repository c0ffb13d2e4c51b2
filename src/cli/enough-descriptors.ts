/**
 * Checks the limit of descriptors before Node's loader exceeds it: the loader opens the files of a module's imports at
 * the same time and ends with a stack when that fails. Rule: imports only modules of Node.js.
 */
import { readFileSync } from 'node:fs';

/**
 * Descriptors that a server needs, measured with Node.js 20: 79 to load and listen. Threads that start together on one
 * core need up to 51 each while they read their files, and 6 each afterwards.
 */
const BASE_COUNT = 88;
const THREAD_COUNT = 52;

/** Descriptors that the process may have; Infinity where the system does not say. */
function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The fewest descriptors for a server with so many threads. */
export function descriptorsNeeded(threads: number): number {
  return BASE_COUNT + THREAD_COUNT * threads;
}

/** A sentence that says why the limit is too low for so many threads; null when it is high enough. */
export function tooFewDescriptors(threads: number): string | null {
  const limit = descriptorLimit();
  const needed = descriptorsNeeded(threads);
  if (limit >= needed) return null;
  const forWhat = threads === 0 ? 'to start' : `for ${threads} threads`;
  return `the limit of descriptors is ${limit}, ${forWhat} ${needed} are needed (each thread ${THREAD_COUNT}): raise it with ulimit -n or LimitNOFILE=`;
}

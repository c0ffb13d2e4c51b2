/** Changes that the text protocol makes: functions created, dropped and limited, jobs cancelled. */

import type { FunctionQueue } from './functions.ts';
import { Kept, nameCost } from './kept.ts';
import type { BrokerState } from './state.ts';

/** Results by number; the number crosses rings. */
export const AdminResult = { done: 0, notFound: 1, isBusy: 2, refused: 3 } as const;

/** `create function NAME`. If the function exists already, the result is `done` too. */
export function createFunction(broker: BrokerState, name: Uint8Array, hash: number): number {
  if (broker.functions.find(name, 0, name.length, hash) !== null) return AdminResult.done;
  if (!broker.account.admits(Kept.FUNCTION + nameCost(name.length))) return AdminResult.refused;
  return broker.functionNamed(name, 0, name.length, hash) === null
    ? AdminResult.refused
    : AdminResult.done;
}

/** `drop function NAME`: only without workers and without jobs, live or dead, so that no job is ever orphaned. */
export function dropFunction(broker: BrokerState, name: Uint8Array, hash: number): number {
  const fn = broker.functions.find(name, 0, name.length, hash);
  if (fn === null) return AdminResult.notFound;
  if (fn.registrations > 0 || fn.total > 0 || hasDead(fn)) return AdminResult.isBusy;
  broker.forgetFunction(fn);
  return AdminResult.done;
}

/**
 * Frees memory when it is short: forgets functions without jobs, workers, queue limit and gate, among the `count` functions
 * from index `start` on. Returns the index to continue from, 0 at the end of the table.
 */
export function forgetIdle(broker: BrokerState, start: number, count: number): number {
  const { functions } = broker;
  const end = Math.min(functions.indexEnd, start + count);
  for (let index = start; index < end; index++) {
    const fn = functions.at(index);
    if (fn === null || fn.total > 0 || fn.registrations > 0 || hasDead(fn)) continue;
    // A gate knows when the next job may start.
    if (fn.gate === null && fn.queueMax.every((limit) => limit === 0)) broker.forgetFunction(fn);
  }
  return end === functions.indexEnd ? 0 : end;
}

function hasDead({ dead }: FunctionQueue): boolean {
  return dead !== null && dead.count > 0;
}

/** `maxqueue NAME ...`: greatest number of jobs by priority, 0 = no limit. An unknown function is not created. */
export function limitQueue(
  broker: BrokerState,
  name: Uint8Array,
  hash: number,
  high: number,
  normal: number,
  low: number,
): void {
  const fn = broker.functions.find(name, 0, name.length, hash);
  if (fn === null) return;
  fn.queueMax[0] = high;
  fn.queueMax[1] = normal;
  fn.queueMax[2] = low;
}

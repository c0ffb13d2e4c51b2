/** Changes that the text protocol makes: functions created, dropped and limited, jobs cancelled. */
import type { Broker } from './broker.ts';

/** Answers by number; the number crosses rings. */
export const AdminResult = { done: 0, notFound: 1, isBusy: 2, refused: 3 } as const;

/** `create function NAME`; done also when it exists. */
export function createFunction(broker: Broker, name: Uint8Array, hash: number): number {
  return broker.functionNamed(name, 0, name.length, hash) === null
    ? AdminResult.refused
    : AdminResult.done;
}

/** `drop function NAME`: only without workers and without jobs, so that no job is ever orphaned. */
export function dropFunction(broker: Broker, name: Uint8Array, hash: number): number {
  const fn = broker.functions.find(name, 0, name.length, hash);
  if (fn === null) return AdminResult.notFound;
  if (fn.registrations > 0 || fn.total > 0) return AdminResult.isBusy;
  broker.functions.drop(fn);
  broker.tally.close(fn);
  return AdminResult.done;
}

/** `maxqueue NAME ...`: greatest number of jobs by priority, 0 = no limit. An unknown function is not created. */
export function limitQueue(
  broker: Broker,
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

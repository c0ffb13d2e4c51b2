/**
 * How many jobs of one function a worker holds, for CANT_DO, which takes them away. Few are counted each time; of a
 * worker that holds many they are counted once and then kept up, or each CANT_DO would go over all of them.
 */
import { ROW_STEPS, type Steps } from '../base/steps.ts';
import type { FunctionQueue } from './functions.ts';
import type { JobRows } from './job-rows.ts';
import { Job } from './job-table.ts';
import type { Peer } from './peer.ts';

/** A worker that holds no more than these is not kept count of. */
const HELD_UNCOUNTED = 64;

/** Jobs of `fn` that `peer` holds. */
export function countHeld(jobs: JobRows, peer: Peer, fn: FunctionQueue, steps: Steps): number {
  if (peer.heldCounts === null) {
    const counts = new Map<number, number>();
    let held = 0;
    for (let job = peer.heldJob; job !== 0; job = jobs.word(job, Job.NEXT), held++)
      addHeld(counts, jobs.word(job, Job.FUNCTION), 1);
    steps.count += held * ROW_STEPS;
    if (held <= HELD_UNCOUNTED) return counts.get(fn.index) ?? 0;
    peer.heldCounts = counts;
  }
  return peer.heldCounts.get(fn.index) ?? 0;
}

/** Zeros leave, so that the map has no more entries than there are jobs. */
export function addHeld(counts: Map<number, number>, functionIndex: number, amount: number): void {
  const sum = (counts.get(functionIndex) ?? 0) + amount;
  if (sum === 0) counts.delete(functionIndex);
  else counts.set(functionIndex, sum);
}

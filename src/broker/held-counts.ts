/**
 * The number of jobs of one function that a worker holds. CANT_DO needs it, because it takes these jobs away. For a
 * worker with few jobs they are counted each time. For a worker with many jobs they are counted once and the counts are
 * kept up to date; otherwise each CANT_DO would read all jobs.
 */
import { ROW_STEPS, type Steps } from '../base/steps.ts';
import type { FunctionQueue } from './functions.ts';
import type { JobRows } from './job-rows.ts';
import { Job } from './job-table.ts';
import type { Peer } from './peer.ts';

/** No counts are kept for workers with at most so many jobs. */
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

/** Jobs that `peer` holds; no more than `max` are counted. */
export function countAllHeld(jobs: JobRows, peer: Peer, max: number, steps: Steps): number {
  let held = 0;
  for (let job = peer.heldJob; job !== 0 && held < max; job = jobs.word(job, Job.NEXT)) held++;
  steps.count += held * ROW_STEPS;
  return held;
}

/** Counts that become 0 are removed, so that the map never has more entries than the worker has jobs. */
export function addHeld(counts: Map<number, number>, functionIndex: number, amount: number): void {
  const sum = (counts.get(functionIndex) ?? 0) + amount;
  if (sum === 0) counts.delete(functionIndex);
  else counts.set(functionIndex, sum);
}

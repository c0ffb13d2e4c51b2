/** Which job of a function a worker gets: the first by priority, but none of which it owes a final packet (late.ts). */
import { type FunctionQueue, PRIORITY_COUNT } from './functions.ts';
import { Job } from './job-table.ts';
import type { Jobs } from './jobs.ts';
import type { Peer } from './peer.ts';

/** 0 when there is none, or when the gate of the function is closed. At most LATE_MAX jobs are passed over. */
export function firstFor(jobs: Jobs, peer: Peer, fn: FunctionQueue): number {
  if (fn.level === 0) return 0;
  for (let priority = 0; priority < PRIORITY_COUNT; priority++)
    for (let job = fn.head[priority] as number; job !== 0; job = jobs.word(job, Job.NEXT))
      if (peer.late?.owes(jobs.table.serial(job)) !== true) return job;
  return 0;
}

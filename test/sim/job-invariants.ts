/** What holds for the jobs of a broker between two events, found by walking the table. Throws SimFailure. */
import type { Broker } from '../../src/broker/broker.ts';
import { Job } from '../../src/broker/job-table.ts';
import { Flag } from '../../src/broker/jobs.ts';
import type { Peer } from '../../src/broker/peer.ts';
import { ensure } from './transcript.ts';

/** All jobs of a function by state, counted one by one. */
export interface Recount {
  total: number;
  assigned: number;
  retrying: number;
  readonly waiting: number[];
}

/** Job numbers, in the order of the table. */
export function liveJobs(broker: Broker): number[] {
  const found: number[] = [];
  const { table } = broker.jobs;
  for (let job = table.next(0); job !== 0; job = table.next(job)) found.push(job);
  return found;
}

/** Checks each job by itself; returns how many there are of each function and state. */
export function checkJobs(broker: Broker): Map<number, Recount> {
  const { jobs } = broker;
  const recounts = new Map<number, Recount>();
  const found = {
    jobs: 0,
    blocks: 0,
    uniques: 0,
    scheduled: 0,
    deadlines: 0,
    retrying: 0,
    dead: 0,
  };
  for (const job of liveJobs(broker)) {
    const fn = jobs.functionOf(job);
    ensure(fn !== null, () => `job ${job} has no function`);
    const recount = recounts.get(fn.index) ?? {
      total: 0,
      assigned: 0,
      retrying: 0,
      waiting: [0, 0, 0],
    };
    recounts.set(fn.index, recount);
    found.jobs++;
    const state = jobs.state(job);
    if (state !== Flag.DEAD) recount.total++;
    if (state === Flag.SCHEDULED) found.scheduled++;
    else if (state === Flag.ASSIGNED) recount.assigned++;
    else if (state === Flag.RETRYING) recount.retrying++;
    else if (state === Flag.DEAD) {
      found.dead++;
      ensure(!jobs.has(job, Flag.INDEXED), () => `dead job ${job} is in the unique index`);
    } else if (state === Flag.STORING || state === Flag.KEPT)
      ensure(jobs.has(job, Flag.STORED), () => `job ${job} is being stored, but not in the store`);
    else {
      ensure(state === Flag.QUEUED, () => `job ${job} has state ${state}`);
      const priority = jobs.priority(job);
      recount.waiting[priority] = (recount.waiting[priority] as number) + 1;
    }
    ensure(
      jobs.scheduled.has(job) === (state === Flag.SCHEDULED),
      () => `job ${job} of state ${state} and the heap of start times disagree`,
    );
    const isRetrying = state === Flag.RETRYING;
    if (isRetrying) found.retrying++;
    ensure(
      jobs.retryTimes.has(job) === isRetrying,
      () => `job ${job} of state ${state} and the heap of retries disagree`,
    );
    const isTimed = jobs.has(job, Flag.HAS_DEADLINE);
    if (isTimed) found.deadlines++;
    ensure(
      jobs.deadlines.has(job) === isTimed && (!isTimed || state === Flag.ASSIGNED),
      () => `job ${job} and the heap of deadlines disagree`,
    );
    if (jobs.word(job, Job.BLOCK) !== 0) found.blocks++;
    if (jobs.has(job, Flag.INDEXED)) {
      found.uniques++;
      ensure(findByUnique(broker, job) === job, () => `the unique of job ${job} is not found`);
    }
    checkWatchers(broker, job, state);
  }
  const kept = {
    jobs: jobs.table.count,
    blocks: jobs.slab.usedBlocks,
    uniques: broker.uniques.count,
    scheduled: jobs.scheduled.size,
    deadlines: jobs.deadlines.size,
    retrying: jobs.retryTimes.size,
    dead: jobs.dead,
  };
  ensureEqual('jobs', kept, found);
  return recounts;
}

/** The job that a submit with the same function and unique would coalesce with. */
function findByUnique(broker: Broker, job: number): number {
  const { jobs } = broker;
  const fn = jobs.functionOf(job);
  const hash = jobs.word(job, Job.UNIQUE_HASH);
  const uniqueBytes = jobs.word(job, Job.UNIQUE_BYTES);
  const workloadBytes = jobs.word(job, Job.WORKLOAD_BYTES);
  const block = jobs.word(job, Job.BLOCK);
  const chunk = jobs.slab.chunkOf(block);
  const at = jobs.slab.offsetOf(block);
  if (!jobs.has(job, Flag.BY_WORKLOAD))
    return broker.uniques.find(fn, hash, chunk, at, uniqueBytes, 0, false);
  const blob = jobs.word(job, Job.BLOB);
  return broker.uniques.find(fn, hash, chunk, at + uniqueBytes, workloadBytes, blob, true);
}

/** A job lives while somebody waits for it, it is a background job, or it only lives on in its worker's hands. */
function checkWatchers(broker: Broker, job: number, state: number): void {
  const { jobs } = broker;
  const watchers: Peer[] = [];
  let subscriptions = 0;
  jobs.watchers.forEach(job, (peer, count) => {
    watchers.push(peer);
    subscriptions += count;
  });
  ensure(
    subscriptions === jobs.watchers.count(job),
    () => `job ${job} has ${subscriptions} subscriptions, counts ${jobs.watchers.count(job)}`,
  );
  for (const peer of watchers) {
    ensure(broker.peers.at(peer.index) === peer, () => `job ${job} is watched by a peer that left`);
    const isFirst = jobs.word(job, Job.WATCHER) === peer.index;
    ensure(
      isFirst || peer.extraWatches?.has(job) === true,
      () => `job ${job} and its watcher ${peer.index} disagree`,
    );
  }
  const isIgnored = jobs.has(job, Flag.IGNORED);
  if (isIgnored)
    ensure(
      state === Flag.ASSIGNED && watchers.length === 0 && !jobs.has(job, Flag.INDEXED),
      () => `job ${job} is ignored in state ${state} with ${watchers.length} watchers`,
    );
  else
    ensure(
      watchers.length > 0 || jobs.has(job, Flag.BACKGROUND),
      () => `job ${job} lives and nobody waits for it`,
    );
}

/** Compares field by field. */
export function ensureEqual<T extends object>(what: string, kept: T, found: T): void {
  for (const key in kept)
    ensure(
      kept[key] === found[key],
      () => `${what}: kept ${JSON.stringify(kept)}, counted ${JSON.stringify(found)}`,
    );
}

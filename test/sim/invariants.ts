/**
 * What holds in a broker between two events, found by walking its structures: every count equals a recount, every link
 * leads back, every job is in exactly one place, and as many workers are woken as there are jobs for them.
 * Throws SimFailure; knows nothing of the simulation, so any test may call it.
 */
import type { Ability } from '../../src/broker/ability.ts';
import type { Broker } from '../../src/broker/broker.ts';
import {
  type AbilityLink,
  type FunctionQueue,
  PRIORITY_COUNT,
} from '../../src/broker/functions.ts';
import { Job } from '../../src/broker/job-table.ts';
import { Flag } from '../../src/broker/jobs.ts';
import { type Peer, Waking } from '../../src/broker/peer.ts';
import { checkJobs, ensureEqual, type Recount } from './job-invariants.ts';
import { ensure } from './transcript.ts';

/** Checks everything. Linear in jobs, peers and functions. */
export function checkBroker(broker: Broker): void {
  const peers = livePeers(broker);
  const recounts = checkJobs(broker);
  for (const fn of liveFunctions(broker)) {
    const recount = recounts.get(fn.index) ?? {
      total: 0,
      assigned: 0,
      retrying: 0,
      waiting: [0, 0, 0],
    };
    checkQueue(broker, fn, recount);
    checkSleepers(fn, peers);
    checkWaking(broker, fn, peers);
  }
  const held = sum(peers.map((peer) => checkPeer(broker, peer)));
  const assigned = sum([...recounts.values()].map((recount) => recount.assigned));
  ensure(held === assigned, () => `${assigned} jobs are assigned, workers hold ${held}`);
  checkLevel(broker, recounts);
}

/** Checks that nothing is left of any job or peer. */
export function checkEmpty(broker: Broker): void {
  const { jobs, peers, uniques } = broker;
  const left = {
    jobs: jobs.table.count,
    blocks: jobs.slab.usedBlocks,
    uniques: uniques.count,
    scheduled: jobs.scheduled.size,
    deadlines: jobs.deadlines.size,
    gateOpenings: jobs.gateOpenings.size,
    retryTimes: jobs.retryTimes.size,
    deadTimes: jobs.deadTimes.size,
    runs: jobs.runs.bytes,
    peers: peers.count,
    registrations: sum(liveFunctions(broker).map((fn) => fn.registrations)),
    sleeping: sum(liveFunctions(broker).map((fn) => fn.sleeping)),
    woken: sum(liveFunctions(broker).map((fn) => fn.woken)),
    manyFunction: sum(liveFunctions(broker).map((fn) => fn.manyFunction?.length ?? 0)),
  };
  ensure(
    Object.values(left).every((count) => count === 0),
    () => `left behind: ${JSON.stringify(left)}`,
  );
}

export function liveFunctions(broker: Broker): FunctionQueue[] {
  const found: FunctionQueue[] = [];
  for (let index = 1; index < broker.functions.indexEnd; index++) {
    const fn = broker.functions.at(index);
    if (fn !== null) found.push(fn);
  }
  return found;
}

export function livePeers(broker: Broker): Peer[] {
  const found: Peer[] = [];
  for (let index = 1; found.length < broker.peers.count; index++) {
    const peer = broker.peers.at(index) as Peer | null | undefined;
    ensure(peer !== undefined, () => `peer table counts ${broker.peers.count}, has fewer`);
    if (peer !== null) found.push(peer);
  }
  return found;
}

/** Queues are linked both ways and hold what the recount says. */
function checkQueue(broker: Broker, fn: FunctionQueue, recount: Recount): void {
  const { jobs } = broker;
  for (let priority = 0; priority < PRIORITY_COUNT; priority++) {
    let previous = 0;
    let count = 0;
    for (let job = fn.head[priority] as number; job !== 0; job = jobs.word(job, Job.NEXT)) {
      ensure(
        jobs.state(job) === Flag.QUEUED &&
          jobs.priority(job) === priority &&
          jobs.functionOf(job) === fn &&
          jobs.word(job, Job.PREV) === previous,
        () => `job ${job} is in the wrong queue or wrongly linked`,
      );
      previous = job;
      count++;
    }
    ensure(fn.tail[priority] === previous, () => `tail of queue ${fn.index}/${priority} is wrong`);
    ensureEqual(
      `queue ${fn.index}/${priority}`,
      { waiting: fn.waiting[priority], linked: count },
      { waiting: recount.waiting[priority], linked: recount.waiting[priority] },
    );
  }
  ensureEqual(
    `function ${fn.index}`,
    {
      total: fn.total,
      assigned: fn.assigned,
      retrying: fn.retrying,
      runnable: fn.runnable,
    },
    {
      total: recount.total,
      assigned: recount.assigned,
      retrying: recount.retrying,
      runnable: sum(recount.waiting),
    },
  );
}

function checkSleepers(fn: FunctionQueue, peers: readonly Peer[]): void {
  const listed = new Set<AbilityLink>();
  let previous: AbilityLink | null = null;
  for (let ability = fn.firstSleeper; ability !== null; ability = ability.next) {
    const peer = ability.peer as Peer;
    ensure(
      ability.isListed &&
        ability.previous === previous &&
        peer.ability(fn.index) === ability &&
        peer.waking === Waking.sleeping,
      () => `peer ${peer.index} is wrongly among the sleepers of function ${fn.index}`,
    );
    listed.add(ability);
    previous = ability;
  }
  ensure(fn.lastSleeper === previous, () => `last sleeper of function ${fn.index} is wrong`);
  const offering = peers.flatMap((peer) => peer.ability(fn.index) ?? []);
  const manyFunctionCount = offering.filter(({ peer }) => peer?.isManyFunction).length;
  const fewFunction = offering.filter(({ peer }) => !peer?.isManyFunction);
  for (const ability of fewFunction)
    ensure(
      listed.has(ability) === (ability.peer?.waking === Waking.sleeping),
      () => `peer ${ability.peer?.index} sleeps and is not listed for function ${fn.index}`,
    );
  for (const [place, ability] of (fn.manyFunction ?? []).entries())
    ensure(
      ability.peer?.isManyFunction === true &&
        ability.manyFunctionAt === place &&
        offering.includes(ability as Ability),
      () =>
        `peer ${ability.peer?.index} is wrongly among the many-function peers of function ${fn.index}`,
    );
  ensureEqual(
    `function ${fn.index}`,
    {
      sleeping: fn.sleeping,
      woken: fn.woken,
      manyFunction: fn.manyFunction?.length ?? 0,
      registrations: fn.registrations,
    },
    {
      sleeping: listed.size,
      woken: fewFunction.filter(({ peer }) => peer?.waking === Waking.woken).length,
      manyFunction: manyFunctionCount,
      registrations: sum(offering.map((ability) => ability.registrations)),
    },
  );
}

/** Whether a queued job of the function is one that the peer may get. */
export function mayServe(broker: Broker, peer: Peer, index: number): boolean {
  const { jobs } = broker;
  const { late } = peer;
  if (late === null) return true;
  for (let job = jobs.table.next(0); job !== 0; job = jobs.table.next(job)) {
    if (jobs.state(job) !== Flag.QUEUED || jobs.word(job, Job.FUNCTION) !== index) continue;
    if (!late.owes(jobs.table.serial(job))) return true;
  }
  return false;
}

/** The wake-up rule: woken >= min(open * perJob, woken + sleeping). */
function checkWaking(broker: Broker, fn: FunctionQueue, peers: readonly Peer[]): void {
  const offering = peers.filter((peer) => peer.ability(fn.index) !== undefined);
  const woken = offering.filter((peer) => peer.waking === Waking.woken).length;
  // A peer that owes the final packets of all its jobs needs no wake.
  const sleeping = offering.filter(
    (peer) =>
      peer.waking === Waking.sleeping && (fn.open === 0 || mayServe(broker, peer, fn.index)),
  ).length;
  const wanted = fn.open * broker.options.wakesPerJob;
  ensure(
    woken >= Math.min(wanted, woken + sleeping),
    () => `function ${fn.index}: ${fn.open} open, ${woken} woken, ${sleeping} asleep`,
  );
}

/** A peer's own lists of jobs lead to jobs that know it. Returns how many it holds. */
function checkPeer(broker: Broker, peer: Peer): number {
  const { jobs } = broker;
  let previous = 0;
  let held = 0;
  for (let job = peer.heldJob; job !== 0; job = jobs.word(job, Job.NEXT)) {
    ensure(
      jobs.state(job) === Flag.ASSIGNED &&
        jobs.word(job, Job.WORKER) === peer.index &&
        jobs.word(job, Job.PREV) === previous,
      () => `job ${job} is not properly held by peer ${peer.index}`,
    );
    previous = job;
    held++;
  }
  previous = 0;
  for (let job = peer.watchedJob; job !== 0; job = jobs.word(job, Job.WATCH_NEXT)) {
    ensure(
      jobs.word(job, Job.WATCHER) === peer.index && jobs.word(job, Job.WATCH_PREV) === previous,
      () => `job ${job} is not properly watched by peer ${peer.index}`,
    );
    previous = job;
  }
  for (const job of peer.extraWatches ?? []) {
    let isWatched = false;
    jobs.watchers.forEach(job, (watcher) => {
      if (watcher === peer) isWatched = true;
    });
    ensure(isWatched, () => `peer ${peer.index} thinks that it watches job ${job}`);
  }
  return held;
}

/** What the shard publishes for other threads, and what its functions publish for grabs. */
function checkLevel(broker: Broker, recounts: ReadonlyMap<number, Recount>): void {
  let highest = 0;
  for (const fn of liveFunctions(broker)) {
    const waiting = recounts.get(fn.index)?.waiting ?? [];
    const priority = waiting.findIndex((count) => count > 0);
    const level = fn.open === 0 ? 0 : PRIORITY_COUNT - priority;
    highest = Math.max(highest, level);
    ensure(
      broker.functions.levels[fn.index] === level,
      () => `function ${fn.index} publishes level ${broker.functions.levels[fn.index]}`,
    );
  }
  ensure(broker.jobs.level === highest, () => `level is ${broker.jobs.level}, not ${highest}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

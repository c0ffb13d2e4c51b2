/**
 * Brings a simulated server to rest (all bytes delivered, all records read, everybody answered, time standing still)
 * and checks what must hold there: nothing owed, nothing overlooked, nobody asleep who should be awake.
 */
import type { Random } from '../support/random.ts';
import type { SimPeer } from './peers/peer.ts';
import { Worker } from './peers/worker.ts';
import { locate } from './server/inspect.ts';
import type { SimThread } from './server/sim-thread.ts';
import type { World } from './server/world.ts';
import { checkSessionsAtRest } from './session-invariants.ts';
import { ensure } from './transcript.ts';

const ROUNDS_MAX = 2000;
/** A step of the wall clock is noticed within this time. */
const WALL_SLEEP_MS = 1000;

/** Runs everything that is due at this instant, in an order drawn from `random`. Peers hear, and do not act. */
export function settle(world: World, peers: readonly SimPeer[], random: Random): void {
  for (let round = 0; runRound(world, peers, random); round++)
    ensure(round < ROUNDS_MAX, () => `no rest: due are threads ${dueThreads(world)}`);
}

function runRound(world: World, peers: readonly SimPeer[], random: Random): boolean {
  let isBusy = false;
  const did = () => {
    isBusy = true;
  };
  for (const { link } of peers) {
    if (!link.hasOutgoing) continue;
    link.deliver(Number.POSITIVE_INFINITY);
    did();
  }
  for (const { run } of world.messages.splice(0)) {
    run();
    did();
  }
  for (const thread of world.living) {
    if (world.hub.rung.has(thread.index)) world.hearBell(thread);
    if (thread.timer !== null && thread.timer.atMs <= world.nowMs) world.fireTimer(thread);
  }
  for (const { files } of world.living) {
    if (files.isIdle) continue;
    files.run();
    did();
  }
  const due = world.living.filter((thread) => thread.isDue);
  while (due.length > 0) {
    world.run(due.splice(random.below(due.length), 1)[0] as SimThread);
    did();
  }
  for (const { link } of peers) {
    if (!link.hasIncoming) continue;
    link.receive();
    did();
  }
  return isBusy;
}

/** Checks a world that `takeOutcomes` has brought to rest. */
export function checkRest(world: World, peers: readonly SimPeer[]): void {
  for (const peer of peers) checkPeer(world, peer);
  checkSessionsAtRest(world.living.map((thread) => thread.core.table));
  for (const thread of world.living) {
    checkRings(world, thread);
    checkClock(world, thread);
  }
  ensure(
    world.deaths.every((death) => death.isOver),
    () => 'a shard has not been replaced',
  );
}

function checkPeer(world: World, peer: SimPeer): void {
  const { link } = peer;
  if (link.isClosed) return;
  ensure(link.leaving === null, () => `${link.name} has left and is not closed`);
  if (link.isDeaf) return;
  const [first] = link.owed;
  ensure(first === undefined, () => `${link.name} gets no answer to ${first?.label}`);
  // Nothing is on its way: an ERROR that may be left out was left out.
  link.expected.length = 0;
  const located = locate(world, link.socket);
  ensure(located !== null, () => `${link.name} has no session`);
  if (!(peer instanceof Worker)) return;
  // A NOOP may have crossed a later PRE_SLEEP: then only the peer takes itself for woken.
  const { isAsleep, isNooped } = located.session;
  ensure(
    isAsleep === peer.isAsleep && (!isAsleep || !isNooped || peer.isNooped),
    () => `${link.name} and the server disagree on its sleep`,
  );
}

function checkRings(world: World, thread: SimThread): void {
  const { writers, readers } = thread.rings;
  for (const other of world.living) {
    if (other === thread) continue;
    const writer = writers[other.index];
    const reader = other.rings.readers[thread.index];
    ensure(
      writer != null && writer.overflowBytes === 0 && writer.sent === reader?.received,
      () =>
        `ring ${thread.index} to ${other.index}: ${writer?.sent} sent, ${reader?.received} read`,
    );
  }
  const { table, broker } = thread.core;
  ensure(
    thread.rings.levelOf(thread.index) === (broker?.jobs.level ?? 0),
    () => `thread ${thread.index} publishes level ${thread.rings.levelOf(thread.index)}`,
  );
  ensure(
    world.plan.shardCount === 0 ||
      thread.rings.connectionsOf(thread.index) === table.connectionCount,
    () =>
      `thread ${thread.index} publishes ${thread.rings.connectionsOf(thread.index)} connections`,
  );
  readers.forEach((reader, from) => {
    ensure(reader?.isEmpty !== false, () => `ring ${from} to ${thread.index} is not read`);
  });
}

/** Whatever is due was done, and for whatever will be due there is a timer. */
function checkClock(world: World, thread: SimThread): void {
  const { broker } = thread.core;
  if (broker === null) return;
  const { deadlines, gateOpenings, retryTimes, scheduled } = broker.jobs;
  const dueMs = Math.min(
    deadlines.peekAt(),
    gateOpenings.peekAt(),
    retryTimes.peekAt(),
    broker.waker.nextDueMs(),
  );
  const isStoring = (thread.core.store?.health.uncommitted ?? 0) > 0;
  ensure(
    retryTimes.size === 0 || isStoring || retryTimes.peekAt() !== Number.POSITIVE_INFINITY,
    () => `thread ${thread.index} waits for a store that has nothing to do`,
  );
  ensure(dueMs > world.nowMs, () => `thread ${thread.index}: due since ${world.nowMs - dueMs} ms`);
  const timerMs = thread.timer?.atMs ?? Number.POSITIVE_INFINITY;
  ensure(
    timerMs <= dueMs || timerMs - world.nowMs > 2 ** 30,
    () => `thread ${thread.index} sleeps until ${timerMs}, due at ${dueMs}`,
  );
  if (scheduled.size === 0) return;
  const wasSet = world.nowMs - world.wallSetAtMs <= WALL_SLEEP_MS;
  ensure(
    // Timers count from fractions of a millisecond.
    scheduled.peekAt() >= world.wallMs || wasSet,
    () => `thread ${thread.index}: a job should run since ${world.wallMs - scheduled.peekAt()} ms`,
  );
  ensure(
    timerMs - world.nowMs < WALL_SLEEP_MS + 1,
    () => `thread ${thread.index} does not look at the wall clock for ${timerMs - world.nowMs} ms`,
  );
}

function dueThreads(world: World): string {
  return world.living
    .filter((thread) => thread.isDue)
    .map((thread) => thread.index)
    .join();
}

/**
 * What holds for the sessions of a thread: between two events, and, over all threads, when nothing is on its way.
 * Throws SimFailure.
 */
import { Flag } from '../../src/broker/jobs.ts';
import { type Peer, Waking } from '../../src/broker/peer.ts';
import { Control } from '../../src/protocol/batch.ts';
import { crossThreadJobKey, type Session } from '../../src/session/session.ts';
import type { SessionTable } from '../../src/session/session-table.ts';
import { livePeers } from './invariants.ts';
import { liveJobs } from './job-invariants.ts';
import { ensure } from './transcript.ts';

export function sessionsOf(table: SessionTable): Session[] {
  const found: Session[] = [];
  for (let slot = 0; slot < table.slotEnd; slot++) {
    const session = table.atSlot(slot);
    if (session !== null) found.push(session);
  }
  return found;
}

/** From now on, throws when a NOOP is sent to a connection that does not sleep, or for a sleep that is over. */
export function watchNoops(table: SessionTable): void {
  const noop = table.noop.bind(table);
  const { control } = table.reactor;
  table.noop = (session, sleepSerial) => {
    const { isAsleep, isNooped } = session;
    const before = control[Control.OUT_BYTES];
    noop(session, sleepSerial);
    ensure(
      control[Control.OUT_BYTES] === before ||
        (isAsleep && !isNooped && session.sleepSerial === sleepSerial),
      () => `connection ${session.conn} is sent a NOOP that it did not sleep for`,
    );
  };
}

/** Between two events of one thread. */
export function checkSessions(table: SessionTable): void {
  const sessions = sessionsOf(table);
  const { thread } = table.options;
  ensure(
    table.connectionCount === sessions.length,
    () => `thread ${thread} counts ${table.connectionCount} sessions, has ${sessions.length}`,
  );
  const peers = new Set<Peer>(table.crossThreadPeers.values());
  for (const session of sessions) {
    const { replies, peer } = session;
    ensure(
      replies === null || replies.front?.isFilled === false,
      () => `a reply that could leave is kept back on connection ${session.conn}`,
    );
    ensure(
      !session.isEnding || (peer === null && replies !== null),
      () => `connection ${session.conn} has ended and is still there`,
    );
    if (peer !== null) peers.add(peer);
  }
  const { broker } = table;
  if (broker === null) return;
  const known = livePeers(broker);
  ensure(
    known.length === peers.size && known.every((peer) => peers.has(peer)),
    () => `thread ${thread}: broker has ${known.length} peers, sessions account for ${peers.size}`,
  );
}

/** When nothing is on its way between threads, from peers or to peers. */
export function checkSessionsAtRest(tables: readonly SessionTable[]): void {
  for (const table of tables) {
    const { thread } = table.options;
    ensure(table.queries.count === 0, () => `thread ${thread} waits for answers`);
    ensure(table.continuations.length === 0, () => `thread ${thread} has work left`);
    for (const session of sessionsOf(table)) {
      const who = () => `thread ${thread}, connection ${session.conn}`;
      ensure(session.replies === null, () => `${who()}: replies are missing`);
      ensure(session.holds === 0, () => `${who()}: is held for ${session.holds}`);
      ensure(session.grab === null, () => `${who()}: a grab is under way`);
      for (const owner of tables) {
        checkSleepAt(owner, table, session);
        if (owner !== table) checkCrossThreadJobs(owner, table, session);
      }
    }
    for (const peer of table.crossThreadPeers.values()) {
      const from = tables.find((other) => other.options.thread === peer.thread);
      ensure(
        from?.live(peer.conn) != null,
        () => `thread ${thread} has a peer of connection ${peer.conn}, which has ended`,
      );
    }
  }
}

/** What the broker in thread `owner` believes of a session's sleep must be true. */
function checkSleepAt(owner: SessionTable, table: SessionTable, session: Session): void {
  const peer = peerAt(owner, table, session);
  if (peer === undefined) return;
  const { waking } = peer;
  const { isAsleep, isNooped, abilities } = session;
  const offers = ((abilities?.owners ?? 0) & (1 << owner.options.thread)) !== 0;
  const isRight = !isAsleep
    ? waking === Waking.awake
    : isNooped
      ? waking !== Waking.awake || !offers
      : waking === Waking.sleeping || !offers;
  ensure(
    isRight,
    () =>
      `connection ${session.conn} of thread ${table.options.thread} is ` +
      `${isAsleep ? (isNooped ? 'woken' : 'asleep') : 'awake'}, thread ${owner.options.thread} says ${waking}`,
  );
}

/** Home knows which far jobs a connection holds: it answers for all others itself. */
function checkCrossThreadJobs(owner: SessionTable, table: SessionTable, session: Session): void {
  const { broker } = owner;
  if (broker === null) return;
  const { jobs } = broker;
  const peer = peerAt(owner, table, session);
  for (const job of liveJobs(broker)) {
    const isHeld = jobs.state(job) === Flag.ASSIGNED && jobs.workerOf(job) === peer;
    const serial = jobs.table.serial(job);
    const key = crossThreadJobKey(owner.options.thread, serial);
    const isKnown = session.crossThreadJobs?.has(key) ?? false;
    // The late end of an earlier run may have ended this one before its assignment arrived here.
    const { late = null } = peer ?? {};
    const isOwed = isKnown && late?.has(serial, 0) === true && !late.owes(serial);
    ensure(
      isKnown === isHeld || isOwed,
      () => `connection ${session.conn} ${isHeld ? 'holds' : 'no longer holds'} far job ${job}`,
    );
  }
}

function peerAt(owner: SessionTable, table: SessionTable, session: Session): Peer | undefined {
  if (owner === table) return session.peer ?? undefined;
  return owner.crossThreadPeers.find(table.options.thread, session.conn);
}

/**
 * GRAB_*: one owner is asked at a time. If one owner has all functions of the worker, it is asked. If there are
 * several, the owners with the highest published level come first, then the others in rotation; each is asked at most
 * once. When none is left, the answer is NO_JOB. Jobs are never offered, reserved or returned, so no job can be lost
 * between threads. Source: docs/design.md, section 4.
 */

import type { Broker } from '../../broker/broker.ts';
import { packetOf } from '../../protocol/encode.ts';
import type { Frame } from '../../protocol/frame.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendAwake, sendFrame, sendGrab, sendPeerToOwners } from '../cross-thread/send.ts';
import {
  fill,
  hold,
  limitPendingReplies,
  releaseAll,
  reply,
  reserveReply,
  unhold,
} from '../replies.ts';
import { type GrabUnderWay, Hold, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import {
  firstThread,
  hasThread,
  NO_THREADS,
  nextThread,
  soleThread,
  withThread,
} from '../thread-set.ts';
import { toBroker } from './own-thread.ts';

const NO_JOB_PACKET = packetOf(Packet.NO_JOB, '');

export function onGrab(table: SessionTable, session: Session, frame: Frame): void {
  const owners = session.abilities?.owners ?? NO_THREADS;
  const owner = soleThread(owners);
  if (owner === table.options.thread) {
    notifyOwnersAwake(table, session, owner);
    toBroker(table, session, frame);
  } else if (owner >= 0) {
    notifyOwnersAwake(table, session, owner);
    sendFrame(table, session, frame, owner, reserveReply(session).id);
    limitPendingReplies(table, session, frame.end);
  } else if (owners === NO_THREADS) {
    notifyOwnersAwake(table, session, -1);
    reply(table, session, NO_JOB_PACKET);
  } else {
    if (!session.isParallel && holdsJob(session)) becomeParallel(table, session);
    const pending = reserveReply(session);
    session.grab = { type: frame.type, replyId: pending.id, asked: NO_THREADS };
    hold(table, session, Hold.grab, frame.end);
    askNext(table, session);
  }
}

function holdsJob({ crossThreadJobs, peer }: Session): boolean {
  return (crossThreadJobs?.size ?? 0) > 0 || (peer !== null && peer.heldJob !== 0);
}

/** Each owner sees its own jobs only. */
function becomeParallel(table: SessionTable, session: Session): void {
  session.isParallel = true;
  if (session.peer !== null) session.peer.isParallel = true;
  sendPeerToOwners(table, session);
}

/** An owner had no job for this worker: asks the next one. */
export function askNext(table: SessionTable, session: Session): void {
  const grab = session.grab as GrabUnderWay;
  const owner = nextOwner(table, session, grab);
  notifyOwnersAwake(table, session, owner);
  if (owner < 0) {
    answerGrab(table, session, NO_JOB_PACKET);
    return;
  }
  grab.asked = withThread(grab.asked, owner);
  if (owner === table.options.thread) grabHere(table, session, grab);
  else sendGrab(table, session, grab.type, owner, grab.replyId);
}

/** The owner has answered the grab: reading the connection is resumed. */
export function finishGrab(table: SessionTable, session: Session): void {
  session.grab = null;
  unhold(table, session, Hold.grab);
}

function answerGrab(table: SessionTable, session: Session, packet: Uint8Array): void {
  const pending = session.replies?.find((session.grab as GrabUnderWay).replyId);
  finishGrab(table, session);
  if (pending !== undefined) fill(table, session, pending, packet);
}

/** Asks this thread's own broker, which has a job for the worker; its reply fills the pending reply of the grab. */
function grabHere(table: SessionTable, session: Session, grab: GrabUnderWay): void {
  (table.broker as Broker).onGrab(table.peerOf(session), grab.type, grab.replyId);
  finishGrab(table, session);
  releaseAll(table, session);
}

/**
 * Sends AWAKE to all owners that believe the worker asleep, including owners of functions that it no longer offers.
 * Owner `except` gets a GRAB now and needs no AWAKE (-1: no such owner).
 */
function notifyOwnersAwake(table: SessionTable, session: Session, except: number): void {
  session.isAsleep = false;
  const owners = session.asleepAt;
  session.asleepAt = NO_THREADS;
  for (let thread = firstThread(owners); thread >= 0; thread = nextThread(owners, thread)) {
    if (thread === except) continue;
    if (thread !== table.options.thread) sendAwake(table, session, thread);
    else table.broker?.onAwake(table.peerOf(session));
  }
}

/** The next owner to ask, or -1: highest level first, then in rotation; owners without runnable jobs are not asked. */
function nextOwner(table: SessionTable, session: Session, grab: GrabUnderWay): number {
  const owners = session.abilities?.owners ?? NO_THREADS;
  const threadCount = table.options.shardCount + 1;
  let best = -1;
  let bestLevel = 0;
  for (let i = 0; i < threadCount; i++) {
    const thread = (table.nextOwner + i) % threadCount;
    if (!hasThread(owners, thread) || hasThread(grab.asked, thread)) continue;
    const level = levelOf(table, session, thread);
    if (level <= bestLevel) continue;
    bestLevel = level;
    best = thread;
  }
  table.nextOwner = (table.nextOwner + 1) % threadCount;
  return best;
}

function levelOf(table: SessionTable, session: Session, thread: number): number {
  if (thread !== table.options.thread) return table.hooks.levelOf(thread);
  const broker = table.broker as Broker;
  return broker.canServe(table.peerOf(session)) ? broker.jobs.level : 0;
}

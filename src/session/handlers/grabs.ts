/**
 * GRAB_*: asked of one owner at a time. A worker whose functions have one owner asks that one; of several, those are
 * asked first whose published level is highest, then in rotation, each at most once; NO_JOB when none is left.
 * No job is ever offered, reserved or returned, so none can be lost on the way. Source: design rules, section 4.
 */

import type { Broker } from '../../broker/broker.ts';
import { packetOf } from '../../protocol/encode.ts';
import type { Frame } from '../../protocol/frame.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendAwake, sendFrame, sendGrab } from '../cross-thread/send.ts';
import { fill, hold, limitPlaces, releaseAll, reply, takePlace, unhold } from '../replies.ts';
import { type GrabUnderWay, Hold, type Session } from '../session.ts';
import type { Home } from '../session-table.ts';
import { toBroker } from './own-thread.ts';

const NO_JOB_PACKET = packetOf(Packet.NO_JOB, '');

export function onGrab(home: Home, session: Session, frame: Frame): void {
  const owners = session.abilities?.owners ?? 0;
  const near = 1 << home.options.thread;
  if (owners === near) {
    rouse(home, session, near);
    toBroker(home, session, frame);
  } else if (owners === 0) {
    rouse(home, session, 0);
    reply(home, session, NO_JOB_PACKET);
  } else if ((owners & (owners - 1)) === 0) {
    rouse(home, session, owners);
    sendFrame(home, session, frame, 31 - Math.clz32(owners), takePlace(session).id);
    limitPlaces(home, session, frame.end);
  } else {
    const place = takePlace(session);
    session.grab = { type: frame.type, placeId: place.id, asked: 0 };
    hold(home, session, Hold.grab, frame.end);
    askNext(home, session);
  }
}

/** An owner had nothing for this worker: asks the next one. */
export function askNext(home: Home, session: Session): void {
  const grab = session.grab as GrabUnderWay;
  const owner = nextOwner(home, session, grab);
  rouse(home, session, owner < 0 ? 0 : 1 << owner);
  if (owner < 0) {
    settle(home, session, NO_JOB_PACKET);
    return;
  }
  grab.asked |= 1 << owner;
  if (owner === home.options.thread) grabHere(home, session, grab);
  else sendGrab(home, session, grab.type, owner, grab.placeId);
}

/** The grab has been answered by its owner: the connection is read again. */
export function settleGrab(home: Home, session: Session): void {
  session.grab = null;
  unhold(home, session, Hold.grab);
}

function settle(home: Home, session: Session, packet: Uint8Array): void {
  const place = session.replies?.find((session.grab as GrabUnderWay).placeId);
  settleGrab(home, session);
  if (place !== undefined) fill(home, session, place, packet);
}

/** This thread's own broker has a job for the worker: its reply fills the grab's place. */
function grabHere(home: Home, session: Session, grab: GrabUnderWay): void {
  home.outbox.place = session.replies?.find(grab.placeId) ?? null;
  (home.broker as Broker).onGrab(home.peerOf(session), grab.type);
  home.outbox.place = null;
  settleGrab(home, session);
  releaseAll(home, session);
}

/**
 * Tells the owners that believe the worker asleep, also those of functions that it no longer offers; a GRAB itself tells
 * those in `except`.
 */
function rouse(home: Home, session: Session, except: number): void {
  session.isAsleep = false;
  const owners = session.asleepAt & ~except;
  session.asleepAt = 0;
  for (let thread = 0; owners >>> thread !== 0; thread++) {
    if ((owners & (1 << thread)) === 0) continue;
    if (thread !== home.options.thread) sendAwake(home, session, thread);
    else home.broker?.onAwake(home.peerOf(session));
  }
}

/** The owner to ask now, or -1: highest level first, then in rotation; one with nothing runnable is not asked. */
function nextOwner(home: Home, session: Session, grab: GrabUnderWay): number {
  const owners = (session.abilities?.owners ?? 0) & ~grab.asked;
  const threadCount = home.options.shardCount + 1;
  let best = -1;
  let bestLevel = 0;
  for (let i = 0; i < threadCount; i++) {
    const thread = (home.nextOwner + i) % threadCount;
    if ((owners & (1 << thread)) === 0) continue;
    const level = levelOf(home, session, thread);
    if (level <= bestLevel) continue;
    bestLevel = level;
    best = thread;
  }
  home.nextOwner = (home.nextOwner + 1) % threadCount;
  return best;
}

function levelOf(home: Home, session: Session, thread: number): number {
  if (thread !== home.options.thread) return home.hooks.levelOf(thread);
  const broker = home.broker as Broker;
  return broker.canServe(home.peerOf(session)) ? broker.jobs.level : 0;
}

/**
 * What every kind of frame may need: this thread's own broker, a refusal, an owner that is not there, a connection that
 * must move first.
 */
import type { Broker } from '../../broker/broker.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { Packet } from '../../protocol/packets.ts';
import { DEAD_OWNER, moveAway } from '../cross-thread/send.ts';
import { hold, limitPlaces, reply } from '../replies.ts';
import { Hold, type Session } from '../session.ts';
import type { Home } from '../session-table.ts';

/** A frame for functions of this thread; its reply goes out or takes the next place. */
export function toBroker(home: Home, session: Session, frame: Frame): void {
  (home.broker as Broker).onFrame(home.peerOf(session), frame);
  if (session.replies !== null) limitPlaces(home, session, frame.end);
}

/** ERROR as the reply to a frame; its blob is given up. */
export function refuse(home: Home, session: Session, frame: Frame, error: Uint8Array): void {
  if (frame.blob > 0) home.reactor.blobRelease(frame.blob);
  reply(home, session, error);
}

/**
 * The owner of the function that `frame` names is being started again. The frame waits where jobs come back; when that
 * takes too long a submit is refused. All else closes the connection: nothing else owes a reply.
 */
function onAbsent(home: Home, session: Session, frame: Frame, owner: number): void {
  const { absences } = home;
  if (absences.hold(home, session, frame, owner)) return;
  if (absences.has(owner) && !isRegistration(frame.type)) {
    home.refusedCount++;
    refuse(home, session, frame, Errors.queueError);
    return;
  }
  if (frame.blob > 0) home.reactor.blobRelease(frame.blob);
  home.drop(session, DEAD_OWNER);
}

function isRegistration(type: number): boolean {
  return type === Packet.CAN_DO || type === Packet.CAN_DO_TIMEOUT;
}

/**
 * Whether a frame for another owner is seen to: that owner is not there, or its connection moves to it. Else it is sent.
 */
export function isSeenTo(home: Home, session: Session, frame: Frame, owner: number): boolean {
  if (home.links[owner] == null) onAbsent(home, session, frame, owner);
  else if (mustMove(home, session, frame)) moveAway(home, session, frame, owner);
  else return false;
  return true;
}

/** Whether the connection goes to the owner of the function that `frame` names first; held while replies wait. */
function mustMove(home: Home, session: Session, frame: Frame): boolean {
  if (!home.options.movesConnections || session.stays) return false;
  if (session.replies === null) return true;
  hold(home, session, Hold.move, frame.start);
  return true;
}

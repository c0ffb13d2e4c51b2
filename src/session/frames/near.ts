/** What every kind of frame may need: this thread's own broker, a refusal, a connection that must move first. */
import type { Broker } from '../../broker/broker.ts';
import type { Frame } from '../../protocol/frame.ts';
import type { Home } from '../home.ts';
import { hold, limitPlaces, reply } from '../replies.ts';
import { Hold, type Session } from '../session.ts';

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

/** Whether the connection goes to the owner of the function that `frame` names first; held while replies wait. */
export function mustMove(home: Home, session: Session, frame: Frame): boolean {
  if (!home.options.movesConnections || session.stays) return false;
  if (session.replies === null) return true;
  hold(home, session, Hold.move, frame.start);
  return true;
}

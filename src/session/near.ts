/** Frames for functions that this very thread owns. */
import type { Broker } from '../broker/broker.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Home } from './home.ts';
import { limitPlaces } from './replies.ts';
import type { Session } from './session.ts';

/** A frame for functions of this thread; its reply goes out or takes the next place. */
export function toBroker(home: Home, session: Session, frame: Frame): void {
  (home.broker as Broker).onFrame(home.peerOf(session), frame);
  if (session.replies !== null) limitPlaces(home, session, frame.end);
}

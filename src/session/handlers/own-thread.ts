/**
 * Shared by all handlers: this thread's own broker, refusals, owners that are not running, connections that must move
 * first.
 */
import type { Broker } from '../../broker/broker.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { KIND } from '../../protocol/packet-columns.ts';
import { Kind } from '../../protocol/packets.ts';
import { DEAD_OWNER, handOff } from '../cross-thread/send.ts';
import { hold, limitPendingReplies, reply } from '../replies.ts';
import { Hold, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';

/**
 * Passes a frame for functions of this thread to the broker; its reply is sent at once or becomes the next pending
 * one.
 */
export function toBroker(table: SessionTable, session: Session, frame: Frame): void {
  (table.broker as Broker).onFrame(table.peerOf(session), frame, 0);
  if (session.replies !== null) limitPendingReplies(table, session, frame.end);
}

/** Replies to a frame with ERROR and releases its blob. */
export function refuse(
  table: SessionTable,
  session: Session,
  frame: Frame,
  error: Uint8Array,
): void {
  if (frame.blob > 0) table.reactor.blobRelease(frame.blob);
  reply(table, session, error);
}

/**
 * The owner of the function that `frame` names is being started again. If a store restores its jobs, the frame waits;
 * when that takes too long, a submit is refused. In all other cases the connection is closed, because other frames have
 * no reply that could report the failure.
 */
function onAbsent(table: SessionTable, session: Session, frame: Frame, owner: number): void {
  const { restarts } = table;
  if (restarts.hold(table, session, frame, owner)) return;
  if (restarts.has(owner) && KIND[frame.type] !== Kind.offer) {
    table.refusedCount++;
    refuse(table, session, frame, Errors.queueError);
    return;
  }
  if (frame.blob > 0) table.reactor.blobRelease(frame.blob);
  table.drop(session, DEAD_OWNER);
}

/**
 * Handles a frame for another owner if the owner is not running, or if the connection moves to it. Returns false
 * otherwise: then the caller sends the frame.
 */
export function isSeenTo(
  table: SessionTable,
  session: Session,
  frame: Frame,
  owner: number,
): boolean {
  if (table.writers[owner] == null) onAbsent(table, session, frame, owner);
  else if (mustMove(table, session, frame)) handOff(table, session, frame, owner);
  else return false;
  return true;
}

/**
 * Whether the connection moves to the owner of the function that `frame` names first; it is held while replies are
 * pending.
 */
function mustMove(table: SessionTable, session: Session, frame: Frame): boolean {
  if (!table.options.movesConnections || session.stays) return false;
  if (session.replies === null) return true;
  hold(table, session, Hold.move, frame.start);
  return true;
}

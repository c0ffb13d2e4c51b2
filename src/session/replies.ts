/**
 * Replies leave in request order. While nothing waits they go straight out; else each takes a place and only the front
 * leaves. Invariant between events: a connection's reply queue is null or its front is unfilled.
 */

import { type Piece, type Place, ReplyQueue } from './reply-queue.ts';
import { Hold, type Session } from './session.ts';
import type { Home } from './session-table.ts';

/** More places than this, or bytes than the pause mark: the connection is not read until a quarter of it waits. */
const PLACES_MAX = 4096;

/** Replies with bytes that are known now. */
export function reply(home: Home, session: Session, bytes: Uint8Array): void {
  if (session.replies === null) home.output.write(session.conn, bytes);
  else fill(home, session, takePlace(session), bytes);
}

/** Takes the next place of `session`; something must fill it later. */
export function takePlace(session: Session): Place {
  session.replies ??= new ReplyQueue(session.nextPlaceId, session.account, session);
  return session.replies.take();
}

/** Fills a place with bytes that are the place's own from now on, and sends what may leave. */
export function fill(home: Home, session: Session, place: Place, bytes: Uint8Array): void {
  if (bytes.length > 0) place.add(bytes);
  place.isFilled = true;
  releaseAll(home, session);
}

/** Sends every reply at the front that is filled. */
export function releaseAll(home: Home, session: Session): void {
  const { replies } = session;
  if (replies === null) return;
  let front = replies.front;
  while (front?.isFilled) {
    for (const piece of front.pieces) writePiece(home, session, piece);
    replies.shift();
    front = replies.front;
  }
  if (front === undefined) {
    session.nextPlaceId = replies.nextId;
    session.replies = null;
    if ((session.holds & Hold.move) !== 0) unhold(home, session, Hold.move);
    home.finish(session);
  }
  const isShort = replies.length < PLACES_MAX / 4 && replies.byteCount <= home.pauseBytes / 4;
  if ((session.holds & Hold.queue) !== 0 && (isShort || session.replies === null))
    unhold(home, session, Hold.queue);
  if (front?.whenFront == null) return;
  const { whenFront } = front;
  front.whenFront = null;
  whenFront();
}

/** Sends what the front place has so far, before it is filled: long listings. */
export function releasePart(home: Home, session: Session, place: Place): boolean {
  if (session.replies?.front !== place) return false;
  for (const piece of place.pieces) writePiece(home, session, piece);
  place.empty();
  return true;
}

/** Gives all waiting replies up. */
export function dropReplies(home: Home, session: Session): void {
  if (session.replies === null) return;
  for (const place of session.replies)
    for (const piece of place.pieces) if ('blob' in piece) home.reactor.blobRelease(piece.blob);
  session.replies.keep(-session.replies.keptBytes);
  session.nextPlaceId = session.replies.nextId;
  session.replies = null;
}

/** Stops reading the connection at byte `start` of the arena, for one reason more. */
export function hold(home: Home, session: Session, reason: number, start: number): void {
  if (session.holds === 0) {
    home.reactor.hold(session.conn, start);
    session.heldTurn = home.turn;
  }
  session.holds |= reason;
}

/** Ends one reason to hold the connection; it is read again when none is left. */
export function unhold(home: Home, session: Session, reason: number): void {
  if ((session.holds & reason) === 0) return;
  session.holds &= ~reason;
  if (session.holds === 0) home.reactor.resume(session.conn);
}

/** After a frame that left a place behind: too many or too long ones hold the connection from byte `end` on. */
export function limitPlaces(home: Home, session: Session, end: number): void {
  const { replies } = session;
  if (replies === null) return;
  if (replies.length > PLACES_MAX || replies.byteCount > home.pauseBytes)
    hold(home, session, Hold.queue, end);
}

/** Bytes of output that wait: unsent, written in this turn, or in replies behind one that is not there yet. */
export function waitingBytes(home: Home, session: Session): number {
  const { replies } = session;
  return home.output.waiting(session.conn) + (replies === null ? 0 : replies.byteCount);
}

/**
 * After a frame whose reply was large: the connection is not read any further in this turn, so that no turn makes more
 * output for it than that. In the next one the reactor decides whether its output has left.
 */
export function limitOutput(home: Home, session: Session, end: number): void {
  if (home.live(session.conn) !== session || session.isEnding) return;
  hold(home, session, Hold.output, end);
  home.later(() => {
    if (home.live(session.conn) === session) unhold(home, session, Hold.output);
  });
}

function writePiece(home: Home, session: Session, piece: Piece): void {
  if ('blob' in piece) home.output.blob(session.conn, piece.blob, piece.byteCount);
  else home.output.write(session.conn, piece);
}

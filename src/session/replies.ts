/**
 * Replies leave in request order. While no reply is pending they are sent at once; otherwise each gets a pending
 * reply, and only the front one is sent. Invariant between events: a connection's reply queue is null or its front is
 * unfilled.
 */

import type { Reactor } from '../native/contract.ts';
import type { Output } from './output.ts';
import { type PendingReply, type Piece, ReplyQueue } from './reply-queue.ts';
import { Hold, type Session } from './session.ts';

/** The parts of the session table that replies need. */
export interface ReplyHost {
  readonly output: Output;
  readonly reactor: Reactor;
  readonly pauseBytes: number;
  readonly turn: number;
  live(conn: number): Session | null;
  later(work: () => void): void;
  /** Closes the connection if it is ending; call it when the last reply of `session` has been sent. */
  finish(session: Session): void;
}

/**
 * With more pending replies than this, or with more bytes than the pause mark, reading is paused until a quarter is
 * left.
 */
const PENDING_REPLIES_MAX = 4096;

/** Replies with bytes that are complete. */
export function reply(table: ReplyHost, session: Session, bytes: Uint8Array): void {
  if (session.replies === null) table.output.write(session.conn, bytes);
  else fill(table, session, reserveReply(session), bytes);
}

/** Reserves the next pending reply of `session`; the caller must fill it later. */
export function reserveReply(session: Session): PendingReply {
  session.replies ??= new ReplyQueue(session.nextReplyId, session.account, session);
  return session.replies.take();
}

/** Fills a pending reply with bytes, which it owns from now on, and sends all replies that may leave. */
export function fill(
  table: ReplyHost,
  session: Session,
  pending: PendingReply,
  bytes: Uint8Array,
): void {
  if (bytes.length > 0) pending.add(bytes);
  pending.isFilled = true;
  releaseAll(table, session);
}

/** Sends every filled reply at the front. */
export function releaseAll(table: ReplyHost, session: Session): void {
  const { replies } = session;
  if (replies === null) return;
  let front = replies.front;
  while (front?.isFilled) {
    for (const piece of front.pieces) writePiece(table, session, piece);
    replies.shift();
    front = replies.front;
  }
  if (front === undefined) {
    session.nextReplyId = replies.nextId;
    session.replies = null;
    if ((session.holds & Hold.move) !== 0) unhold(table, session, Hold.move);
    table.finish(session);
  }
  const isShort =
    replies.length < PENDING_REPLIES_MAX / 4 && replies.byteCount <= table.pauseBytes / 4;
  if ((session.holds & Hold.queue) !== 0 && (isShort || session.replies === null))
    unhold(table, session, Hold.queue);
  if (front?.whenFront == null) return;
  const { whenFront } = front;
  front.whenFront = null;
  whenFront();
}

/** Sends the part of the front reply that exists, before the reply is filled: for long listings. */
export function releasePart(table: ReplyHost, session: Session, pending: PendingReply): boolean {
  if (session.replies?.front !== pending) return false;
  for (const piece of pending.pieces) writePiece(table, session, piece);
  pending.empty();
  return true;
}

/** Drops all pending replies. */
export function dropReplies(table: ReplyHost, session: Session): void {
  if (session.replies === null) return;
  for (const pending of session.replies)
    for (const piece of pending.pieces) if ('blob' in piece) table.reactor.blobRelease(piece.blob);
  session.replies.keep(-session.replies.keptBytes);
  session.nextReplyId = session.replies.nextId;
  session.replies = null;
}

/** Pauses reading the connection at byte `start` of the arena, for one more reason. */
export function hold(table: ReplyHost, session: Session, reason: number, start: number): void {
  if (session.holds === 0) {
    table.reactor.hold(session.conn, start);
    session.heldTurn = table.turn;
  }
  session.holds |= reason;
}

/** Removes one reason to hold the connection; reading is resumed when none is left. */
export function unhold(table: ReplyHost, session: Session, reason: number): void {
  if ((session.holds & reason) === 0) return;
  session.holds &= ~reason;
  if (session.holds === 0) table.reactor.resume(session.conn);
}

/**
 * Call after a frame that left a pending reply: if too many replies or bytes are pending, reading is paused from byte
 * `end` on.
 */
export function limitPendingReplies(table: ReplyHost, session: Session, end: number): void {
  const { replies } = session;
  if (replies === null) return;
  if (replies.length > PENDING_REPLIES_MAX || replies.byteCount > table.pauseBytes)
    hold(table, session, Hold.queue, end);
}

/** Output bytes that wait: unsent, written in this turn, or in filled replies after an unfilled one. */
export function waitingBytes(table: ReplyHost, session: Session): number {
  const { replies } = session;
  return table.output.waiting(session.conn) + (replies === null ? 0 : replies.byteCount);
}

/**
 * Call after a frame with a large reply: reading the connection is paused for the rest of this turn, so that no turn
 * makes more output for it. In the next turn the reactor decides whether its output has been sent.
 */
export function limitOutput(table: ReplyHost, session: Session, end: number): void {
  if (table.live(session.conn) !== session || session.isEnding) return;
  hold(table, session, Hold.output, end);
  table.later(() => {
    if (table.live(session.conn) === session) unhold(table, session, Hold.output);
  });
}

function writePiece(table: ReplyHost, session: Session, piece: Piece): void {
  if ('blob' in piece) table.output.blob(session.conn, piece.blob, piece.byteCount);
  else table.output.write(session.conn, piece);
}

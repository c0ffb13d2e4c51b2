/**
 * Events of connections other than packets: begin and end, text lines, malformed bytes, drained output. Rule: a row
 * that was un-read with an earlier frame of its turn is skipped, because it comes again.
 */
import { latin1 } from '../base/bytes.ts';
import { FaultReason, GoneReason, RowKind } from '../protocol/batch.ts';
import { packetTooLarge } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frame.ts';
import { admit } from './connection-limits.ts';
import { Incident } from './incidents.ts';
import { hold, limitOutput, limitPendingReplies, releaseAll, reply } from './replies.ts';
import { contextOf, Hold, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';

/** Handles a row that is not a packet: a connection begins or ends, a text line, malformed bytes. */
export function onEvent(table: SessionTable, frame: Frame): void {
  if (frame.type === RowKind.OPEN) {
    begin(table, frame);
    return;
  }
  const session = table.live(frame.conn);
  if (session === null) {
    if (frame.type === RowKind.GONE) table.reactor.close(frame.conn);
    return;
  }
  if (frame.type === RowKind.DRAINED) {
    const resume = table.drained.get(frame.conn);
    table.drained.delete(frame.conn);
    resume?.();
  } else if (session.heldTurn === table.turn && !isOverLimit(frame)) {
    // Un-read with an earlier frame: it comes again.
    return;
  } else if (frame.type === RowKind.GONE) gone(table, session, frame.a0);
  else if (session.isEnding) return;
  else if (frame.type === RowKind.LINE) line(table, session, frame);
  else fault(table, session, frame);
}

/**
 * Handles a text line. While a listing is not complete, later frames wait, so that a connection has one listing at a
 * time.
 */
function line(table: SessionTable, session: Session, frame: Frame): void {
  table.hooks.onLine(session, latin1(frame.bytes, frame.off, frame.off + frame.a0));
  table.rateLimiter?.spend(table, session, frame.end - frame.start, frame.end);
  if (table.output.waiting(session.conn) > table.pauseBytes) limitOutput(table, session, frame.end);
  if (session.isListing) hold(table, session, Hold.listing, frame.end);
  else limitPendingReplies(table, session, frame.end);
}

function begin(table: SessionTable, frame: Frame): void {
  const address = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  if (admit(table, address, frame.a1)) table.open(frame.conn, address, frame.a1);
  else table.reactor.close(frame.conn);
}

function gone(table: SessionTable, session: Session, reason: number): void {
  if (reason === GoneReason.OUTPUT_LIMIT) table.dropUnread(session);
  else if (reason === GoneReason.END) table.end(session);
  else table.abort(session);
}

function fault(table: SessionTable, session: Session, frame: Frame): void {
  const isTooLarge = frame.a0 === FaultReason.PACKET_TOO_LARGE;
  if (isTooLarge)
    reply(table, session, packetTooLarge(frame.a1 >>> 0, table.options.packetBytesMax));
  table.incidents.report(
    isTooLarge ? Incident.packetTooLarge : Incident.malformed,
    `close connection ${session.address}:${session.port}: ${FAULT_TEXTS[frame.a0]}`,
    contextOf(session),
  );
  table.end(session);
  releaseAll(table, session);
}

const FAULT_TEXTS: Record<number, string> = {
  [FaultReason.BAD_MAGIC]: 'packet has neither magic \\0REQ nor \\0RES',
  [FaultReason.BAD_TYPE]: 'packet type is unknown',
  [FaultReason.HEAD_TOO_LONG]: 'arguments do not end within 8192 bytes',
  [FaultReason.TOO_FEW_ARGUMENTS]: 'packet has too few arguments',
  [FaultReason.LINE_TOO_LONG]: 'text line is over 8191 bytes',
  [FaultReason.PACKET_TOO_LARGE]: 'packet is too large',
};

/** Whether the row says that the connection is over its output limit: the only row that `hold` does not un-read. */
function isOverLimit(frame: Frame): boolean {
  return frame.type === RowKind.GONE && frame.a0 === GoneReason.OUTPUT_LIMIT;
}

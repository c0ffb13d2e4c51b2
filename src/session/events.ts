/**
 * What happens to connections besides packets: they begin and end, send text lines or nonsense, take their output.
 * Rule: a row that was un-read with an earlier frame of its turn is skipped, because it comes again.
 */
import { latin1 } from '../base/bytes.ts';
import {
  FaultReason,
  GoneReason,
  IN_PROCESS,
  IN_PROCESS_FOR_OTHERS,
  RowKind,
} from '../protocol/batch.ts';
import { packetTooLarge } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frame.ts';
import { admit } from './connection-limits.ts';
import { Incident } from './incidents.ts';
import { hold, limitOutput, limitPlaces, releaseAll, reply } from './replies.ts';
import { contextOf, Hold, type Session } from './session.ts';
import type { Home } from './session-table.ts';

/** A row that is no packet: a connection begins or ends, a text line, bytes that are no frame. */
export function onEvent(home: Home, frame: Frame): void {
  if (frame.type === RowKind.OPEN) {
    begin(home, frame);
    return;
  }
  const session = home.live(frame.conn);
  if (session === null) {
    if (frame.type === RowKind.GONE) home.reactor.close(frame.conn);
    return;
  }
  if (frame.type === RowKind.DRAINED) {
    const resume = home.drained.get(frame.conn);
    home.drained.delete(frame.conn);
    resume?.();
  } else if (session.heldTurn === home.turn && !isOverLimit(frame)) {
    // Un-read with what came before it: it comes again.
    return;
  } else if (frame.type === RowKind.GONE) gone(home, session, frame.a0);
  else if (session.isEnding) return;
  else if (frame.type === RowKind.LINE) line(home, session, frame);
  else fault(home, session, frame);
}

/** A listing that is not complete holds back what comes behind it, so that a connection has one of them at a time. */
function line(home: Home, session: Session, frame: Frame): void {
  home.hooks.onLine(session, latin1(frame.bytes, frame.off, frame.off + frame.a0));
  home.pace?.spend(home, session, frame.end - frame.start, frame.end);
  if (home.output.waiting(session.conn) > home.pauseBytes) limitOutput(home, session, frame.end);
  if (session.isListing) hold(home, session, Hold.listing, frame.end);
  else limitPlaces(home, session, frame.end);
}

function begin(home: Home, frame: Frame): void {
  const address = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  if (admit(home, address, frame.a1)) {
    const session = home.open(frame.conn, address, frame.a1);
    session.isTrusted = frame.a2 === IN_PROCESS;
    session.stays = session.isTrusted || frame.a2 === IN_PROCESS_FOR_OTHERS;
  } else home.reactor.close(frame.conn);
}

function gone(home: Home, session: Session, reason: number): void {
  if (reason === GoneReason.OUTPUT_LIMIT) home.dropUnread(session);
  else if (reason === GoneReason.END) home.end(session);
  else home.abort(session);
}

function fault(home: Home, session: Session, frame: Frame): void {
  const isTooLarge = frame.a0 === FaultReason.PACKET_TOO_LARGE;
  if (isTooLarge) reply(home, session, packetTooLarge(frame.a1 >>> 0, home.options.packetBytesMax));
  home.incidents.report(
    isTooLarge ? Incident.packetTooLarge : Incident.malformed,
    `close connection ${session.address}:${session.port}: ${FAULT_TEXTS[frame.a0]}`,
    contextOf(session),
  );
  home.end(session);
  releaseAll(home, session);
}

const FAULT_TEXTS: Record<number, string> = {
  [FaultReason.BAD_MAGIC]: 'packet has neither magic \\0REQ nor \\0RES',
  [FaultReason.BAD_TYPE]: 'packet type is unknown',
  [FaultReason.HEAD_TOO_LONG]: 'arguments do not end within 8192 bytes',
  [FaultReason.TOO_FEW_ARGUMENTS]: 'packet has too few arguments',
  [FaultReason.LINE_TOO_LONG]: 'text line is over 8191 bytes',
  [FaultReason.PACKET_TOO_LARGE]: 'packet is too large',
};

/** The one row that `hold` does not take back. */
function isOverLimit(frame: Frame): boolean {
  return frame.type === RowKind.GONE && frame.a0 === GoneReason.OUTPUT_LIMIT;
}

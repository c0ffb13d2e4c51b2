/**
 * Carries out records from owners in other threads for connections of this thread: replies, packets about jobs, jobs
 * that were taken back, wakes, closes. Rule: a record for a connection that has ended is dropped. Source:
 * docs/design.md, sections 3 and 4.
 */
import { LateAssignments } from '../../broker/late.ts';
import { writeHeader } from '../../protocol/encode.ts';
import { HEADER_BYTES } from '../../protocol/limits.ts';
import { isAssign } from '../../protocol/packet-columns.ts';
import { Packet } from '../../protocol/packets.ts';
import { askNext, finishGrab } from '../handlers/grabs.ts';
import { releaseAll, reserveReply } from '../replies.ts';
import { crossThreadJobKey, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import {
  type RecordView,
  readClose,
  readNotify,
  readReply,
  readRevoke,
  readSleep,
} from './records.ts';

/**
 * Fills the pending reply with an owner's reply. If it contains a job, the job is recorded; if it refuses a GRAB, the
 * next owner is asked.
 */
export function onReply(table: SessionTable, from: number, record: RecordView): void {
  const { conn, replyId } = readReply(record);
  const session = table.live(conn);
  const pending = session?.replies?.find(replyId);
  if (session == null || pending === undefined) return;
  const { bytes, at, byteCount } = record;
  const type = bytes[at + 7] as number;
  if (session.grab?.replyId === pending.id) {
    if (type === Packet.NO_JOB && !session.isEnding) {
      askNext(table, session);
      return;
    }
    finishGrab(table, session);
  }
  if (isAssign(type)) noteCrossThreadJob(table, session, from, bytes, at + HEADER_BYTES);
  if (table.exceeds(session, 0)) return;
  pending.isFilled = true;
  if (session.replies?.front === pending)
    table.output.write(session.conn, bytes, at, at + byteCount);
  else pending.add(bytes.slice(at, at + byteCount));
  releaseAll(table, session);
}

function noteCrossThreadJob(
  table: SessionTable,
  session: Session,
  from: number,
  bytes: Uint8Array,
  at: number,
): void {
  let end = at;
  while (bytes[end] !== 0) end++;
  const { handles } = table;
  if (!handles.parseOfRun(bytes, at, end)) return;
  session.crossThreadJobs ??= new Map();
  session.crossThreadJobs.set(crossThreadJobKey(from, handles.serial), handles.run);
}

/**
 * Sends a WORK_* packet to a client of this thread, once for each of its submits of that job. This thread decides
 * whether the client takes exceptions.
 */
export function onNotify(table: SessionTable, record: RecordView): void {
  const { conn, copies } = readNotify(record);
  const session = table.live(conn);
  if (session === null || session.isEnding) return;
  const { bytes, at, byteCount } = record;
  let packet = bytes.subarray(at, at + byteCount);
  if (bytes[at + 7] === Packet.WORK_EXCEPTION && !session.takesExceptions) packet = failFor(packet);
  const kept = session.replies === null ? null : packet.slice();
  for (let left = copies; left > 0 && !table.exceeds(session, byteCount); left--) {
    if (kept === null) table.output.write(session.conn, packet);
    else keepPacket(session, kept);
  }
}

/** Queues a packet after the replies that wait. */
function keepPacket(session: Session, packet: Uint8Array): void {
  const pending = reserveReply(session);
  pending.add(packet);
  pending.isFilled = true;
}

/** The WORK_FAIL that replaces a WORK_EXCEPTION; its payload is the handle without the NUL. */
function failFor(exception: Uint8Array): Uint8Array {
  let end = HEADER_BYTES;
  while (exception[end] !== 0) end++;
  const fail = exception.slice(0, end);
  writeHeader(fail, 0, Packet.WORK_FAIL, end - HEADER_BYTES);
  return fail;
}

/**
 * The owner has taken a job back. If the worker's final packet is already on its way to the owner, the owner handles
 * it.
 */
export function onRevoke(table: SessionTable, from: number, record: RecordView): void {
  const { conn, serial, isLate } = readRevoke(record);
  const session = table.live(conn);
  const key = crossThreadJobKey(from, serial);
  const run = session?.crossThreadJobs?.get(key);
  if (session == null || run === undefined) return;
  session.crossThreadJobs?.delete(key);
  if (!isLate) return;
  session.lateJobs ??= new LateAssignments();
  session.lateJobs.add({ job: key, run, endsVersion: -1, owedOf: null });
}

/** An owner has a job for a worker that sleeps. */
export function onWake(table: SessionTable, record: RecordView): void {
  const { conn, sleepSerial } = readSleep(record);
  const session = table.live(conn);
  if (session !== null && !session.isEnding) table.noop(session, sleepSerial);
}

/** The owner ends the connection. */
export function onClose(table: SessionTable, record: RecordView): void {
  const { conn, reason } = readClose(record);
  const session = table.live(conn);
  if (session !== null) table.drop(session, reason);
}

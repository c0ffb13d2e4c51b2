import { latin1 } from '../../base/bytes.ts';
import type { Broker } from '../../broker/broker.ts';
import { runOf } from '../../broker/owed.ts';
import type { Peer } from '../../broker/peer.ts';
import { Errors, workErrorFor } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import type { HandleCodec } from '../../protocol/handle.ts';
import { HANDLE_BYTES_MAX } from '../../protocol/limits.ts';
import { isFinal } from '../../protocol/packet-columns.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendFrame } from '../cross-thread/send.ts';
import { crossThreadJobKey, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import { refuse, toBroker } from './own-thread.ts';

export function onWork(table: SessionTable, session: Session, frame: Frame): void {
  const { exceptionHandle } = session;
  if (exceptionHandle !== null && swallows(table, session, frame, exceptionHandle)) {
    if (frame.blob > 0) table.reactor.blobRelease(frame.blob);
    return;
  }
  const isException = frame.type === Packet.WORK_EXCEPTION;
  if (table.options.shardCount === 0 && !isException) {
    toBroker(table, session, frame);
    return;
  }
  const { handles, broker } = table;
  const isHandle = handles.parseOfRun(frame.bytes, frame.off, frame.off + handleBytes(frame));
  const { shard, serial, run } = handles;
  if (isHandle && shard === table.options.thread && broker !== null) {
    const isHeld = isException && mayEnd(broker, table.peerOf(session), handles);
    const handle = isHeld ? handleText(frame) : null;
    toBroker(table, session, frame);
    if (handle !== null) session.exceptionHandle = handle;
    return;
  }
  const key = crossThreadJobKey(shard, serial);
  const heldRun = isHandle ? session.crossThreadJobs?.get(key) : undefined;
  const isHeld = heldRun === run;
  const isLate = !isHeld && isHandle && session.lateJobs?.has(key, run) === true;
  // Of a run that has ended, while the worker has a later run of the job.
  const isOld = !isHeld && !isLate && heldRun !== undefined;
  if (isOld || (isLate && !isFinal(frame.type))) {
    if (frame.blob > 0) table.reactor.blobRelease(frame.blob);
    return;
  }
  if (!isHeld && !isLate) {
    const isLong = frame.type === Packet.WORK_FAIL && frame.a0 > HANDLE_BYTES_MAX;
    refuse(table, session, frame, isLong ? Errors.handleTooLarge : workErrorFor(frame.type));
    return;
  }
  if (frame.isDropped) {
    table.drop(session, 'WORK packet: memory is short');
    return;
  }
  if (isException) session.exceptionHandle = handleText(frame);
  if (isHeld && isFinal(frame.type)) session.crossThreadJobs?.delete(key);
  // Its owner decides: the job may be queued, run elsewhere, or have ended.
  if (isLate) session.lateJobs?.take(key, run);
  sendFrame(table, session, frame, shard, 0);
}

/** Whether a final packet of `peer` is allowed. */
function mayEnd(broker: Broker, peer: Peer, { slot, serial, run }: HandleCodec): boolean {
  return (
    (broker.holds(peer, slot, serial) && runOf(broker.jobs, slot) === run) ||
    peer.late?.has(serial, run) === true
  );
}

/**
 * Whether the frame is the WORK_FAIL or WORK_COMPLETE that some workers send after the WORK_EXCEPTION that ended the
 * run; then it is ignored. It is not when the worker has been given the same job again.
 */
function swallows(table: SessionTable, session: Session, frame: Frame, handle: string): boolean {
  if (frame.type !== Packet.WORK_FAIL && frame.type !== Packet.WORK_COMPLETE) return false;
  if (handleText(frame) !== handle) return false;
  session.exceptionHandle = null;
  return !holdsNow(table, session, frame);
}

function holdsNow(table: SessionTable, session: Session, frame: Frame): boolean {
  const { handles, broker, options } = table;
  if (!handles.parseOfRun(frame.bytes, frame.off, frame.off + handleBytes(frame))) return false;
  const { shard, slot, serial } = handles;
  return shard === options.thread
    ? broker?.holds(table.peerOf(session), slot, serial) === true
    : session.crossThreadJobs?.has(crossThreadJobKey(shard, serial)) === true;
}

/** Length of argument 0 as a handle: some workers end a WORK_FAIL with a NUL. */
function handleBytes(frame: Frame): number {
  const endsInNul = frame.a0 > 0 && frame.bytes[frame.off + frame.a0 - 1] === 0;
  return endsInNul ? frame.a0 - 1 : frame.a0;
}

function handleText(frame: Frame): string {
  return latin1(frame.bytes, frame.off, frame.off + handleBytes(frame));
}

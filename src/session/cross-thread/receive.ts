/**
 * Handles records from other threads: frames for this owner, effects for connections that live here, connections that
 * move here. Rule: a record for a connection that has ended is dropped; on GONE, the last record of a connection, the
 * owner takes back the jobs that it held. Source: docs/design.md, sections 3 to 5.
 */
import type { Broker } from '../../broker/broker.ts';
import { LateAssignments } from '../../broker/late.ts';
import type { Peer } from '../../broker/peer.ts';
import { writeHeader } from '../../protocol/encode.ts';
import { Frame } from '../../protocol/frame.ts';
import { HEADER_BYTES, SLAB_BYTES_MAX } from '../../protocol/limits.ts';
import { isAssign } from '../../protocol/packet-columns.ts';
import { Packet } from '../../protocol/packets.ts';
import { answer } from '../answers.ts';
import { left } from '../connection-limits.ts';
import { askNext, finishGrab } from '../handlers/grabs.ts';
import { Incident } from '../incidents.ts';
import { relieve, relieveOther } from '../relief.ts';
import { releaseAll, reserveReply } from '../replies.ts';
import { crossThreadJobKey, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import {
  RecordKind,
  type RecordView,
  readClose,
  readConn,
  readFrame,
  readHandshake,
  readLeft,
  readMove,
  readNotify,
  readQuery,
  readReply,
  readResult,
  readRevoke,
  readSleep,
  writeResult,
} from './records.ts';

const KEY_BASE = 2 ** 31;
const frame = new Frame();

/** Handles one record from thread `from`. */
export function onRecord(table: SessionTable, from: number, record: RecordView): void {
  const { account } = table;
  if (account.held > account.granted) relieve(table);
  switch (record.kind) {
    case RecordKind.FRAME:
      onCrossThreadFrame(table, from, record);
      break;
    case RecordKind.REPLY:
      onReply(table, from, record);
      break;
    case RecordKind.NOTIFY:
      onNotify(table, record);
      break;
    case RecordKind.SLEEP: {
      const { conn, sleepSerial } = readSleep(record);
      table.broker?.onSleep(crossThreadPeer(table, from, conn), sleepSerial);
      break;
    }
    case RecordKind.AWAKE:
      table.broker?.onAwake(crossThreadPeer(table, from, readConn(record)));
      break;
    case RecordKind.WAKE: {
      const { conn, sleepSerial } = readSleep(record);
      const session = table.live(conn);
      if (session !== null && !session.isEnding) table.noop(session, sleepSerial);
      break;
    }
    case RecordKind.GONE:
      onCrossThreadGone(table, from, readConn(record));
      break;
    case RecordKind.REVOKE:
      onRevoke(table, from, record);
      break;
    case RecordKind.CLOSE: {
      const { conn, reason } = readClose(record);
      const session = table.live(conn);
      if (session !== null) table.drop(session, reason);
      break;
    }
    case RecordKind.MOVE:
      onMove(table, record);
      break;
    case RecordKind.HANDSHAKE: {
      const { fd, address, port } = readHandshake(record);
      table.hooks.onHandshake(fd, address, port);
      break;
    }
    case RecordKind.LEFT:
      table.addressCounts?.remove(readLeft(record), from);
      break;
    case RecordKind.RELIEVE:
      relieveOther(table);
      break;
    case RecordKind.QUERY:
      onQuery(table, from, record);
      break;
    default:
      onResult(table, record);
  }
}

/** The owner has taken a job back. If its final packet is on the way there, the owner handles it. */
function onRevoke(table: SessionTable, from: number, record: RecordView): void {
  const { conn, serial, isLate } = readRevoke(record);
  const session = table.live(conn);
  const key = crossThreadJobKey(from, serial);
  if (session?.crossThreadJobs?.delete(key) !== true || !isLate) return;
  session.lateJobs ??= new LateAssignments();
  session.lateJobs.add(key);
}

/** The broker's peer for a connection that lives in another thread. */
function crossThreadPeer(table: SessionTable, from: number, conn: number): Peer {
  const key = from * KEY_BASE + conn;
  let peer = table.crossThreadPeers.get(key);
  if (peer === undefined) {
    peer = (table.broker as Broker).addPeer(from, conn);
    table.crossThreadPeers.set(key, peer);
  }
  return peer;
}

function onCrossThreadFrame(table: SessionTable, from: number, record: RecordView): void {
  const { conn, replyId, type } = readFrame(record);
  const { bytes, at, byteCount } = record;
  const seed = table.options.hashSeed;
  frame.parse(conn, type, bytes, at, at + byteCount, seed);
  // The turn's output has room for a head, not for data of any size.
  if (frame.dataBytes > SLAB_BYTES_MAX) {
    frame.blob = table.reactor.blobFrom(bytes, frame.data, frame.end);
    frame.end = frame.data;
  }
  (table.broker as Broker).onFrame(crossThreadPeer(table, from, conn), frame, replyId);
}

function onCrossThreadGone(table: SessionTable, from: number, conn: number): void {
  const key = from * KEY_BASE + conn;
  const peer = table.crossThreadPeers.get(key);
  if (peer === undefined) return;
  table.crossThreadPeers.delete(key);
  table.broker?.onPeerGone(peer);
}

/** An owner's reply fills its pending reply; a job that it carries is noted, a refused GRAB goes to the next owner. */
function onReply(table: SessionTable, from: number, record: RecordView): void {
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
  if (!table.handles.parse(bytes, at, end)) return;
  session.crossThreadJobs ??= new Set();
  session.crossThreadJobs.add(crossThreadJobKey(from, table.handles.serial));
}

/**
 * WORK_* for a client that lives here, once for each of its submits of that job. Whether it takes exceptions is
 * decided here.
 */
function onNotify(table: SessionTable, record: RecordView): void {
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

/** The WORK_FAIL that replaces a WORK_EXCEPTION: the handle without its NUL. */
function failFor(exception: Uint8Array): Uint8Array {
  let end = HEADER_BYTES;
  while (exception[end] !== 0) end++;
  const fail = exception.slice(0, end);
  writeHeader(fail, 0, Packet.WORK_FAIL, end - HEADER_BYTES);
  return fail;
}

function onMove(table: SessionTable, record: RecordView): void {
  const moved = readMove(record);
  let conn: number;
  try {
    conn = table.reactor.adopt(moved.fd, moved.unread, moved.unsent);
  } catch (error) {
    const { address, port } = moved.session(0);
    table.hooks.refuseHandshake(moved.fd);
    left(table, address);
    const text = `refuse ${address}:${port}: ${(error as Error).message}`;
    table.incidents.report(Incident.descriptors, text, { address, port });
    return;
  }
  table.add(moved.session(conn));
}

function onQuery(table: SessionTable, from: number, record: RecordView): void {
  const { id, query } = readQuery(record);
  answer(table, query, (result) => {
    const send = () => writeResult(table.writers[from], id, result);
    if (query.kind === 'echoBarrier' || query.kind === 'cancel') inNextTurn(table, send);
    else send();
  });
}

/**
 * Rings are published one after the other. A result that promises effects is sent one turn later, when the records of
 * this turn for other threads have been published.
 */
function inNextTurn(table: SessionTable, send: () => void): void {
  // Records are handled before continuations of their own turn.
  table.later(() => table.later(send));
}

function onResult(table: SessionTable, record: RecordView): void {
  const { id, result } = readResult(record);
  const query = table.queries.get(id);
  if (query === undefined) return;
  table.queries.delete(id);
  query.done(result);
}

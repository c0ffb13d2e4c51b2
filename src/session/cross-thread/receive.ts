/**
 * Records from other threads: frames for this owner, effects for connections that live here, connections that move in.
 * Rule: a record for a connection that has ended is dropped; GONE, sent behind everything else, makes the owner take
 * back what the connection held. Source: design rules, sections 3 to 5.
 */
import { latin1 } from '../../base/bytes.ts';
import type { Broker } from '../../broker/broker.ts';
import { LateAssignments } from '../../broker/late.ts';
import type { Peer } from '../../broker/peer.ts';
import { writeHeader } from '../../protocol/encode.ts';
import { Frame } from '../../protocol/frame.ts';
import { HEADER_BYTES, SLAB_BYTES_MAX } from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { left } from '../connection-limits.ts';
import { askNext, settleGrab } from '../handlers/grabs.ts';
import { Incident } from '../incidents.ts';
import { relieve, relieveOther } from '../relief.ts';
import { releaseAll, takePlace } from '../replies.ts';
import { farJobKey, type Session } from '../session.ts';
import type { Home } from '../session-table.ts';
import { decodeAnswer, encodeAnswer, type Question } from '../thread-queries.ts';
import { decodeMove } from './moving.ts';
import { RecordKind } from './records.ts';

/** A record as its reader sees it; `bytes` are valid until the handler returns. */
export interface RecordView {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly byteCount: number;
}

const KEY_BASE = 2 ** 31;
const frame = new Frame();

/** One record from thread `from`. */
export function onRecord(home: Home, from: number, record: RecordView): void {
  const { account } = home;
  if (account.held > account.granted) relieve(home);
  switch (record.kind) {
    case RecordKind.FRAME:
      onFarFrame(home, from, record);
      break;
    case RecordKind.REPLY:
      onReply(home, from, record);
      break;
    case RecordKind.NOTIFY:
      onNotify(home, record);
      break;
    case RecordKind.SLEEP:
      home.broker?.onSleep(farPeer(home, from, record.a), record.b);
      break;
    case RecordKind.AWAKE:
      home.broker?.onAwake(farPeer(home, from, record.a));
      break;
    case RecordKind.WAKE: {
      const session = home.live(record.a);
      if (session !== null && !session.isEnding) home.noop(session, record.b);
      break;
    }
    case RecordKind.GONE:
      onFarGone(home, from, record.a);
      break;
    case RecordKind.REVOKE:
      onRevoke(home, from, record);
      break;
    case RecordKind.CLOSE: {
      const session = home.live(record.a);
      const { bytes, at, byteCount } = record;
      if (session !== null) home.drop(session, latin1(bytes, at, at + byteCount));
      break;
    }
    case RecordKind.MOVE:
      onMove(home, record);
      break;
    case RecordKind.ARRIVE:
      onArrive(home, record);
      break;
    case RecordKind.LEFT: {
      const { bytes, at, byteCount } = record;
      home.addressCounts?.remove(latin1(bytes, at, at + byteCount), from);
      break;
    }
    case RecordKind.RELIEVE:
      relieveOther(home);
      break;
    case RecordKind.ASK:
      onAsk(home, from, record);
      break;
    default:
      onAnswer(home, record);
  }
}

/** The owner has taken a job back. One whose final packet is on its way there is not a matter of this connection any more. */
function onRevoke(home: Home, from: number, { a: isLate, b, c, d: conn }: RecordView): void {
  const session = home.live(conn);
  const key = farJobKey(from, (b >>> 0) + (c >>> 0) * 2 ** 32);
  if (session?.farJobs?.delete(key) !== true || isLate === 0) return;
  session.lateJobs ??= new LateAssignments();
  session.lateJobs.add(key);
}

/** The broker's peer for a connection that lives in another thread. */
function farPeer(home: Home, from: number, conn: number): Peer {
  const key = from * KEY_BASE + conn;
  let peer = home.farPeers.get(key);
  if (peer === undefined) {
    peer = (home.broker as Broker).addPeer(from, conn);
    home.farPeers.set(key, peer);
  }
  return peer;
}

function onFarFrame(home: Home, from: number, record: RecordView): void {
  const { a: conn, b: place, c: type, bytes, at, byteCount } = record;
  const seed = home.options.hashSeed;
  frame.parse(conn, type, bytes, at, at + byteCount, seed);
  // The turn's output has room for a head, not for data of any size.
  if (frame.dataBytes > SLAB_BYTES_MAX) {
    frame.blob = home.reactor.blobFrom(bytes, frame.data, frame.end);
    frame.end = frame.data;
  }
  home.outbox.farPlace = place;
  (home.broker as Broker).onFrame(farPeer(home, from, conn), frame);
}

function onFarGone(home: Home, from: number, conn: number): void {
  const key = from * KEY_BASE + conn;
  const peer = home.farPeers.get(key);
  if (peer === undefined) return;
  home.farPeers.delete(key);
  home.broker?.onPeerGone(peer);
}

/** An owner's reply fills its place; a job that comes with it is noted, a refused GRAB goes to the next owner. */
function onReply(home: Home, from: number, record: RecordView): void {
  const session = home.live(record.a);
  const place = session?.replies?.find(record.b);
  if (session == null || place === undefined) return;
  const { bytes, at, byteCount } = record;
  const type = bytes[at + 7] as number;
  if (session.grab?.placeId === place.id) {
    if (type === Packet.NO_JOB && !session.isEnding) {
      askNext(home, session);
      return;
    }
    settleGrab(home, session);
  }
  if (isAssign(type)) noteFarJob(home, session, from, bytes, at + HEADER_BYTES);
  if (home.exceeds(session, 0)) return;
  place.isFilled = true;
  if (session.replies?.front === place) home.output.write(session.conn, bytes, at, at + byteCount);
  else place.add(bytes.slice(at, at + byteCount));
  releaseAll(home, session);
}

function isAssign(type: number): boolean {
  return (
    type === Packet.JOB_ASSIGN || type === Packet.JOB_ASSIGN_UNIQ || type === Packet.JOB_ASSIGN_ALL
  );
}

function noteFarJob(
  home: Home,
  session: Session,
  from: number,
  bytes: Uint8Array,
  at: number,
): void {
  let end = at;
  while (bytes[end] !== 0) end++;
  if (!home.handles.parse(bytes, at, end)) return;
  session.farJobs ??= new Set();
  session.farJobs.add(farJobKey(from, home.handles.serial));
}

/**
 * WORK_* for a client that lives here, once for each of its submits of that job. Whether it takes exceptions is decided
 * now.
 */
function onNotify(home: Home, record: RecordView): void {
  const session = home.live(record.a);
  if (session === null || session.isEnding) return;
  const { bytes, at, byteCount } = record;
  let packet = bytes.subarray(at, at + byteCount);
  if (bytes[at + 7] === Packet.WORK_EXCEPTION && !session.takesExceptions) packet = failFor(packet);
  const kept = session.replies === null ? null : packet.slice();
  for (let copies = record.b; copies > 0 && !home.exceeds(session, byteCount); copies--) {
    if (kept === null) home.output.write(session.conn, packet);
    else keepPacket(session, kept);
  }
}

/** Behind the replies that wait. */
function keepPacket(session: Session, packet: Uint8Array): void {
  const place = takePlace(session);
  place.add(packet);
  place.isFilled = true;
}

/** The WORK_FAIL that stands for a WORK_EXCEPTION: the handle without its NUL. */
function failFor(exception: Uint8Array): Uint8Array {
  let end = HEADER_BYTES;
  while (exception[end] !== 0) end++;
  const fail = exception.slice(0, end);
  writeHeader(fail, 0, Packet.WORK_FAIL, end - HEADER_BYTES);
  return fail;
}

function onMove(home: Home, record: RecordView): void {
  const moved = decodeMove(record.bytes, record.at, record.byteCount);
  let conn: number;
  try {
    conn = home.reactor.adopt(moved.fd, moved.unread, moved.unsent);
  } catch (error) {
    const { address, port } = moved.session(0);
    home.hooks.refuseArrival(moved.fd);
    left(home, address);
    const text = `refuse ${address}:${port}: ${(error as Error).message}`;
    home.incidents.report(Incident.descriptors, text, { address, port });
    return;
  }
  home.add(moved.session(conn));
}

function onArrive(home: Home, record: RecordView): void {
  const { a: fd, b: port, bytes, at, byteCount } = record;
  home.hooks.onArrival(fd, latin1(bytes, at, at + byteCount), port);
}

function onAsk(home: Home, from: number, record: RecordView): void {
  const json = record.bytes.slice(record.at, record.at + record.byteCount);
  const question = JSON.parse(new TextDecoder().decode(json)) as Question;
  const { a: id } = record;
  home.answer(question, (answer) => {
    const bytes = encodeAnswer(answer);
    const send = () => home.links[from]?.send(RecordKind.ANSWER, id, 0, 0, 0, bytes);
    if (question.kind === 'fence' || question.kind === 'cancel') inNextTurn(home, send);
    else send();
  });
}

/**
 * Rings are published one after the other. An answer which says that effects have come is sent a turn later: what this
 * turn has for other threads is there by then.
 */
function inNextTurn(home: Home, send: () => void): void {
  // Records are handled before what goes on in their own turn.
  home.later(() => home.later(send));
}

function onAnswer(home: Home, record: RecordView): void {
  const question = home.questions.get(record.a);
  if (question === undefined) return;
  home.questions.delete(record.a);
  question.done(decodeAnswer(record.bytes, record.at, record.byteCount));
}

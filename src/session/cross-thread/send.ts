/**
 * Records of this thread to the owners of functions elsewhere: frames, sleeps, and connections that move to them.
 * Rule: every owner whose functions a connection has named gets GONE when it ends. A frame for an owner that is not
 * running ends its connection, because no thread could answer. Source: docs/design.md, sections 3 to 5.
 */
import type { Detached } from '../../native/contract.ts';
import type { Frame } from '../../protocol/frame.ts';
import { RECORD_BYTES_MAX } from '../../ring/layout.ts';
import type { RingWriter } from '../../ring/writer.ts';
import { left, moved } from '../connection-limits.ts';
import { Incident } from '../incidents.ts';
import { hold, unhold } from '../replies.ts';
import { contextOf, Hold, nameOf, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import { firstThread, NO_THREADS, nextThread, withThread } from '../thread-set.ts';
import { beginFrame, writeAwake, writeMove, writePeer, writeSleep } from './records.ts';

/**
 * Limit of the unread and unsent bytes of a connection that moves, so that they fit into a record with its other
 * fields.
 */
const MOVE_BYTES_MAX = RECORD_BYTES_MAX - 65_536;

/** Reason for closing a connection whose frame no thread could answer. */
export const DEAD_OWNER = 'the shard of its function is being started again';

/** Sends a frame to another owner; `replyId` is 0 when the owner owes no reply. Releases its blob's reference. */
export function sendFrame(
  table: SessionTable,
  session: Session,
  sent: Frame,
  owner: number,
  replyId: number,
): void {
  const { blob, inlineEnd } = sent;
  const inlineBytes = inlineEnd - sent.off;
  const blobBytes = blob > 0 ? sent.dataBytes : 0;
  const writer = named(table, session, owner);
  if (replyId === 0) confirmLater(session, owner);
  if (writer === null) table.drop(session, DEAD_OWNER);
  else {
    const { type, priority } = sent;
    beginFrame(writer, session.conn, replyId, type, inlineBytes + blobBytes, priority);
    writer.bytes.set(sent.bytes.subarray(sent.off, inlineEnd), writer.at);
    if (blob > 0) table.reactor.blobRead(blob, 0, writer.bytes, writer.at + inlineBytes, blobBytes);
  }
  if (blob > 0) table.reactor.blobRelease(blob);
}

export function sendGrab(
  table: SessionTable,
  session: Session,
  type: number,
  owner: number,
  replyId: number,
): void {
  const writer = named(table, session, owner);
  if (writer === null) table.drop(session, DEAD_OWNER);
  else beginFrame(writer, session.conn, replyId, type, 0);
}

export function sendSleep(table: SessionTable, session: Session, owner: number): void {
  confirmLater(session, owner);
  writeSleep(named(table, session, owner), session.conn, session.sleepSerial);
}

export function sendAwake(table: SessionTable, session: Session, owner: number): void {
  confirmLater(session, owner);
  writeAwake(named(table, session, owner), session.conn);
}

/** Says to an owner in another thread who the worker is. */
export function sendPeer(table: SessionTable, session: Session, owner: number): void {
  confirmLater(session, owner);
  writePeer(named(table, session, owner), session.conn, session, nameOf(session));
}

/** The same to all owners in other threads whose functions it offers. */
export function sendPeerToOwners(table: SessionTable, session: Session): void {
  const owners = session.abilities?.owners ?? NO_THREADS;
  for (let thread = firstThread(owners); thread >= 0; thread = nextThread(owners, thread))
    if (thread !== table.options.thread) sendPeer(table, session, thread);
}

/** The next echo waits until that owner has handled the records sent to it so far. */
function confirmLater(session: Session, owner: number): void {
  session.unconfirmedOwners = withThread(session.unconfirmedOwners, owner);
}

/** The writer to an owner. From now on this owner gets GONE when the connection ends. */
function named(table: SessionTable, session: Session, owner: number): RingWriter | null {
  session.owners = withThread(session.owners, owner);
  return table.writers[owner] ?? null;
}

/**
 * Moves the connection, from frame `held` on, to the running owner of the first function that it names. No reply may
 * be pending.
 */
export function handOff(table: SessionTable, session: Session, held: Frame, owner: number): void {
  if (session.replies !== null) return;
  hold(table, session, Hold.move, held.start);
  const detached = detach(table, session);
  if (detached === null) {
    session.stays = true;
    unhold(table, session, Hold.move);
    return;
  }
  const { fd, unread, unsent } = detached;
  table.remove(session);
  if (unread.length + unsent.length > MOVE_BYTES_MAX) {
    refuseMove(table, session, fd, unread.length + unsent.length);
    return;
  }
  moved(table, session.address, owner);
  writeMove(table.writers[owner], session, fd, unread, unsent);
}

/**
 * Closes a connection whose bytes do not fit into one record. This happens only with limits of about 2 GiB and a peer
 * that uses them fully.
 */
function refuseMove(table: SessionTable, session: Session, fd: number, byteCount: number): void {
  const reason = `move: ${byteCount} bytes are under way, limit ${MOVE_BYTES_MAX}`;
  const text = `close connection ${session.address}:${session.port}: ${reason}`;
  table.incidents.report(Incident.dropped, text, contextOf(session));
  left(table, session.address);
  table.hooks.refuseHandshake(fd);
}

/**
 * Removes the connection from this thread. Null when some of its bytes were dropped because memory was short, so that
 * another thread cannot read them.
 */
function detach(table: SessionTable, session: Session): Detached | null {
  try {
    return table.reactor.detach(session.conn);
  } catch {
    return null;
  }
}

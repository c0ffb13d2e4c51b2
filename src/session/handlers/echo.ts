/**
 * ECHO_REQ and its barrier. Rule: an echo promises that all earlier frames of its connection have taken effect, also
 * at other owners. Source: Gearman PROTOCOL; docs/design.md, sections 2 and 6.
 */
import { withView } from '../../base/bytes.ts';
import { writeHeader } from '../../protocol/encode.ts';
import type { Frame } from '../../protocol/frame.ts';
import { HEADER_BYTES } from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { limitPendingReplies, releaseAll, reserveReply } from '../replies.ts';
import type { Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import { firstThread, NO_THREADS, nextThread } from '../thread-set.ts';

/** Header of the current echo's reply. */
const echoHead = withView(new Uint8Array(HEADER_BYTES));

/** Replies when all earlier frames of the connection have taken effect, also at owners in other threads. */
export function onEcho(table: SessionTable, session: Session, frame: Frame): void {
  const { bytes, blob, data, dataBytes } = frame;
  if (blob < 0) {
    table.drop(session, 'ECHO_REQ: memory is short');
    return;
  }
  const dataEnd = data + (blob === 0 ? dataBytes : 0);
  writeHeader(echoHead, 0, Packet.ECHO_RES, dataBytes);
  if (session.unconfirmedOwners === NO_THREADS && session.replies === null) {
    const { conn } = session;
    table.output.write(conn, echoHead);
    if (blob === 0) table.output.write(conn, bytes, data, dataEnd);
    else table.output.blob(conn, blob, dataBytes);
    return;
  }
  const pending = reserveReply(session);
  pending.add(echoHead.slice(), bytes.slice(data, dataEnd));
  if (blob > 0) pending.add({ blob, byteCount: dataBytes });
  echoBarrier(table, session, () => {
    pending.isFilled = true;
    releaseAll(table, session);
  });
  limitPendingReplies(table, session, frame.end);
}

/** Calls `done` when every owner in another thread has handled all records that this connection has sent so far. */
export function echoBarrier(table: SessionTable, session: Session, done: () => void): void {
  const owners = session.unconfirmedOwners;
  session.unconfirmedOwners = NO_THREADS;
  let waiting = 1;
  const answered = () => {
    waiting--;
    if (waiting === 0 && table.live(session.conn) === session) done();
  };
  for (let thread = firstThread(owners); thread >= 0; thread = nextThread(owners, thread)) {
    waiting++;
    table.ask(thread, { kind: 'echoBarrier' }, answered);
  }
  answered();
}

/**
 * Handles records from other threads: frames for this owner, effects for connections that live here, connections that
 * move here. Rule: a record for a connection that has ended is dropped; on GONE, the last record of a connection, the
 * owner takes back the jobs that it held. Source: docs/design.md, sections 3 to 5.
 */
import type { Broker } from '../../broker/broker.ts';
import type { Peer } from '../../broker/peer.ts';
import { Frame } from '../../protocol/frame.ts';
import { SLAB_BYTES_MAX } from '../../protocol/limits.ts';
import { answer } from '../answers.ts';
import { left } from '../connection-limits.ts';
import { Incident } from '../incidents.ts';
import { relieve, relieveOther } from '../relief.ts';
import type { SessionTable } from '../session-table.ts';
import { onClose, onNotify, onReply, onRevoke, onWake } from './effects.ts';
import {
  RecordKind,
  type RecordView,
  readConn,
  readFrame,
  readHandshake,
  readLeft,
  readMove,
  readPeer,
  readQuery,
  readResult,
  readSleep,
  writeResult,
} from './records.ts';

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
    case RecordKind.PEER: {
      const { conn, name, isParallel, takesAttempts } = readPeer(record);
      const peer = crossThreadPeer(table, from, conn);
      table.broker?.onName(peer, name, isParallel, takesAttempts);
      break;
    }
    case RecordKind.WAKE:
      onWake(table, record);
      break;
    case RecordKind.GONE:
      table.crossThreadPeers.end(table.broker, from, readConn(record));
      break;
    case RecordKind.REVOKE:
      onRevoke(table, from, record);
      break;
    case RecordKind.CLOSE:
      onClose(table, record);
      break;
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
    default: {
      const { id, result } = readResult(record);
      table.queries.end(id, result);
    }
  }
}

/** The broker's peer for a connection that lives in another thread. */
function crossThreadPeer(table: SessionTable, from: number, conn: number): Peer {
  return table.crossThreadPeers.get(table.broker as Broker, from, conn);
}

function onCrossThreadFrame(table: SessionTable, from: number, record: RecordView): void {
  const { conn, replyId, type, priority } = readFrame(record);
  const { bytes, at, byteCount } = record;
  const seed = table.options.hashSeed;
  frame.parse(conn, type, bytes, at, at + byteCount, seed);
  frame.priority = priority;
  // The turn's output has room for a head, not for data of any size.
  if (frame.dataBytes > SLAB_BYTES_MAX) {
    frame.blob = table.reactor.blobFrom(bytes, frame.data, frame.end);
    frame.end = frame.data;
  }
  (table.broker as Broker).onFrame(crossThreadPeer(table, from, conn), frame, replyId);
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
 * Sends a result in the next turn. Rings are published one after the other; a result that promises effects must come
 * after the records of this turn for other threads.
 */
function inNextTurn(table: SessionTable, send: () => void): void {
  // Records are handled before continuations of their own turn.
  table.later(() => table.later(send));
}

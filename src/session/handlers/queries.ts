/**
 * Requests that change no job: echo, options, client id, status. Rule: an echo promises that all earlier frames of its
 * connection have taken effect, also at owners in other threads. Source: Gearman PROTOCOL; docs/design.md, sections 2
 * and 6.
 */
import { latin1, withView } from '../../base/bytes.ts';
import { isBetter, type JobStatus } from '../../broker/query.ts';
import { decimalBytes, packetOf, writeDecimal, writeHeader } from '../../protocol/encode.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import {
  CLIENT_ID_BYTES_MAX,
  HEADER_BYTES,
  OPTION_BYTES_MAX,
  TOKEN_BYTES_MAX,
} from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { onToken } from '../authorization.ts';
import {
  fill,
  hold,
  limitPendingReplies,
  releaseAll,
  reply,
  reserveReply,
  unhold,
} from '../replies.ts';
import { Hold, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import type { ThreadResult } from '../thread-queries.ts';
import { firstThread, NO_THREADS, nextThread } from '../thread-set.ts';

const TOKEN_PREFIX = 'token:';

/** Header of the current echo's reply. */
const echoHead = withView(new Uint8Array(HEADER_BYTES));

type QueryMaker = () => Parameters<SessionTable['ask']>[1];

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

export function onOption(table: SessionTable, session: Session, frame: Frame): void {
  if (table.hooks.takesTokens && isToken(frame)) {
    const token = textArgument(frame, TOKEN_PREFIX.length + TOKEN_BYTES_MAX + 1);
    const answer = packetOf(Packet.OPTION_RES, 'token');
    onToken(table, session, token.subarray(TOKEN_PREFIX.length), answer);
    return;
  }
  const option = textArgument(frame, OPTION_BYTES_MAX + 1);
  const text = latin1(option, 0, option.length).toLowerCase();
  if (text !== 'exceptions') {
    reply(table, session, Errors.unknownOption);
    return;
  }
  session.takesExceptions = true;
  const packet = new Uint8Array(HEADER_BYTES + frame.a0);
  const at = writeHeader(packet, 0, Packet.OPTION_RES, frame.a0);
  packet.set(frame.bytes.subarray(frame.off, frame.off + frame.a0), at);
  reply(table, session, packet);
}

/** An extension: `token:TOKEN`. A server without tokens answers it like any unknown option. */
function isToken({ bytes, off, a0 }: Frame): boolean {
  const length = TOKEN_PREFIX.length;
  return a0 > length && latin1(bytes, off, off + length) === TOKEN_PREFIX;
}

export function onClientId(table: SessionTable, session: Session, frame: Frame): void {
  const before = session.clientId?.length ?? 0;
  session.clientId = textArgument(frame, CLIENT_ID_BYTES_MAX);
  table.account.keep(session, session.clientId.length - before);
}

/** Argument 0 up to its first NUL, cut to `bytesMax`; a copy. */
function textArgument(frame: Frame, bytesMax: number): Uint8Array {
  const argument = frame.bytes.slice(frame.off, frame.off + Math.min(frame.a0, bytesMax));
  const nul = argument.indexOf(0);
  return nul < 0 ? argument : argument.subarray(0, nul);
}

export function onStatus(table: SessionTable, session: Session, frame: Frame): void {
  if (frame.type === Packet.GET_STATUS) onGetStatus(table, session, frame);
  else onGetStatusUnique(table, session, frame);
}

function onGetStatus(table: SessionTable, session: Session, frame: Frame): void {
  const handle = textArgument(frame, frame.a0);
  const { handles } = table;
  const isOurs =
    handles.parse(handle, 0, handle.length) &&
    (handles.shard === table.options.thread
      ? table.broker !== null
      : handles.shard >= 1 && handles.shard <= table.options.shardCount);
  const { shard, slot, serial } = handles;
  answerWith(
    table,
    session,
    frame,
    isOurs ? [shard] : [],
    () => ({ kind: 'handle', slot, serial }),
    (results) => statusPacket(Packet.STATUS_RES, handle, results[0]?.status ?? null),
  );
}

/**
 * Every owner searches its functions one after the other, a limited number a turn. The connection is held meanwhile,
 * so that it has one such search at a time.
 */
function onGetStatusUnique(table: SessionTable, session: Session, frame: Frame): void {
  const unique = textArgument(frame, frame.a0);
  const text = latin1(unique, 0, unique.length);
  const threads = ownerThreads(table);
  const pending = reserveReply(session);
  let best: JobStatus | null = null;
  const search = (index: number, cursor: number): void => {
    if (table.live(session.conn) !== session) return;
    const thread = threads[index];
    if (thread === undefined) {
      fill(table, session, pending, statusPacket(Packet.STATUS_RES_UNIQUE, unique, best));
      unhold(table, session, Hold.search);
      return;
    }
    table.ask(thread, { kind: 'unique', unique: text, cursor }, (result) => {
      const { status } = result;
      if (status !== null && (best === null || isBetter(status, best))) best = status;
      if (result.cursor === 0) search(index + 1, 0);
      else table.later(() => search(index, result.cursor));
    });
  };
  search(0, 0);
  if (pending.isFilled) limitPendingReplies(table, session, frame.end);
  else hold(table, session, Hold.search, frame.end);
}

/** Threads that own functions. */
export function ownerThreads(table: SessionTable): number[] {
  const { shardCount } = table.options;
  return shardCount === 0 ? [0] : Array.from({ length: shardCount }, (_, i) => i + 1);
}

/** Asks `threads` and replies with `join` of their results, in the frame's place. */
function answerWith(
  table: SessionTable,
  session: Session,
  frame: Frame,
  threads: readonly number[],
  query: QueryMaker,
  join: (results: ThreadResult[]) => Uint8Array,
): void {
  const results: ThreadResult[] = [];
  let pending = session.replies === null ? null : reserveReply(session);
  let waiting = threads.length;
  const done = () => {
    if (table.live(session.conn) !== session) return;
    if (pending === null) reply(table, session, join(results));
    else fill(table, session, pending, join(results));
  };
  if (waiting === 0) done();
  for (const thread of threads) {
    if (pending === null && thread !== table.options.thread) pending = reserveReply(session);
    table.ask(thread, query(), (result) => {
      results.push(result);
      waiting--;
      if (waiting === 0) done();
    });
  }
  limitPendingReplies(table, session, frame.end);
}

/** STATUS_RES: key, known, running, numerator, denominator; STATUS_RES_UNIQUE adds the number of clients. */
function statusPacket(type: number, key: Uint8Array, status: JobStatus | null): Uint8Array {
  const numbers = [
    status?.isKnown ? 1 : 0,
    status?.isRunning ? 1 : 0,
    status?.numerator ?? 0,
    status?.denominator ?? 0,
  ];
  if (type === Packet.STATUS_RES_UNIQUE) numbers.push(status?.watcherCount ?? 0);
  const payloadBytes = numbers.reduce((sum, n) => sum + 1 + decimalBytes(n), key.length);
  const packet = new Uint8Array(HEADER_BYTES + payloadBytes);
  let next = writeHeader(packet, 0, type, payloadBytes);
  packet.set(key, next);
  next += key.length;
  for (const n of numbers) {
    packet[next++] = 0;
    next = writeDecimal(packet, next, n);
  }
  return packet;
}

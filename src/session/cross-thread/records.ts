/**
 * Records that threads send each other about connections and jobs: one function that writes each kind and one that
 * reads it. No other file knows the meaning of a record's words. Rule: all records of one connection to one owner go
 * through one ring, so that the owner sees request order. For a thread that is not running there is no writer, and
 * nothing is written.
 *
 *   connection's thread -> owner   FRAME SLEEP AWAKE GONE PEER      acceptor -> shard   MOVE HANDSHAKE
 *   owner -> connection's thread   REPLY NOTIFY WAKE REVOKE CLOSE   shard -> acceptor   LEFT
 *   any -> any                     QUERY RESULT RELIEVE
 *
 * After `begin...` the caller writes the payload to the writer's `bytes` at `at`. `read...` returns a number or, for
 * several values, an object that the next record of that kind reuses.
 */
import { bytesOf, latin1 } from '../../base/bytes.ts';
import { RECORD_BYTES_MAX } from '../../ring/layout.ts';
import type { RingWriter } from '../../ring/writer.ts';
import type { Session } from '../session.ts';
import {
  decodeResult,
  encodeResult,
  type ThreadQuery,
  type ThreadResult,
} from '../thread-queries.ts';
import { decodeMove, encodeMove, type Moved } from './moving.ts';

export const RecordKind = {
  FRAME: 1,
  SLEEP: 2,
  AWAKE: 3,
  GONE: 4,
  QUERY: 5,
  MOVE: 6,
  REPLY: 7,
  NOTIFY: 8,
  WAKE: 9,
  REVOKE: 10,
  CLOSE: 11,
  RESULT: 12,
  HANDSHAKE: 13,
  LEFT: 14,
  RELIEVE: 15,
  PEER: 16,
} as const;

/** Null for a thread that is not running. */
type Writer = RingWriter | null | undefined;

/** A record as its reader sees it; its payload is `bytes[at, at + byteCount)`, valid until the next record is read. */
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

/** A record that is too large for any ring; nothing of it was written. */
export class RecordTooLarge extends Error {
  constructor(kind: number, byteCount: number) {
    const name = Object.entries(RecordKind).find(([, number]) => number === kind)?.[0] ?? `${kind}`;
    super(`begin record ${name}: ${byteCount} bytes, limit ${RECORD_BYTES_MAX}`);
    this.name = 'RecordTooLarge';
  }
}

function begin(
  writer: RingWriter,
  kind: number,
  a: number,
  b: number,
  c: number,
  d: number,
  byteCount: number,
): void {
  if (byteCount > RECORD_BYTES_MAX) throw new RecordTooLarge(kind, byteCount);
  writer.begin(kind, a, b, c, d, byteCount);
}

function send(writer: Writer, kind: number, a: number, b = 0, c = 0, d = 0): void {
  if (writer != null) begin(writer, kind, a, b, c, d, 0);
}

function sendBytes(writer: Writer, kind: number, a: number, b: number, payload: Uint8Array): void {
  if (writer == null) return;
  begin(writer, kind, a, b, 0, 0, payload.length);
  writer.bytes.set(payload, writer.at);
}

function textOf({ bytes, at, byteCount }: RecordView): string {
  return latin1(bytes, at, at + byteCount);
}

// FRAME: the payload of a packet of type `type`; the owner owes reply `replyId` (0: none). `priority` as in Frame.

const frame = { conn: 0, replyId: 0, type: 0, priority: 0 };

export function beginFrame(
  writer: RingWriter,
  conn: number,
  replyId: number,
  type: number,
  byteCount: number,
  priority = 0,
): void {
  begin(writer, RecordKind.FRAME, conn, replyId, type, priority, byteCount);
}

export function readFrame({ a, b, c, d }: RecordView): Readonly<typeof frame> {
  frame.conn = a;
  frame.replyId = b;
  frame.type = c;
  frame.priority = d;
  return frame;
}

// REPLY: a complete packet, reply number `replyId`.

const reply = { conn: 0, replyId: 0 };

export function beginReply(
  writer: RingWriter,
  conn: number,
  replyId: number,
  byteCount: number,
): void {
  begin(writer, RecordKind.REPLY, conn, replyId, 0, 0, byteCount);
}

export function readReply({ a, b }: RecordView): Readonly<typeof reply> {
  reply.conn = a;
  reply.replyId = b;
  return reply;
}

// NOTIFY: a complete packet that the connection gets `copies` times.

const notify = { conn: 0, copies: 0 };

export function beginNotify(
  writer: RingWriter,
  conn: number,
  copies: number,
  byteCount: number,
): void {
  begin(writer, RecordKind.NOTIFY, conn, copies, 0, 0, byteCount);
}

export function readNotify({ a, b }: RecordView): Readonly<typeof notify> {
  notify.conn = a;
  notify.copies = b;
  return notify;
}

// SLEEP: the worker sleeps, its sleep number `sleepSerial`. WAKE: there is work for it in that sleep.

const sleep = { conn: 0, sleepSerial: 0 };

export function writeSleep(writer: Writer, conn: number, sleepSerial: number): void {
  send(writer, RecordKind.SLEEP, conn, sleepSerial);
}

export function writeWake(writer: Writer, conn: number, sleepSerial: number): void {
  send(writer, RecordKind.WAKE, conn, sleepSerial);
}

/** Reads SLEEP or WAKE. */
export function readSleep({ a, b }: RecordView): Readonly<typeof sleep> {
  sleep.conn = a;
  sleep.sleepSerial = b;
  return sleep;
}

// AWAKE: the worker's sleep is over. GONE: the connection has ended.

export function writeAwake(writer: Writer, conn: number): void {
  send(writer, RecordKind.AWAKE, conn);
}

export function writeGone(writer: Writer, conn: number): void {
  send(writer, RecordKind.GONE, conn);
}

/** The connection of AWAKE and GONE. */
export function readConn({ a }: RecordView): number {
  return a;
}

// PEER: who the worker of the connection is (`Outbox.nameOf`), whether it may run several jobs at a time, and whether it
// takes numbers of runs in handles. It comes before its first offer, and when it changes.

const IS_PARALLEL = 1;
const TAKES_ATTEMPTS = 2;

export type PeerFacts = Pick<Session, 'isParallel' | 'takesAttempts'>;

export function writePeer(writer: Writer, conn: number, facts: PeerFacts, name: string): void {
  const bits = (facts.isParallel ? IS_PARALLEL : 0) | (facts.takesAttempts ? TAKES_ATTEMPTS : 0);
  sendBytes(writer, RecordKind.PEER, conn, bits, bytesOf(name));
}

export function readPeer(record: RecordView): PeerFacts & { conn: number; name: string } {
  const isParallel = (record.b & IS_PARALLEL) !== 0;
  const takesAttempts = (record.b & TAKES_ATTEMPTS) !== 0;
  return { conn: record.a, isParallel, takesAttempts, name: textOf(record) };
}

// REVOKE: the owner takes a job back, with `isLate` because of its timeout.

const revoke = { conn: 0, serial: 0, isLate: false };

export function writeRevoke(writer: Writer, conn: number, serial: number, isLate: boolean): void {
  send(writer, RecordKind.REVOKE, isLate ? 1 : 0, serial | 0, Math.floor(serial / 2 ** 32), conn);
}

export function readRevoke({ a, b, c, d }: RecordView): Readonly<typeof revoke> {
  revoke.conn = d;
  revoke.serial = (b >>> 0) + (c >>> 0) * 2 ** 32;
  revoke.isLate = a !== 0;
  return revoke;
}

// CLOSE: the owner ends the connection.

export function writeClose(writer: Writer, conn: number, reason: string): void {
  sendBytes(writer, RecordKind.CLOSE, conn, 0, bytesOf(reason));
}

export function readClose(record: RecordView): { conn: number; reason: string } {
  return { conn: record.a, reason: textOf(record) };
}

// QUERY: query number `id`, as JSON. RESULT: its result, as JSON, NUL, bytes.

export function writeQuery(writer: Writer, id: number, query: ThreadQuery): void {
  sendBytes(writer, RecordKind.QUERY, id, 0, new TextEncoder().encode(JSON.stringify(query)));
}

export function readQuery(record: RecordView): { id: number; query: ThreadQuery } {
  const json = record.bytes.slice(record.at, record.at + record.byteCount);
  return { id: record.a, query: JSON.parse(new TextDecoder().decode(json)) as ThreadQuery };
}

export function writeResult(writer: Writer, id: number, result: ThreadResult): void {
  sendBytes(writer, RecordKind.RESULT, id, 0, encodeResult(result));
}

export function readResult(record: RecordView): { id: number; result: ThreadResult } {
  return { id: record.a, result: decodeResult(record.bytes, record.at, record.byteCount) };
}

// MOVE: a connection moves to the other thread. Its payload: moving.ts.

export function writeMove(
  writer: Writer,
  session: Session,
  fd: number,
  unread: Uint8Array,
  unsent: Uint8Array,
): void {
  sendBytes(writer, RecordKind.MOVE, fd, 0, encodeMove(session, fd, unread, unsent));
}

export function readMove({ bytes, at, byteCount }: RecordView): Moved {
  return decodeMove(bytes, at, byteCount);
}

// HANDSHAKE: a peer that begins with a handshake goes to the other thread.

export function writeHandshake(writer: Writer, fd: number, address: string, port: number): void {
  sendBytes(writer, RecordKind.HANDSHAKE, fd, port, bytesOf(address));
}

export function readHandshake(record: RecordView): { fd: number; address: string; port: number } {
  return { fd: record.a, address: textOf(record), port: record.b };
}

/** The descriptor that a record hands over, or -1: close it when the thread that should read it has died. */
export function descriptorIn({ kind, a }: RecordView): number {
  return kind === RecordKind.MOVE || kind === RecordKind.HANDSHAKE ? a : -1;
}

// LEFT: a connection that the acceptor had accepted has ended.

export function writeLeft(writer: Writer, address: string): void {
  sendBytes(writer, RecordKind.LEFT, 0, 0, bytesOf(address));
}

export function readLeft(record: RecordView): string {
  return textOf(record);
}

// RELIEVE: memory is full, and the connection that holds most lives in the other thread.

export function writeRelieve(writer: Writer): void {
  send(writer, RecordKind.RELIEVE, 0);
}

/**
 * The payload of a MOVE record: a descriptor, the session's state, and its unread and unsent bytes.
 *
 *   | fd | port | facts | sleepSerial | bytes of each run (5) | address | clientId | tokenKey | unread | unsent |
 */
import { bytesOf, latin1 } from '../../base/bytes.ts';
import { Session } from '../session.ts';

const HEAD_INTS = 9;
const TAKES_EXCEPTIONS = 1;
const IS_ASLEEP = 2;
const HAS_CLIENT_ID = 4;
const TAKES_ATTEMPTS = 8;

export interface Moved {
  readonly fd: number;
  readonly unread: Uint8Array;
  readonly unsent: Uint8Array;
  /** The session under its new connection id. */
  session(conn: number): Session;
}

/** Payload of the MOVE record of a connection that leaves this thread. */
export function encodeMove(
  session: Session,
  fd: number,
  unread: Uint8Array,
  unsent: Uint8Array,
): Uint8Array {
  const address = bytesOf(session.address);
  const clientId = session.clientId ?? new Uint8Array(0);
  const tokenKey = bytesOf(session.tokenKey ?? '');
  const facts =
    (session.takesExceptions ? TAKES_EXCEPTIONS : 0) |
    (session.takesAttempts ? TAKES_ATTEMPTS : 0) |
    (session.isAsleep ? IS_ASLEEP : 0) |
    (session.clientId === null ? 0 : HAS_CLIENT_ID);
  const runs = [address, clientId, tokenKey, unread, unsent];
  const head = Int32Array.of(
    fd,
    session.port,
    facts,
    session.sleepSerial,
    ...runs.map((run) => run.length),
  );
  const record = new Uint8Array(HEAD_INTS * 4 + runs.reduce((sum, run) => sum + run.length, 0));
  record.set(new Uint8Array(head.buffer));
  let at = HEAD_INTS * 4;
  for (const run of runs) {
    record.set(run, at);
    at += run.length;
  }
  return record;
}

/** Reads a MOVE payload; the byte runs are copies. */
export function decodeMove(bytes: Uint8Array, start: number, count: number): Moved {
  const record = bytes.slice(start, start + count);
  const head = new Int32Array(record.buffer, 0, HEAD_INTS);
  const [fd, port, facts, sleepSerial, ...counts] = head as unknown as number[] as [
    number,
    number,
    number,
    number,
    ...number[],
  ];
  let at = HEAD_INTS * 4;
  const [address, clientId, tokenKey, unread, unsent] = counts.map((length) => {
    at += length;
    return record.subarray(at - length, at);
  }) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return {
    fd,
    unread,
    unsent,
    session(conn) {
      const session = new Session(conn, latin1(address, 0, address.length), port);
      session.clientId = (facts & HAS_CLIENT_ID) === 0 ? null : clientId;
      session.tokenKey = tokenKey.length === 0 ? null : latin1(tokenKey, 0, tokenKey.length);
      session.takesExceptions = (facts & TAKES_EXCEPTIONS) !== 0;
      session.takesAttempts = (facts & TAKES_ATTEMPTS) !== 0;
      session.isAsleep = (facts & IS_ASLEEP) !== 0;
      session.sleepSerial = sleepSerial;
      return session;
    },
  };
}

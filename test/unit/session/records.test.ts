/** Records between threads: what is written is what is read, and what no ring can carry is refused where it is made. */
import { describe, expect, it } from 'vitest';
import { createRingSet } from '../../../src/ring/layout.ts';
import { RingReader, RingWriter } from '../../../src/ring/ring.ts';
import * as records from '../../../src/session/cross-thread/records.ts';
import { Session } from '../../../src/session/session.ts';
import { DONE } from '../../../src/session/thread-queries.ts';

const { RecordKind } = records;
const CONN = 0x7fff_0003;

function pair() {
  const set = createRingSet(2, 1024 * 1024);
  const writer = new RingWriter(set, 0, 1, { ring: () => {}, post: () => {} });
  const reader = new RingReader(set, 0, 1, { ring: () => {}, receive: null });
  return { writer, reader };
}

/** What `read` makes of the one record that `write` writes, and its kind. */
function through<T>(
  write: (writer: RingWriter) => void,
  read: (record: records.RecordView) => T,
): [number, T] {
  const { writer, reader } = pair();
  write(writer);
  writer.publish();
  const seen: [number, T][] = [];
  reader.drain(10, (record) => seen.push([record.kind, read(record)]));
  expect(seen).toHaveLength(1);
  return seen[0] as [number, T];
}

/** Fields of a record with a payload that the caller writes, and that payload. */
function filled(
  begin: (writer: RingWriter, byteCount: number) => void,
  read: (record: records.RecordView) => object,
): [number, object] {
  const payload = Buffer.from('\0RES payload');
  return through(
    (writer) => {
      begin(writer, payload.length);
      writer.bytes.set(payload, writer.at);
    },
    (record) => {
      const { bytes, at, byteCount } = record;
      expect(Buffer.from(bytes.slice(at, at + byteCount))).toEqual(payload);
      return { ...read(record) };
    },
  );
}

describe('a record says to its reader what its writer was given', () => {
  it('about a frame, a reply and a notification', () => {
    expect(filled((w, n) => records.beginFrame(w, CONN, 7, 42, n, 3), records.readFrame)).toEqual([
      RecordKind.FRAME,
      { conn: CONN, replyId: 7, type: 42, priority: 3 },
    ]);
    expect(
      filled((w, n) => records.beginReply(w, CONN, 0x7fff_ffff, n), records.readReply),
    ).toEqual([RecordKind.REPLY, { conn: CONN, replyId: 0x7fff_ffff }]);
    expect(filled((w, n) => records.beginNotify(w, CONN, 3, n), records.readNotify)).toEqual([
      RecordKind.NOTIFY,
      { conn: CONN, copies: 3 },
    ]);
  });

  it('about sleeping and waking', () => {
    for (const [write, kind] of [
      [records.writeSleep, RecordKind.SLEEP],
      [records.writeWake, RecordKind.WAKE],
    ] as const)
      expect(
        through(
          (w) => write(w, CONN, 9),
          (r) => ({ ...records.readSleep(r) }),
        ),
      ).toEqual([kind, { conn: CONN, sleepSerial: 9 }]);
    expect(through((w) => records.writeAwake(w, CONN), records.readConn)).toEqual([
      RecordKind.AWAKE,
      CONN,
    ]);
  });

  it('about the end of a connection', () => {
    expect(through((w) => records.writeGone(w, CONN), records.readConn)).toEqual([
      RecordKind.GONE,
      CONN,
    ]);
    expect(through((w) => records.writeClose(w, CONN, 'CAN_DO: no'), records.readClose)).toEqual([
      RecordKind.CLOSE,
      { conn: CONN, reason: 'CAN_DO: no' },
    ]);
    const name = '::1:4 m\xff';
    for (const [isParallel, takesAttempts] of [
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const facts = { isParallel, takesAttempts };
      expect(through((w) => records.writePeer(w, CONN, facts, name), records.readPeer)).toEqual([
        RecordKind.PEER,
        { conn: CONN, ...facts, name },
      ]);
    }
    expect(through((w) => records.writeLeft(w, '::1'), records.readLeft)).toEqual([
      RecordKind.LEFT,
      '::1',
    ]);
  });

  it.each([
    [0, false],
    [2 ** 31, true],
    [2 ** 52 + 2 ** 31 + 1, false],
  ])('about a job taken back, with serial %d', (serial, isLate) => {
    expect(
      through(
        (w) => records.writeRevoke(w, CONN, serial, isLate),
        (r) => ({ ...records.readRevoke(r) }),
      ),
    ).toEqual([RecordKind.REVOKE, { conn: CONN, serial, isLate }]);
  });

  it('about queries and their results', () => {
    const query = { kind: 'unique', unique: 'ü\0', cursor: 3 } as const;
    expect(through((w) => records.writeQuery(w, 5, query), records.readQuery)).toEqual([
      RecordKind.QUERY,
      { id: 5, query },
    ]);
    const result = { ...DONE, cursor: 4, bytes: Uint8Array.of(0, 1, 255) };
    expect(through((w) => records.writeResult(w, 5, result), records.readResult)).toEqual([
      RecordKind.RESULT,
      { id: 5, result },
    ]);
  });

  it('about a connection that goes on in the other thread', () => {
    const session = new Session(CONN, '::1', 4730);
    const [kind, moved] = through(
      (w) => records.writeMove(w, session, 12, Uint8Array.of(1), Uint8Array.of(2, 3)),
      (r) => [records.readMove(r), records.descriptorIn(r)] as const,
    );
    expect(kind).toBe(RecordKind.MOVE);
    expect(moved[1]).toBe(12);
    const { fd, unread, unsent } = moved[0];
    expect([fd, [...unread], [...unsent]]).toEqual([12, [1], [2, 3]]);
    expect(
      through(
        (w) => records.writeHandshake(w, 13, '::1', 4730),
        (r) => [records.readHandshake(r), records.descriptorIn(r)],
      ),
    ).toEqual([RecordKind.HANDSHAKE, [{ fd: 13, address: '::1', port: 4730 }, 13]]);
    const other = through((w) => records.writeRelieve(w), records.descriptorIn);
    expect(other).toEqual([RecordKind.RELIEVE, -1]);
  });
});

it('writes nothing to a thread that does not run', () => {
  records.writeGone(null, CONN);
  records.writeClose(undefined, CONN, 'reason');
});

it('refuses a record above the limit by its name, and writes nothing of it', () => {
  const { writer, reader } = pair();
  records.writeWake(writer, 1, 2);
  expect(() => records.beginFrame(writer, 1, 0, 0, 2 ** 31)).toThrow(
    new records.RecordTooLarge(RecordKind.FRAME, 2 ** 31),
  );
  expect(() => records.beginReply(writer, 1, 0, 2 ** 31)).toThrow(
    'begin record REPLY: 2147483648 bytes, limit 2147483647',
  );
  writer.publish();
  const kinds: number[] = [];
  reader.drain(10, ({ kind }) => kinds.push(kind));
  expect([kinds, writer.sent]).toEqual([[RecordKind.WAKE], 1]);
});

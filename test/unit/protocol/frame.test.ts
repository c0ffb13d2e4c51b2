import { describe, expect, it } from 'vitest';
import { latin1 } from '../../../src/base/bytes.ts';
import { BLOB_DROPPED, ROW_INTS, Row, RowFlag } from '../../../src/protocol/batch.ts';
import { FrameDecoder } from '../../../src/protocol/decoder.ts';
import { Frame } from '../../../src/protocol/frame.ts';
import { hashBytes } from '../../../src/protocol/hash.ts';
import { ARG_COUNT, HAS_DATA } from '../../../src/protocol/packet-columns.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { rawPacket } from '../../support/packet-text.ts';
import { Random } from '../../support/random.ts';

const SEED = 99;

/** The arguments that the table promises, and the data. */
function contentOf(frame: Frame): string[] {
  const { bytes, off, a0, off1, a1, off2, a2, off3, a3, data, dataBytes } = frame;
  const spans = [
    [off, a0],
    [off1, a1],
    [off2, a2],
    [off3, a3],
  ] as const;
  const args = spans
    .slice(0, frame.isShort ? 1 : ARG_COUNT[frame.type])
    .map(([start, count]) => latin1(bytes, start, start + count));
  return [...args, latin1(bytes, data, data + dataBytes)];
}

/** The frame as the decoder's row tells it. */
function decoded(packet: Buffer): Frame {
  const arena = new Uint8Array(1 << 17);
  const rows = new Int32Array(ROW_INTS * 4);
  arena.set(packet, 100);
  const batch = { arena, rows, rowCount: 0, arenaBytes: 0 };
  new FrameDecoder(SEED, 1 << 20).decode(batch, 5, 100, 100 + packet.length);
  const frame = new Frame();
  frame.load(rows, arena, 0);
  return frame;
}

/** The same payload as it is read from another thread's record. */
function parsed(type: number, payload: Buffer): Frame {
  const bytes = new Uint8Array(payload.length + 60).fill(0);
  bytes.set(payload, 50);
  const frame = new Frame();
  frame.parse(5, type, bytes, 50, 50 + payload.length, SEED);
  return frame;
}

describe('a frame', () => {
  it('points into its row', () => {
    const frame = decoded(rawPacket(Packet.SUBMIT_REDUCE_JOB, 'fn\0uni\0red\0x\0work\0load'));
    expect(contentOf(frame)).toEqual(['fn', 'uni', 'red', 'x', 'work\0load']);
    expect([frame.conn, frame.type, frame.start, frame.end]).toEqual([5, 37, 100, 134]);
    expect(frame.hash0).toBe(hashBytes(Buffer.from('fn'), 0, 2, SEED));
    expect(frame.hash1).toBe(hashBytes(Buffer.from('uni'), 0, 3, SEED));
  });

  it('knows what it is not: whole, or there', () => {
    const rows = new Int32Array(ROW_INTS * 2);
    rows[ROW_INTS + Row.FLAGS] = RowFlag.SHORT;
    rows[ROW_INTS + Row.BLOB] = BLOB_DROPPED;
    const frame = new Frame();
    frame.load(rows, new Uint8Array(1), 0);
    expect([frame.isShort, frame.isDropped]).toEqual([false, false]);
    frame.load(rows, new Uint8Array(1), 1);
    expect([frame.isShort, frame.isDropped]).toEqual([true, true]);
  });

  it('reads from a record what the decoder reads from the wire', () => {
    const random = new Random(7);
    const types = [1, 2, 7, 9, 12, 13, 14, 18, 23, 25, 28, 29, 36, 37, 38];
    for (let round = 0; round < 3000; round++) {
      const type = types[round % types.length] as number;
      const argCount = ARG_COUNT[type]!;
      const nuls = HAS_DATA[type] === 1 ? argCount : Math.max(0, argCount - 1);
      const parts = Array.from({ length: nuls + 1 }, () =>
        Buffer.from(random.bytes(round % 40)).map((byte) => byte || 1),
      );
      let payload = Buffer.concat(
        parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.of(0), part])),
      );
      // What comes last may hold NULs of its own.
      if (round % 3 === 0) payload = Buffer.concat([payload, Buffer.of(0, 65, 0)]);
      const a = decoded(rawPacket(type, payload));
      const b = parsed(type, payload);
      expect(contentOf(b), `round ${round}`).toEqual(contentOf(a));
      expect([b.hash0, b.hash1, b.flags]).toEqual([a.hash0, a.hash1, a.flags]);
    }
  });

  it('without NULs is a handle and nothing else, from wire and record', () => {
    for (const type of [12, 13, 25, 28, 29]) {
      for (const frame of [
        decoded(rawPacket(type, 'handle')),
        parsed(type, Buffer.from('handle')),
      ]) {
        expect(frame.isShort).toBe(true);
        expect(contentOf(frame)).toEqual(['handle', '']);
      }
    }
  });
});

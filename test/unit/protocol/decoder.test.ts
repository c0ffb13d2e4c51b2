/**
 * The pure decoder: where rows point, what is left unconsumed, and why it stopped. What it makes of every packet, cut
 * in every way, is the parity suite's matter.
 */
import { describe, expect, test } from 'vitest';
import { FaultReason, ROW_INTS, Row, RowFlag, RowKind } from '../../../src/protocol/batch.ts';
import { appendRow, type FrameBatch, isFull } from '../../../src/protocol/batch-writer.ts';
import { FrameDecoder, Stop } from '../../../src/protocol/decoder.ts';
import { hashBytes } from '../../../src/protocol/hash.ts';
import { Packet } from '../../../src/protocol/packets.ts';

const SEED = 99;
const CONN = 77;
const START = 1000;

function packet(type: number, payload: string, magic = 'REQ'): Buffer {
  const header = Buffer.alloc(12);
  header.write(magic, 1, 'latin1');
  header.writeUInt32BE(type, 4);
  header.writeUInt32BE(payload.length, 8);
  return Buffer.concat([header, Buffer.from(payload, 'latin1')]);
}

function decode(bytes: Uint8Array, rowsMax = 8) {
  const batch: FrameBatch = {
    arena: new Uint8Array(START + bytes.length + 100).fill(0xee),
    rows: new Int32Array(rowsMax * ROW_INTS).fill(-99),
    rowCount: 0,
    arenaBytes: START,
  };
  batch.arena.set(bytes, START);
  const decoder = new FrameDecoder(SEED, 1 << 20);
  const stop = decoder.decode(batch, CONN, START, START + bytes.length);
  const rows = Array.from({ length: batch.rowCount }, (_, i) =>
    Array.from(batch.rows.subarray(i * ROW_INTS, (i + 1) * ROW_INTS)),
  );
  return { batch, decoder, stop, rows, consumed: decoder.at - START };
}

function hash(text: string): number {
  return hashBytes(Buffer.from(text), 0, text.length, SEED);
}

describe('the decoder', () => {
  test('writes every field of a submit row', () => {
    const bytes = packet(Packet.SUBMIT_JOB, 'reverse\0key\0data!');
    const { rows, stop, consumed } = decode(bytes);
    const end = START + bytes.length;
    const row: number[] = [];
    row[Row.CONN] = CONN;
    row[Row.TYPE] = Packet.SUBMIT_JOB;
    row[Row.START] = START;
    row[Row.OFF] = START + 12;
    row[Row.A0] = 7;
    row[Row.A1] = 3;
    row[Row.A2] = 0;
    row[Row.A3] = 0;
    row[Row.DATA] = end - 5;
    row[Row.DATA_LEN] = 5;
    row[Row.BLOB] = 0;
    row[Row.HASH0] = hash('reverse');
    row[Row.HASH1] = hash('key');
    row[Row.FLAGS] = 0;
    row[Row.END] = end;
    row[Row.SPARE] = 0;
    expect(rows).toEqual([row]);
    expect([stop, consumed]).toEqual([Stop.INCOMPLETE, bytes.length]);
  });

  test('lets the last argument of a packet without data take the rest', () => {
    const { rows } = decode(packet(Packet.CAN_DO_TIMEOUT, 'f\x0010\x00'));
    expect(rows[0]!.slice(Row.A0, Row.A2)).toEqual([1, 3]);
    expect(rows[0]![Row.DATA]).toBe(rows[0]![Row.END]);
  });

  test('keeps the lengths of four arguments and finds the data behind the seventh', () => {
    const { rows } = decode(packet(Packet.SUBMIT_JOB_SCHED, 'f\0uu\0mmm\0hhhh\0d\0m\0w\0data'));
    expect(rows[0]!.slice(Row.A0, Row.DATA)).toEqual([1, 2, 3, 4]);
    expect(rows[0]![Row.DATA_LEN]).toBe(4);
  });

  test('marks packets of a server and short ones', () => {
    const { rows } = decode(packet(Packet.WORK_COMPLETE, 'H:1', 'RES'));
    expect(rows[0]![Row.FLAGS]).toBe(RowFlag.RES | RowFlag.SHORT);
    expect(rows[0]!.slice(Row.A0, Row.BLOB)).toEqual([3, 0, 0, 0, rows[0]![Row.END], 0]);
  });

  test('strips one CR from a line, and points behind its LF', () => {
    const { rows } = decode(Buffer.from('status\r\r\n'));
    expect(rows[0]![Row.TYPE]).toBe(RowKind.LINE);
    expect(rows[0]![Row.A0]).toBe(7);
    expect(rows[0]![Row.END]).toBe(START + 9);
  });

  test('leaves an incomplete frame where it is', () => {
    const { rows, stop, consumed } = decode(
      Buffer.concat([Buffer.from('a\n'), packet(9, '').subarray(0, 11)]),
    );
    expect([rows.length, stop, consumed]).toEqual([1, Stop.INCOMPLETE, 2]);
  });

  test('stops when no row is free, in front of the frame that would need one', () => {
    const { rows, stop, consumed } = decode(Buffer.from('a\nb\nc\n'), 2);
    expect([rows.length, stop, consumed]).toEqual([2, Stop.ROWS_FULL, 4]);
  });

  test('does not ask for a row when nothing is left', () => {
    expect(decode(Buffer.from('a\nb\n'), 2).stop).toBe(Stop.INCOMPLETE);
  });

  test('hands a large frame over as soon as its head is whole', () => {
    const large = packet(Packet.SUBMIT_JOB, `f\0u\0${'x'.repeat(20_000)}`);
    const { decoder, stop, consumed, rows } = decode(
      Buffer.concat([Buffer.from('a\n'), large.subarray(0, 16)]),
    );
    expect([rows.length, stop, consumed]).toEqual([1, Stop.LARGE, 2]);
    expect([decoder.headBytes, decoder.dataBytes]).toEqual([16, 20_000]);
    expect(decode(large.subarray(0, 15)).stop).toBe(Stop.INCOMPLETE);
  });

  test('writes the row of a large frame from its head', () => {
    const head = packet(Packet.SUBMIT_JOB, `f\0u\0${'x'.repeat(20_000)}`).subarray(0, 16);
    const { batch, decoder } = decode(Buffer.alloc(0));
    batch.arena.set(head, 500);
    decoder.appendLarge(batch, CONN, 500, 516, 20_000, 31);
    const row = batch.rows;
    expect(row[Row.TYPE]).toBe(Packet.SUBMIT_JOB);
    expect([row[Row.DATA], row[Row.DATA_LEN], row[Row.BLOB], row[Row.END]]).toEqual([
      516, 20_000, 31, 516,
    ]);
    expect([row[Row.HASH0], row[Row.HASH1]]).toEqual([hash('f'), hash('u')]);
  });

  test('writes a fault with its reason and leaves its bytes', () => {
    const { rows, stop, consumed } = decode(Buffer.concat([Buffer.from('a\n'), packet(43, '')]));
    expect([stop, consumed]).toEqual([Stop.FAULT, 2]);
    expect(rows[1]!.slice(0, Row.A2)).toEqual([
      CONN,
      RowKind.FAULT,
      START + 2,
      START + 2,
      FaultReason.BAD_TYPE,
      0,
    ]);
  });
});

describe('the batch', () => {
  test('is full when its last row is taken', () => {
    const batch = {
      arena: new Uint8Array(1),
      rows: new Int32Array(2 * ROW_INTS),
      rowCount: 0,
      arenaBytes: 0,
    };
    appendRow(batch, 1, RowKind.GONE, 0, 0, 0);
    expect(isFull(batch)).toBe(false);
    expect(appendRow(batch, 1, RowKind.GONE, 0, 0, 0)).toBe(ROW_INTS);
    expect(isFull(batch)).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { ROW_INTS, Row, RowKind } from '../../../src/protocol/batch.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { describeTurn } from '../../../src/shard/turn-measures.ts';

const NO_WORK = { records: 0, dueJobs: 0, listings: 0 };

/** Rows of [connection, type], each so many times. */
function rowsOf(...lots: [conn: number, type: number, count: number][]): [Int32Array, number] {
  const all = lots.flatMap(([conn, type, count]) =>
    Array.from({ length: count }, () => [conn, type]),
  );
  const rows = new Int32Array((all.length + 1) * ROW_INTS).fill(99);
  for (const [i, [conn, type]] of all.entries()) {
    rows[i * ROW_INTS + Row.CONN] = conn as number;
    rows[i * ROW_INTS + Row.TYPE] = type as number;
  }
  return [rows, all.length];
}

describe('what a turn did', () => {
  it('names its rows, most frequent first, and counts their connections', () => {
    const rows = rowsOf(
      [1, Packet.GRAB_JOB, 2],
      [1, RowKind.OPEN, 1],
      [2, Packet.SUBMIT_JOB_BG, 40],
      [3, Packet.SUBMIT_JOB_BG, 2],
    );
    expect(describeTurn(...rows, NO_WORK)).toBe(
      '45 rows of 3 connections (42 SUBMIT_JOB_BG, 2 GRAB_JOB, 1 new connection)',
    );
  });

  it('counts kinds together that are rare', () => {
    const types = [Packet.CAN_DO, Packet.PRE_SLEEP, Packet.GRAB_JOB, RowKind.LINE, RowKind.GONE];
    const rows = rowsOf(...types.map((type, i) => [7, type, 9 - i] as [number, number, number]));
    expect(describeTurn(...rows, NO_WORK)).toBe(
      '35 rows of 1 connections (9 CAN_DO, 8 PRE_SLEEP, 7 GRAB_JOB, 6 text line, 5 others)',
    );
  });

  it('tells of records, due jobs and listings', () => {
    expect(describeTurn(...rowsOf(), { records: 3, dueJobs: 10_000, listings: 1 })).toBe(
      '3 records of other threads, 10000 due jobs, 1 listings',
    );
  });

  it('says so when there was nothing', () => {
    expect(describeTurn(...rowsOf(), NO_WORK)).toBe('nothing of its own');
  });
});

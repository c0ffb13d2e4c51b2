/**
 * THE packet table as types: what may not be forgotten does not compile. Checked by `tsc -p test`; what the rows say is
 * checked in session/packet-rules.test.ts.
 */
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type KindName,
  PACKETS,
  Packet,
  type PacketName,
  type Request,
  type Response,
} from '../../../src/protocol/packets.ts';

type Row = Request | Response;
type Rows = typeof PACKETS;

/** `NAME.field` of every field of every row without which the row would still compile. */
type Spare = {
  [N in PacketName]: {
    [F in keyof Rows[N] & string]: Omit<Rows[N], F> extends Row ? `${N}.${F}` : never;
  }[keyof Rows[N] & string];
}[PacketName];

/** Packets without which the table would still compile. */
type SpareRow = {
  [N in PacketName]: Omit<Rows, N> extends Record<PacketName, Row> ? N : never;
}[PacketName];

describe('the packet table', () => {
  it('does not compile without any field of any row', () => {
    expectTypeOf<Spare>().toEqualTypeOf<never>();
  });

  it('does not compile without any row', () => {
    expectTypeOf<SpareRow>().toEqualTypeOf<never>();
  });

  it('does not compile with a row that says too little', () => {
    const shape = { argCount: 1, hasData: false } as const;
    const rows: readonly Row[] = [
      shape,
      { ...shape, names: 'function', kind: 'offer', right: 'work' },
      // @ts-expect-error: right is missing
      { ...shape, names: 'function', kind: 'offer' },
      // @ts-expect-error: kind is missing
      { ...shape, names: 'function', right: 'work' },
      // @ts-expect-error: names is missing
      { ...shape, kind: 'offer', right: 'work' },
      // @ts-expect-error: there is no such kind
      { ...shape, names: 'function', kind: 'offers', right: 'work' },
      // @ts-expect-error: priority, background and extra are missing
      { ...shape, names: 'functionAndUnique', kind: 'submit', right: 'submit' },
      // @ts-expect-error: assign is missing
      { ...shape, names: 'nothing', kind: 'grab', right: 'none' },
      // @ts-expect-error: mayBeShort and isFinal are missing
      { ...shape, names: 'nothing', kind: 'work', right: 'none' },
      // @ts-expect-error: argCount is missing
      { hasData: false },
    ];
    expect(rows).toHaveLength(10);
  });

  it('does not compile without a packet or with one that has no number', () => {
    const { NOOP: _noop, ...others } = PACKETS;
    // @ts-expect-error: NOOP is missing
    const fewer: Record<PacketName, Row> = others;
    // @ts-expect-error: EXTENSION has no number
    const more: Record<PacketName, Row> = { ...PACKETS, EXTENSION: PACKETS.NOOP };
    expect([fewer, more].map((rows) => Object.keys(rows).length)).toEqual([41, 43]);
  });

  it('has no handlers to be forgotten', () => {
    // @ts-expect-error: all kinds but one are missing
    const handlers: Record<KindName, () => void> = { ignored: () => {} };
    expect(handlers).toBeDefined();
  });

  it('has a number of its own for each packet, and no gap', () => {
    const types = Object.values(Packet).sort((a, b) => a - b);
    expect(types).toEqual(types.map((_, index) => index + 1));
    expect(Object.keys(PACKETS).sort()).toEqual(Object.keys(Packet).sort());
  });
});

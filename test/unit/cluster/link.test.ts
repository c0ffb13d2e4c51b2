import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Link, type LinkEffect, WINDOW_BYTES } from '../../../src/cluster/link.ts';
import { decodeLinkMessage, encodeLinkMessage } from '../../../src/cluster/link-message.ts';
import { Random } from '../../support/random.ts';

const linkOf = (incarnation: string, messageBytesMax = 1 << 20, recordBytesMax = 1 << 30) =>
  new Link({ incarnation, messageBytesMax, recordBytesMax });

const messagesOf = (effects: readonly LinkEffect[]): Uint8Array[] =>
  effects.flatMap((effect) => (effect.type === 'message' ? [effect.bytes] : []));
const recordsOf = (effects: readonly LinkEffect[]): Uint8Array[] =>
  effects.flatMap((effect) => (effect.type === 'record' ? [effect.record] : []));
const resetsOf = (effects: readonly LinkEffect[]): number =>
  effects.filter(({ type }) => type === 'reset').length;

function give(link: Link, bytes: Uint8Array, nowMs: number): LinkEffect[] {
  const message = decodeLinkMessage(bytes);
  if (message === null) throw new Error('a link has sent a message that is none');
  return link.step({ type: 'message', message, nowMs });
}

/** Two links and a network between them that loses, repeats and reorders. */
class Pair {
  readonly links = [linkOf('a.1', 1024), linkOf('b.1', 1024)] as const;
  readonly wires: [Uint8Array[], Uint8Array[]] = [[], []];
  readonly sent: [string[], string[]] = [[], []];
  readonly received: [string[], string[]] = [[], []];
  readonly resets = [0, 0];
  nowMs = 0;
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  send(side: 0 | 1, record: string): void {
    this.sent[side].push(record);
    this.links[side].step({ type: 'send', record: Buffer.from(record) });
  }

  turn(side: 0 | 1): void {
    const effects = this.links[side].step({ type: 'turn', nowMs: this.nowMs });
    this.wires[side].push(...messagesOf(effects));
  }

  deliver(side: 0 | 1, isBad: boolean): void {
    const wire = this.wires[side];
    if (wire.length === 0) return;
    const at = isBad ? this.#random.below(wire.length) : 0;
    const bytes = wire[at] as Uint8Array;
    if (!isBad || !this.#random.oneIn(3)) wire.splice(at, 1);
    if (isBad && this.#random.oneIn(3)) return;
    const other = side === 0 ? 1 : 0;
    for (const effect of give(this.links[other], bytes, this.nowMs)) {
      if (effect.type === 'record') this.received[side].push(Buffer.from(effect.record).toString());
      else if (effect.type === 'reset') this.#forget(other);
    }
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  reset(side: 0 | 1): void {
    expect(resetsOf(this.links[side].step({ type: 'reset' }))).toBe(1);
    this.#forget(side);
  }

  /** What this side has sent or received before belongs to an earlier generation. */
  #forget(side: 0 | 1): void {
    this.resets[side] = (this.resets[side] as number) + 1;
    this.sent[side] = [];
    this.received[side === 0 ? 1 : 0] = [];
  }

  calm(): void {
    for (let i = 0; i < 60; i++) {
      this.nowMs += 2100;
      this.turn(0);
      this.turn(1);
      while (this.wires[0].length + this.wires[1].length > 0) {
        this.deliver(0, false);
        this.deliver(1, false);
      }
    }
  }
}

function play(seed: number, resets: boolean): Pair {
  const random = new Random(seed);
  const pair = new Pair(seed + 1);
  let count = 0;
  for (let i = 0; i < 300; i++) {
    const side = random.below(2) as 0 | 1;
    random.weighted<() => void>([
      [4, () => pair.send(side, `${++count} ${'x'.repeat(random.pick([0, 5, 400, 3000]))}`)],
      [4, () => pair.turn(side)],
      [8, () => pair.deliver(side, random.oneIn(3))],
      [2, () => pair.pass(random.pick([1, 90, 700]))],
      [resets ? 1 : 0, () => pair.reset(side)],
    ])();
  }
  pair.calm();
  return pair;
}

describe('a link', () => {
  it('delivers each record once and in order, whatever the network does', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const pair = play(seed, false);
      expect(pair.received, `seed ${seed}`).toEqual(pair.sent);
      expect(pair.links[0].pendingBytes).toBe(0);
      expect(pair.resets).toEqual([0, 0]);
    }
  });

  it('delivers what was sent since the last reset of either side', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const pair = play(seed, true);
      expect(pair.received, `seed ${seed}`).toEqual(pair.sent);
      expect(pair.links[0].generation).toBe(pair.links[1].generation);
    }
  });

  it('makes the other side notice a reset when there is nothing to send', () => {
    const pair = new Pair(1);
    pair.reset(0);
    pair.turn(0);
    pair.wires[0].length = 0;
    pair.calm();
    expect(pair.resets).toEqual([1, 1]);
    expect(pair.links[1].generation).toBe(2);
  });

  it('sends at most the window, in messages of at most the size that NATS takes', () => {
    const link = linkOf('a.1', 600_000);
    link.step({ type: 'send', record: new Uint8Array(5 * 1024 * 1024) });
    link.step({ type: 'send', record: Uint8Array.of(7) });
    const first = messagesOf(link.step({ type: 'turn', nowMs: 0 }));
    const sizes = first.map((bytes) => bytes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
    const carried = first.flatMap((bytes) => decodeLinkMessage(bytes)?.pieces ?? []);
    expect(carried.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(WINDOW_BYTES);
    expect(messagesOf(link.step({ type: 'turn', nowMs: 1 }))).toEqual([]);

    const other = linkOf('b.1', 600_000);
    const records = first.flatMap((bytes) => recordsOf(give(other, bytes, 2)));
    const answers = messagesOf(other.step({ type: 'turn', nowMs: 2 }));
    expect(answers).toHaveLength(1);
    for (const bytes of answers) give(link, bytes, 4);
    expect(link.roundTripMs).toBe(4);
    for (const bytes of messagesOf(link.step({ type: 'turn', nowMs: 4 })))
      records.push(...recordsOf(give(other, bytes, 5)));
    expect(records.map((record) => record.length)).toEqual([5 * 1024 * 1024, 1]);
  });

  it('sends again later and later until there is an acknowledgement', () => {
    const link = linkOf('a.1');
    link.step({ type: 'send', record: Uint8Array.of(1) });
    const times: number[] = [];
    for (let nowMs = 0; nowMs <= 9000; nowMs += 50)
      if (messagesOf(link.step({ type: 'turn', nowMs })).length > 0) times.push(nowMs);
    expect(times).toEqual([0, 200, 600, 1400, 3000, 5000, 7000, 9000]);
  });

  it('drops a record above the limit and goes on', () => {
    const link = linkOf('a.1', 1024);
    const other = linkOf('b.1', 1024, 2000);
    link.step({ type: 'send', record: new Uint8Array(5000) });
    link.step({ type: 'send', record: Uint8Array.of(9) });
    const effects = messagesOf(link.step({ type: 'turn', nowMs: 0 })).flatMap((bytes) =>
      give(other, bytes, 0),
    );
    expect(effects).toEqual([
      { type: 'dropped', byteCount: 5000 },
      { type: 'record', record: Uint8Array.of(9) },
    ]);
  });
});

describe('a link message', () => {
  it('is null for bytes that are none, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isVersioned) => {
        if (isVersioned && bytes.length > 1) bytes.set([1, bytes.length % 9]);
        const message = decodeLinkMessage(bytes);
        if (message !== null) expect(encodeLinkMessage(message)).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});

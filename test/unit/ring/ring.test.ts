/** The ring against a model in one thread: order, content, overflow, large records, errors of the handler. */

import { describe, expect, it } from 'vitest';
import {
  createRingSet,
  defaultRingBytes,
  type RingSet,
  readWord,
  resetThread,
  writeWord,
} from '../../../src/ring/layout.ts';
import { RingReader, RingWriter } from '../../../src/ring/ring.ts';
import { Random } from '../../support/random.ts';

const FROM = 1;
const TO = 2;

interface Pair {
  readonly set: RingSet;
  readonly writer: RingWriter;
  readonly reader: RingReader;
  readonly port: ArrayBuffer[];
  /** Threads whose doorbell rang, in order. */
  readonly rung: number[];
}

function pair(ringBytes = 1024, startIndex = -64): Pair {
  const set = createRingSet(3, ringBytes, startIndex);
  const port: ArrayBuffer[] = [];
  const rung: number[] = [];
  const ring = (thread: number): void => {
    rung.push(thread);
  };
  const post = (bytes: ArrayBuffer): void => {
    port.push(structuredClone(bytes, { transfer: [bytes] }));
  };
  const writer = new RingWriter(set, FROM, TO, { ring, post });
  const reader = new RingReader(set, FROM, TO, { ring, receive: () => port.shift() });
  return { set, writer, reader, port, rung };
}

function put(writer: RingWriter, kind: number, byteCount: number, fill = kind): void {
  writer.begin(kind, kind + 1, -kind, 0x7fffffff, -0x80000000, byteCount);
  writer.bytes.fill(fill, writer.at, writer.at + byteCount);
  writer.commit();
}

/** Kind and payload of each record that can be read now. */
function takeAll(reader: RingReader, limit = Number.POSITIVE_INFINITY): [number, string][] {
  const seen: [number, string][] = [];
  reader.drain(limit, (r) => {
    expect([r.a, r.b, r.c, r.d]).toEqual([r.kind + 1, 0 - r.kind, 0x7fffffff, -0x80000000]);
    seen.push([r.kind, Buffer.from(r.bytes.slice(r.at, r.at + r.byteCount)).toString('hex')]);
  });
  return seen;
}

function hex(fill: number, byteCount: number): string {
  return Buffer.alloc(byteCount, fill).toString('hex');
}

/** Random writes, publishes, drains against a queue; sizes reach over the limit for large records. */
function playAgainstModel(seed: number, startIndex: number): { large: number; overflowed: number } {
  const random = new Random(seed);
  const { set, writer, reader } = pair(1024 << random.below(3), startIndex);
  const model: { kind: number; a: number; bytes: Buffer }[] = [];
  let large = 0;
  let overflowed = 0;
  for (let step = 0; step < 2_000; step++) {
    const action = random.below(10);
    if (action < 6) {
      const size = random.oneIn(20) ? random.below(set.ringBytes) : random.below(100);
      const record = { kind: random.below(1000), a: random.next() | 0, bytes: random.bytes(size) };
      writer.begin(record.kind, record.a, step, -step, 7, size);
      writer.bytes.set(record.bytes, writer.at);
      writer.commit();
      model.push(record);
      if (size > set.ringBytes / 8) large++;
    } else if (action < 8) {
      if (writer.overflowBytes > 0) overflowed++;
      writer.publish();
    } else {
      const limit = random.below(40);
      const count = reader.drain(limit, (r) => {
        const want = model.shift();
        expect([r.kind, r.a, r.d, r.byteCount]).toEqual([
          want?.kind,
          want?.a,
          7,
          want?.bytes.length,
        ]);
        const got = Buffer.from(r.bytes.buffer, r.bytes.byteOffset + r.at, r.byteCount);
        expect(got.equals(want?.bytes as Buffer)).toBe(true);
      });
      expect(count).toBeLessThanOrEqual(limit);
    }
  }
  while (model.length > 0) {
    writer.publish();
    expect(reader.drain(1_000, () => model.shift())).toBeGreaterThan(0);
  }
  expect(writer.drainOverflow()).toBe(true);
  expect(reader.isEmpty).toBe(true);
  expect(reader.received).toBe(writer.sent);
  const strangers = [writeWord(TO, FROM), readWord(TO, FROM), writeWord(0, 1), readWord(0, 2)];
  expect(strangers.map((word) => set.words[word])).toEqual(Array(4).fill(startIndex));
  return { large, overflowed };
}

describe('ring', () => {
  it.each([
    ['zero', 0],
    ['just below 2^32', -256],
    ['just below 2^31', 2 ** 31 - 256],
  ])('hands out what a queue would when the indexes start at %s', (_name, startIndex) => {
    let large = 0;
    let overflowed = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const seen = playAgainstModel(seed, startIndex);
      large += seen.large;
      overflowed += seen.overflowed;
    }
    expect(large).toBeGreaterThan(100);
    expect(overflowed).toBeGreaterThan(100);
  });

  it('shows nothing before it is published', () => {
    const { writer, reader } = pair();
    put(writer, 1, 8);
    expect(reader.isEmpty).toBe(true);
    expect(takeAll(reader)).toEqual([]);
    writer.publish();
    expect(reader.isEmpty).toBe(false);
    expect(takeAll(reader)).toEqual([[1, hex(1, 8)]]);
  });

  it('takes records of every size from empty to an eighth of the ring in place', () => {
    const { writer, reader, port } = pair(4096);
    for (let size = 0; size <= 512; size++) {
      put(writer, size, size, 0xa5);
      writer.publish();
      expect(takeAll(reader)).toEqual([[size, hex(0xa5, size)]]);
    }
    expect(port).toEqual([]);
  });

  it('hands at most the limit out and goes on behind it', () => {
    const { writer, reader } = pair();
    for (let kind = 0; kind < 5; kind++) put(writer, kind, 3);
    writer.publish();
    expect(takeAll(reader, 2).map(([kind]) => kind)).toEqual([0, 1]);
    expect(takeAll(reader, 2).map(([kind]) => kind)).toEqual([2, 3]);
    expect(takeAll(reader, 0)).toEqual([]);
    expect(takeAll(reader, 2).map(([kind]) => kind)).toEqual([4]);
  });

  it('hands out within one drain what the handler makes the writer publish', () => {
    const { writer, reader } = pair();
    put(writer, 1, 0);
    writer.publish();
    const kinds: number[] = [];
    reader.drain(3, (r) => {
      kinds.push(r.kind);
      put(writer, r.kind + 1, 0);
      writer.publish();
    });
    expect(kinds).toEqual([1, 2, 3]);
  });

  it('fills the ring to its last byte', () => {
    const { writer, reader } = pair(1024, 0);
    for (let i = 0; i < 8; i++) put(writer, i, 104);
    expect(writer.overflowBytes).toBe(0);
    put(writer, 8, 0);
    expect(writer.overflowBytes).toBe(24);
    writer.publish();
    expect(takeAll(reader)).toHaveLength(8);
  });

  it('refuses a negative kind, a record of 2^31 bytes and a commit of none', () => {
    const { writer } = pair();
    expect(() => writer.begin(-1, 0, 0, 0, 0, 0)).toThrow('begin record');
    expect(() => writer.begin(1, 0, 0, 0, 0, 2 ** 31)).toThrow('begin record');
    expect(() => writer.commit()).toThrow('commit record');
    expect(writer.sent).toBe(0);
  });

  it('ends a record where the next one begins, or all are published', () => {
    const { writer, reader } = pair();
    for (const kind of [1, 2]) {
      writer.begin(kind, kind + 1, -kind, 0x7fffffff, -0x80000000, 3);
      writer.bytes.fill(kind, writer.at, writer.at + 3);
    }
    expect(writer.sent).toBe(1);
    writer.publish();
    expect(takeAll(reader)).toEqual([
      [1, hex(1, 3)],
      [2, hex(2, 3)],
    ]);
    expect(writer.sent).toBe(2);
  });

  it('refuses a ring size that is not a power of two and a ring from a thread to itself', () => {
    expect(() => createRingSet(2, 3000)).toThrow('power of two');
    expect(() => createRingSet(2, 512)).toThrow('power of two');
    const set = createRingSet(2, 1024);
    expect(() => new RingReader(set, 1, 1, { ring: () => {}, receive: null })).toThrow('none');
    expect(() => new RingWriter(set, 0, 0, { ring: () => {}, post: () => {} })).toThrow('none');
  });

  it('is smaller when there are many threads', () => {
    expect([2, 8, 9, 17].map(defaultRingBytes)).toEqual([1048576, 1048576, 262144, 262144]);
  });
});

describe('overflow', () => {
  it('keeps what does not fit, in order, until the reader made room', () => {
    const { writer, reader } = pair();
    for (let kind = 0; kind < 40; kind++) put(writer, kind, kind);
    expect(writer.overflowBytes).toBeGreaterThan(0);
    const kinds: number[] = [];
    while (!writer.drainOverflow()) kinds.push(...takeAll(reader).map(([kind]) => kind));
    kinds.push(...takeAll(reader).map(([kind]) => kind));
    expect(kinds).toEqual(Array.from({ length: 40 }, (_, kind) => kind));
    expect(writer.overflowBytes).toBe(0);
  });

  it('sends later records behind the overflow even when they would fit', () => {
    const { writer, reader } = pair();
    for (let kind = 0; kind < 9; kind++) put(writer, kind, 100);
    writer.publish();
    const kinds = takeAll(reader).map(([kind]) => kind);
    put(writer, 9, 0);
    writer.publish();
    kinds.push(...takeAll(reader).map(([kind]) => kind));
    expect(kinds).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('asks the reader for a ring of the bell when room appears, once', () => {
    const { writer, reader, rung } = pair();
    for (let kind = 0; kind < 20; kind++) put(writer, kind, 100);
    writer.publish();
    expect(rung).toEqual([]);
    takeAll(reader);
    expect(rung).toEqual([FROM]);
    takeAll(reader);
    expect(rung).toEqual([FROM]);
    writer.publish();
    takeAll(reader);
    expect(rung).toEqual([FROM, FROM]);
  });

  it('does not make the reader ring when nothing overflowed', () => {
    const { writer, reader, rung } = pair();
    put(writer, 1, 10);
    writer.publish();
    takeAll(reader);
    expect(rung).toEqual([]);
  });

  it('holds a hundred rings of records', () => {
    const { writer, reader } = pair();
    for (let i = 0; i < 1_000; i++) put(writer, i, 100);
    expect(writer.overflowBytes).toBeGreaterThan(100_000);
    let next = 0;
    do {
      writer.publish();
      for (const [kind] of takeAll(reader)) expect(kind).toBe(next++);
    } while (next < 1_000);
    expect(writer.drainOverflow()).toBe(true);
  });
});

describe('large records', () => {
  it('travel by port and keep their place among the others', () => {
    const { writer, reader, port } = pair();
    put(writer, 1, 100);
    put(writer, 2, 129);
    put(writer, 3, 100);
    put(writer, 4, 3_000);
    writer.publish();
    expect(port.map((bytes) => bytes.byteLength)).toEqual([129, 3_000]);
    expect(takeAll(reader)).toEqual([
      [1, hex(1, 100)],
      [2, hex(2, 129)],
      [3, hex(3, 100)],
      [4, hex(4, 3_000)],
    ]);
  });

  it('are posted before their record can be read', () => {
    const { writer, reader, port } = pair();
    put(writer, 1, 500);
    expect(port).toHaveLength(1);
    expect(reader.isEmpty).toBe(true);
  });

  it('wait in overflow once the reader owes four rings of them, one of any size excepted', () => {
    const { writer, reader, port } = pair();
    put(writer, 1, 100_000);
    expect(port).toHaveLength(1);
    put(writer, 2, 200);
    put(writer, 3, 0);
    expect(port).toHaveLength(1);
    expect(writer.overflowBytes).toBe(24 + 200 + 24);
    writer.publish();
    expect(takeAll(reader)).toEqual([[1, hex(1, 100_000)]]);
    writer.publish();
    expect(takeAll(reader)).toEqual([
      [2, hex(2, 200)],
      [3, ''],
    ]);
  });

  it('are read as empty when the port is lost', () => {
    const { set, writer } = pair();
    put(writer, 7, 500);
    put(writer, 8, 5);
    writer.publish();
    const reader = new RingReader(set, FROM, TO, { ring: () => {}, receive: null });
    expect(takeAll(reader)).toEqual([
      [7, ''],
      [8, hex(8, 5)],
    ]);
  });

  it('fail loudly when the port has nothing', () => {
    const { writer, reader, port } = pair();
    put(writer, 7, 500);
    writer.publish();
    port.length = 0;
    expect(() => takeAll(reader)).toThrow('receive large record');
  });
});

describe('a handler that throws', () => {
  it('neither loses nor repeats a record', () => {
    const { writer, reader } = pair();
    for (let kind = 0; kind < 4; kind++) put(writer, kind, 10);
    writer.publish();
    const kinds: number[] = [];
    const handle = (r: RingReader): void => {
      kinds.push(r.kind);
      if (r.kind === 1) throw new Error('refused');
    };
    expect(() => reader.drain(10, handle)).toThrow('refused');
    expect(reader.received).toBe(2);
    expect(reader.drain(10, handle)).toBe(2);
    expect(kinds).toEqual([0, 1, 2, 3]);
  });

  it('gives the room of handled records back all the same', () => {
    const { set, writer, reader } = pair();
    put(writer, 1, 10);
    writer.publish();
    expect(() =>
      reader.drain(1, () => {
        throw new Error('refused');
      }),
    ).toThrow('refused');
    expect(set.words[readWord(FROM, TO)]).toBe(set.words[writeWord(FROM, TO)]);
  });

  it('may not drain the ring it is called from', () => {
    const { writer, reader } = pair();
    put(writer, 1, 10);
    writer.publish();
    expect(() => reader.drain(1, (r) => r.drain(1, () => {}))).toThrow('drains it already');
  });
});

describe('after the death of a reader', () => {
  it('a second reader begins behind the record that was being handled', () => {
    const { set, writer, reader } = pair();
    for (let kind = 0; kind < 4; kind++) put(writer, kind, 10);
    writer.publish();
    let rest: [number, string][] = [];
    reader.drain(2, (r) => {
      // What a supervisor sees when the thread is killed here: no read index was published.
      if (r.kind !== 1) return;
      expect(set.words[readWord(FROM, TO)]).toBe(-64);
      rest = takeAll(new RingReader(set, FROM, TO, { ring: () => {}, receive: null }));
    });
    expect(rest.map(([kind]) => kind)).toEqual([2, 3]);
  });

  it('a new epoch begins with empty rings both ways and leaves the others alone', () => {
    const { set, writer } = pair();
    const other = new RingWriter(set, 0, 1, { ring: () => {}, post: () => {} });
    put(other, 5, 5);
    other.publish();
    put(writer, 1, 10);
    writer.publish();
    resetThread(set, TO);
    const hooks = { ring: () => {}, receive: null, post: () => {} };
    expect(new RingReader(set, FROM, TO, hooks).isEmpty).toBe(true);
    expect(takeAll(new RingReader(set, 0, 1, hooks))).toEqual([[5, hex(5, 5)]]);
    const again = new RingWriter(set, FROM, TO, hooks);
    put(again, 2, 10);
    again.publish();
    expect(takeAll(new RingReader(set, FROM, TO, hooks))).toEqual([[2, hex(2, 10)]]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Beat, decodeBeat, decodeOwner, encodeBeat } from '../../../src/cluster/beat.ts';
import { Lease, type LeaseEffect, type LeaseEvent } from '../../../src/cluster/lease.ts';
import { Subjects } from '../../../src/cluster/names.ts';
import type { NatsReply, NatsRequest } from '../../../src/cluster/nats.ts';
import { MemoryJetStream } from '../../support/memory-jetstream.ts';

const TTL_MS = 3000;
const subjects = new Subjects('test', 1);

const newStore = () =>
  new MemoryJetStream([
    { prefixes: [subjects.beats, subjects.owners], keepsLastOnly: true, maxBytes: 1e6 },
  ]);

/** A lease whose requests are answered at once, unless `answer` says otherwise. */
class Bench {
  readonly lease: Lease;
  readonly seen: string[] = [];
  readonly #store: MemoryJetStream;
  /** Of the request that was made last. */
  lastId = 0;
  answer: (request: NatsRequest, apply: () => NatsReply) => NatsReply | null = (_, apply) =>
    apply();

  constructor(store: MemoryJetStream, server: string, nonce = server) {
    this.#store = store;
    this.lease = new Lease({ server, subjects, ttlMs: TTL_MS, nonce });
  }

  step(event: LeaseEvent, nowMs = 0): void {
    const queue: LeaseEffect[] = this.lease.step(event);
    for (let effect = queue.shift(); effect !== undefined; effect = queue.shift()) {
      if (effect.type !== 'request') {
        if (effect.type === 'looked') continue;
        const name = 'incarnation' in effect ? ` ${effect.incarnation}` : '';
        this.seen.push(`${nowMs} ${effect.type}${name}`);
        continue;
      }
      const { id, request } = effect;
      if (request.kind === 'publish') this.lastId = id;
      const reply = this.answer(request, () => this.#store.apply(request));
      if (reply !== null) queue.push(...this.lease.step({ type: 'reply', id, reply, nowMs }));
    }
  }

  tick(nowMs: number, isHealthy = true): void {
    this.step({ type: 'tick', nowMs, isHealthy }, nowMs);
  }
}

function run(from: number, to: number, ...benches: Bench[]): void {
  for (let nowMs = from; nowMs <= to; nowMs += 500) for (const bench of benches) bench.tick(nowMs);
}

describe('a lease', () => {
  it('is valid until half a second before the TTL after its last beat', () => {
    const one = new Bench(newStore(), 'a');
    run(0, 1000, one);
    expect(one.lease.incarnation).toBe('a.1');
    expect(one.lease.term(3499)).toBe(1);
    expect(one.lease.term(3500)).toBe(0);
    expect(one.seen).toEqual(['500 up']);
  });

  it('begins a new term when it had ended before the next beat was stored', () => {
    const one = new Bench(newStore(), 'a');
    run(0, 1000, one);
    one.tick(3000, false);
    expect(one.lease.term(3499)).toBe(1);
    run(3500, 3500, one);
    expect(one.lease.term(3500)).toBe(2);
  });

  it('counts from when the beat was sent, not from when it was acknowledged', () => {
    const one = new Bench(newStore(), 'a');
    run(0, 500, one);
    let late: () => void = () => {};
    one.answer = (request, apply) => {
      if (request.kind !== 'publish') return apply();
      const reply = apply();
      late = () => one.step({ type: 'reply', id: one.lastId, reply, nowMs: 2400 });
      return null;
    };
    one.tick(1000);
    late();
    expect(one.lease.term(3499)).toBe(1);
    expect(one.lease.isValid(3500)).toBe(false);
  });

  it('finds out at the leader whether a beat without answer was stored', () => {
    const one = new Bench(newStore(), 'a');
    run(0, 500, one);
    one.answer = (request, apply) => {
      const reply = apply();
      return request.kind === 'publish' ? { kind: 'silence' } : reply;
    };
    one.tick(1000);
    expect(one.lease.term(3499)).toBe(1);
    one.answer = (request, apply) => (request.kind === 'publish' ? { kind: 'refused' } : apply());
    one.tick(1500);
    expect(one.lease.isValid(3500)).toBe(false);
    one.answer = (_, apply) => apply();
    one.tick(2000);
    expect(one.lease.term(4499)).toBe(1);
  });

  it('takes another for dead a TTL after its last new beat, and alive when it beats again', () => {
    const store = newStore();
    const [one, other] = [new Bench(store, 'a'), new Bench(store, 'b')];
    run(0, 4000, one, other);
    run(4500, 9000, one);
    run(9500, 10_000, other, one);
    // Its last beat, of 4000, was seen by the look of 4500.
    expect(one.seen).toEqual(['500 up', '7500 dead b.1', '9500 alive b.1']);
    expect(other.lease.term(9500)).toBe(2);
  });

  it('takes nobody for dead while its own lease has not been valid for a TTL', () => {
    const store = newStore();
    const [one, other] = [new Bench(store, 'a'), new Bench(store, 'b')];
    run(0, 4000, other, one);
    // This server stands still until 9000, and its lease begins anew then.
    run(9000, 11_500, one);
    expect(one.seen).toEqual(['500 up']);
    run(12_000, 12_000, one);
    expect(one.seen).toEqual(['500 up', '12000 dead b.1']);
  });

  it('believes no look that does not show its own last beat', () => {
    const store = newStore();
    const [one, other] = [new Bench(store, 'a'), new Bench(store, 'b')];
    run(0, 4000, other, one);
    one.answer = (request, apply) =>
      request.kind === 'lastOfEach' ? store.apply(request, 4) : apply();
    run(4500, 12_000, other, one);
    expect(one.seen).toEqual(['500 up']);
  });

  it('lets a new incarnation of a server wait for the end of the one before', () => {
    const store = newStore();
    const first = new Bench(store, 'a', 'first');
    run(0, 4000, first);
    const second = new Bench(store, 'a', 'second');
    run(4500, 7500, second);
    expect(second.lease.incarnation).toBe('a.2');
    expect(second.seen).toEqual([]);
    run(8000, 8000, second);
    expect(second.seen).toEqual(['8000 dead a.1', '8000 up']);
  });

  it('is over at once for the others when the server ends in order', () => {
    const store = newStore();
    const [one, other] = [new Bench(store, 'a'), new Bench(store, 'b')];
    run(0, 2000, other, one);
    other.step({ type: 'leave' });
    run(2500, 2500, other, one);
    expect(one.lease.candidates()).toEqual(['a.1']);
    other.step({ type: 'end' });
    run(3000, 3000, other, one);
    expect(other.seen).toEqual(['500 up', '3000 over']);
    expect(one.seen).toEqual(['500 up', '3000 dead b.1']);
    expect(one.lease.isGone('b.1')).toBe(true);
  });

  it('is over when another server expels it, which takes it for dead a TTL later', () => {
    const store = newStore();
    const [one, other] = [new Bench(store, 'a'), new Bench(store, 'b')];
    run(0, 4000, one, other);
    // The last revision that is known must not be old.
    one.tick(4000);
    one.step({ type: 'expel', incarnation: 'b.1' });
    run(4500, 8000, one, other);
    expect(other.seen).toEqual(['500 up', '4500 over']);
    expect(one.seen).toEqual(['500 up', '7500 dead b.1']);
  });

  it('lets only one of two processes with equal names have the number', () => {
    const store = newStore();
    const [one, other] = [new Bench(store, 'a', 'first'), new Bench(store, 'a', 'second')];
    run(0, 2000, one, other);
    expect([one.lease.incarnation, other.lease.incarnation]).toEqual(['a.1', 'a.2']);
  });
});

describe('what a stream of leases keeps', () => {
  it('is read as it was written', () => {
    const beat: Beat = { incarnation: 'a.1', nonce: 'n', state: 'up', count: 7, formats: [1, 1] };
    expect(decodeBeat(encodeBeat(beat))).toEqual(beat);
  });

  it('is null when it is anything else', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(decodeBeat(Buffer.from(text))).toBeNull();
        expect(decodeOwner(Buffer.from(text.slice(1)))).toBeNull();
      }),
    );
  });
});

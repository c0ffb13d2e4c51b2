import { beforeEach, describe, expect, it } from 'vitest';
import { decodeOwner, encodeOwner } from '../../../src/cluster/beat.ts';
import { Bucket } from '../../../src/cluster/bucket.ts';
import type { BucketEffect, BucketEvent, LeaseView } from '../../../src/cluster/bucket-events.ts';
import { decodeCommit, encodeCommit } from '../../../src/cluster/commit.ts';
import { type Commit, EntryKind, keyText } from '../../../src/cluster/entries.ts';
import type { NatsReply, NatsRequest } from '../../../src/cluster/nats.ts';
import type { HomeRecord, JobFields } from '../../../src/cluster/records.ts';
import { MemoryJetStream } from '../../support/memory-jetstream.ts';

const JOURNAL = 'journal.1';
const OWNER = 'own.1';
const HOME = 'h.1';

const newStore = () =>
  new MemoryJetStream([
    { prefixes: ['own.'], keepsLastOnly: true, maxBytes: 1e6 },
    { prefixes: ['journal.'], keepsLastOnly: false, maxBytes: 1e6 },
  ]);

/** The lease of a server with one home, HOME, on another server. */
class FakeLease implements LeaseView {
  readonly incarnation: string;
  shownSentMs = Number.POSITIVE_INFINITY;
  termNow = 1;
  dead = new Set<string>();

  constructor(incarnation: string) {
    this.incarnation = incarnation;
  }

  isValid(): boolean {
    return this.termNow > 0;
  }

  term(): number {
    return this.termNow;
  }

  alive(): string[] {
    return [this.incarnation, HOME].filter((name) => !this.dead.has(name));
  }

  isDead(incarnation: string): boolean {
    return this.dead.has(incarnation);
  }

  isGone(): boolean {
    return false;
  }
}

class Bench {
  readonly lease: FakeLease;
  readonly bucket: Bucket;
  readonly store: MemoryJetStream;
  /** Records for homes, and what else happened. */
  readonly seen: string[] = [];
  answer: (request: NatsRequest, apply: () => NatsReply) => NatsReply | null = (_, apply) =>
    apply();
  nowMs = 0;

  constructor(store: MemoryJetStream, incarnation: string, purgeBytesMin = 1e6) {
    this.store = store;
    this.lease = new FakeLease(incarnation);
    this.bucket = new Bucket({
      bucket: 1,
      ownerSubject: OWNER,
      journalSubject: JOURNAL,
      ttlMs: 3000,
      lease: this.lease,
      purgeBytesMin,
      readMessages: 2,
    });
  }

  step(event: BucketEvent): void {
    const queue: BucketEffect[] = this.bucket.step(event);
    for (let effect = queue.shift(); effect !== undefined; effect = queue.shift()) {
      if (effect.type === 'request') {
        const { id, request } = effect;
        const reply = this.answer(request, () => this.store.apply(request));
        if (reply === null) continue;
        queue.push(...this.bucket.step({ type: 'reply', id, reply, nowMs: this.nowMs }));
      } else if (effect.type === 'send') {
        const { record, to } = effect;
        const key = 'key' in record && record.key !== null ? ` ${keyText(record.key)}` : '';
        this.seen.push(`${to} ${record.type}${key}`);
      } else this.seen.push('epoch' in effect ? `${effect.type} ${effect.epoch}` : effect.type);
    }
  }

  hear(record: HomeRecord, from = HOME): void {
    const { epoch } = this.bucket;
    this.step({ type: 'record', from, epoch, record, nowMs: this.nowMs });
  }

  /** Owns the bucket, and all have announced. */
  open(): void {
    this.step({ type: 'claim' });
    for (const name of this.lease.alive()) this.hear({ type: 'done' }, name);
  }

  submit(number: number, fields: Partial<JobFields> = {}, lowest = 1): void {
    const { epoch: firstEpoch } = this.bucket;
    this.hear({ type: 'submit', number, lowest, firstEpoch, key: null, fields: fieldsOf(fields) });
  }

  grab(grab: number): void {
    this.hear({ type: 'grab', worker: 1, grab, term: 1, functionNames: ['resize'] });
  }

  take(): string[] {
    return this.seen.splice(0);
  }

  commits(): Commit[] {
    return this.store.messages(JOURNAL).flatMap(({ bytes }) => decodeCommit(bytes) ?? []);
  }
}

const fieldsOf = (fields: Partial<JobFields>): JobFields => ({
  functionName: 'resize',
  unique: '',
  reducer: '',
  priority: 1,
  startMs: 0,
  isBackground: true,
  workload: Uint8Array.of(1),
  ...fields,
});

let store: MemoryJetStream;
let one: Bench;
beforeEach(() => {
  store = newStore();
  one = new Bench(store, 'a.1');
});

describe('the owner of a bucket', () => {
  it('answers a background submit when its put is stored, and one that is sent again with the same job', () => {
    one.open();
    one.answer = () => null;
    one.submit(1);
    expect(one.take()).toEqual(['owned 1']);
    one = new Bench(store, 'a.1');
    one.open();
    one.submit(1);
    one.submit(1);
    expect(one.take()).toEqual(['owned 2', `${HOME} created 2-1`, `${HOME} created 2-1`]);
    expect(one.commits().at(-1)?.entries).toHaveLength(1);
  });

  it('hands out no background job before all have announced, and a job that is announced to nobody else', () => {
    one.open();
    one.submit(1);
    one.submit(2);
    const next = new Bench(store, 'b.1');
    next.lease.dead.add('a.1');
    next.step({ type: 'claim' });
    next.grab(1);
    next.hear({ type: 'done' }, 'b.1');
    const held = { key: { epoch: 1, serial: 1 }, assignment: 2 ** 32 + 1, worker: 7 };
    const submit = { home: HOME, number: 1 };
    next.hear({ type: 'held', ...held, submit, fields: fieldsOf({}) });
    next.grab(2);
    next.hear({ type: 'done' });
    next.grab(3);
    next.grab(4);
    const refused = `${HOME} noJob`;
    expect(next.take()).toEqual(['owned 2', refused, refused, `${HOME} assign 1-2`, refused]);
  });

  it('hands out nothing in a new term before a commit that was begun in it is stored', () => {
    one.open();
    one.submit(1);
    one.take();
    one.lease.termNow = 2;
    one.grab(1);
    one.answer = () => null;
    one.step({ type: 'tick', nowMs: 1 });
    one.grab(2);
    expect(one.take()).toEqual([`${HOME} noJob`, `${HOME} noJob`]);
    const again = new Bench(store, 'a.1');
    again.open();
    again.lease.termNow = 2;
    again.step({ type: 'tick', nowMs: 1 });
    again.grab(3);
    expect(again.take()).toEqual(['owned 2', `${HOME} assign 1-1`]);
  });

  it('drops the bucket in a new term when another server has taken it', () => {
    one.open();
    one.submit(1);
    const next = new Bench(store, 'b.1');
    next.lease.dead.add('a.1');
    next.step({ type: 'claim' });
    one.take();
    one.lease.termNow = 2;
    one.step({ type: 'tick', nowMs: 1 });
    one.grab(1);
    expect(one.take()).toEqual(['dropped', `${HOME} notOwner`]);
  });

  it('sends a commit again that NATS has refused wrongly, and takes one as stored that had no answer', () => {
    one.open();
    one.take();
    let publishes = 0;
    one.answer = (request, apply) => {
      if (request.kind !== 'publish') return apply();
      publishes++;
      if (publishes === 1) return { kind: 'refused' };
      apply();
      return { kind: 'silence' };
    };
    one.submit(1);
    expect(one.take()).toEqual([`${HOME} created 1-1`]);
    expect(publishes).toBe(2);
    expect(one.commits().map(({ number }) => number)).toEqual([0, 1]);
  });

  it('puts all live jobs again when the stream has lost commits that it had acknowledged', () => {
    one.open();
    for (const number of [1, 2, 3]) one.submit(number);
    store.loseLast(JOURNAL, 2);
    one.take();
    one.submit(4);
    expect(one.take()).toEqual(['error', 'owned 2', `${HOME} created 1-4`]);
    const puts = one
      .commits()
      .flatMap(({ entries }) => entries)
      .map((entry) => (entry.kind === EntryKind.PUT ? keyText(entry.key) : ''));
    expect(puts.sort()).toEqual(['1-1', '1-2', '1-3', '1-4']);
    // The home announces its open submit to the new epoch, and hears of the job that it has.
    one.submit(4);
    expect(one.take()).toEqual([`${HOME} created 1-4`]);
  });

  it('says which submits have an answer before their puts are purged, and keeps the last message', () => {
    one = new Bench(store, 'a.1', 1);
    one.open();
    for (const number of [1, 2]) one.submit(number);
    for (const grab of [1, 2]) {
      one.grab(grab);
      const key = { epoch: 1, serial: grab };
      const packet = new Uint8Array(0);
      const assignment = 2 ** 32 + grab;
      one.hear({ type: 'work', key, assignment, number: 1, isFinal: true, packet });
    }
    one.submit(3);
    const left = one.commits();
    expect(left.length).toBeGreaterThan(0);
    expect(left.some(({ entries }) => entries.some(isPutOf('1-1')))).toBe(false);
    const next = new Bench(store, 'b.1');
    next.lease.dead.add('a.1');
    next.open();
    next.submit(1);
    next.submit(2);
    expect(next.take()).toEqual(['owned 2', `${HOME} created 1-1`, `${HOME} created 1-2`]);
  });

  it('lets a foreground submit of an earlier epoch wait until its job may have been announced', () => {
    one.step({ type: 'claim' });
    const fields = fieldsOf({ isBackground: false });
    one.hear({ type: 'submit', number: 1, lowest: 1, firstEpoch: 0, key: null, fields });
    one.submit(2, { isBackground: false });
    const submit = { home: HOME, number: 1 };
    const key = { epoch: 0, serial: 9 };
    one.hear({ type: 'held', key, assignment: 3, worker: 1, submit, fields });
    for (const name of one.lease.alive()) one.hear({ type: 'done' }, name);
    expect(one.take()).toEqual(['owned 1', `${HOME} created 1-1`, `${HOME} created 0-9`]);
  });

  it('refuses background submits from nine tenths of the room on', () => {
    one.open();
    one.take();
    one.step({ type: 'fill', ratio: 0.9 });
    one.submit(1);
    one.submit(2, { isBackground: false });
    one.step({ type: 'fill', ratio: 0.89 });
    one.submit(3);
    expect(one.take()).toEqual([`${HOME} refused`, `${HOME} created 1-1`, `${HOME} created 1-2`]);
  });

  it('makes room when the epoch message has none', () => {
    one.open();
    one.submit(1, { workload: new Uint8Array(3000) });
    one.grab(1);
    const key = { epoch: 1, serial: 1 };
    const packet = new Uint8Array(0);
    one.hear({ type: 'work', key, assignment: 2 ** 32 + 1, number: 1, isFinal: true, packet });
    one.submit(2);
    store.setMaxBytes(JOURNAL, 3100);
    const next = new Bench(store, 'b.1');
    next.lease.dead.add('a.1');
    next.open();
    next.grab(1);
    next.submit(1);
    const expected = ['owned 2', `${HOME} assign 1-2`, `${HOME} created 1-1`];
    expect(next.take()).toEqual(expected);
  });

  it('gives the bucket to another server, which goes on in the next epoch', () => {
    one.open();
    one.submit(1);
    one.take();
    one.step({ type: 'handOver', to: 'b.1' });
    expect(one.take()).toEqual(['dropped']);
    const key = store.messages(OWNER)[0];
    expect(key === undefined ? null : decodeOwner(key.bytes)).toEqual({
      incarnation: 'b.1',
      epoch: 2,
    });
    const next = new Bench(store, 'b.1');
    next.open();
    next.grab(1);
    expect(next.take()).toEqual(['owned 2', `${HOME} assign 1-1`]);
  });

  it('drops puts whose forget was purged while the journal was read', () => {
    const put = { ...fieldsOf({}), kind: EntryKind.PUT, runs: null };
    const submit = { home: HOME, number: 1 };
    const key = { epoch: 1, serial: 1 };
    const forget = { kind: EntryKind.FORGET, key };
    const written = [[], [{ ...put, key, submit }], [forget], [], []];
    for (const [number, entries] of written.entries()) {
      const bytes = encodeCommit({ epoch: 1, number, writer: 'a.1', entries });
      store.apply({ kind: 'publish', subject: JOURNAL, bytes, expected: number });
    }
    const bytes = encodeOwner({ incarnation: 'a.1', epoch: 1 });
    store.apply({ kind: 'publish', subject: OWNER, bytes, expected: 0 });
    one = new Bench(store, 'b.1');
    one.lease.dead.add('a.1');
    let reads = 0;
    one.answer = (request, apply) => {
      const reply = apply();
      if (request.kind === 'read' && ++reads === 1)
        store.apply({ kind: 'purge', subject: JOURNAL, below: 4 });
      return reply;
    };
    one.open();
    one.grab(1);
    expect(one.take()).toEqual(['owned 2', `${HOME} noJob`]);
  });

  it('expels a server that owes its announcement for two TTL, and leaves when more than half do', () => {
    one.step({ type: 'claim' });
    one.hear({ type: 'done' }, 'a.1');
    for (const nowMs of [100, 6000]) one.step({ type: 'tick', nowMs });
    expect(one.take()).toEqual(['owned 1']);
    one.step({ type: 'tick', nowMs: 6100 });
    expect(one.take()).toEqual(['expel']);
    const other = new Bench(newStore(), 'b.1');
    other.step({ type: 'claim' });
    for (const nowMs of [100, 6100]) other.step({ type: 'tick', nowMs });
    expect(other.take()).toEqual(['owned 1', 'stepDown']);
  });

  it('counts announcements only against a look that saw a beat sent after the epoch message', () => {
    one.lease.shownSentMs = 99;
    one.nowMs = 100;
    one.open();
    one.submit(1);
    one.grab(1);
    one.lease.shownSentMs = 100;
    one.step({ type: 'tick', nowMs: 200 });
    one.grab(2);
    const expected = [`${HOME} created 1-1`, `${HOME} noJob`, `${HOME} assign 1-1`];
    expect(one.take()).toEqual(['owned 1', ...expected]);
  });
});

const isPutOf =
  (text: string) =>
  (entry: Commit['entries'][number]): boolean =>
    entry.kind === EntryKind.PUT && keyText(entry.key) === text;

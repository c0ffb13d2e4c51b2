import { beforeEach, describe, expect, it } from 'vitest';
import { HomeJobs } from '../../../src/cluster/home-jobs.ts';
import type { HomeEffect } from '../../../src/cluster/home-state.ts';
import type { JobFields, OwnerRecord } from '../../../src/cluster/records.ts';

const BUCKET = 3;
const KEY = { epoch: 1, serial: 5 };
const FIELDS: JobFields = {
  functionName: 'resize',
  unique: '',
  reducer: '',
  priority: 1,
  startMs: 0,
  isBackground: false,
  workload: Uint8Array.of(1),
};

let term: number;
let home: HomeJobs;
beforeEach(() => {
  term = 1;
  home = new HomeJobs({ isValid: () => term > 0, term: () => term }, () => 0);
});

/** What was sent and what peers got, as `type` and, of submits, the epoch under which they were sent first. */
const shown = (effects: readonly HomeEffect[]): string[] =>
  effects.map((effect) => {
    if (effect.type !== 'send') return effect.type;
    const { record, to } = effect;
    return `${to} ${record.type}${record.type === 'submit' ? ` ${record.firstEpoch}` : ''}`;
  });

const route = (owner: string, epoch: number): string[] =>
  shown(home.step({ type: 'route', bucket: BUCKET, route: { owner, epoch }, nowMs: 0 }));

const hear = (from: string, epoch: number, record: OwnerRecord): string[] =>
  shown(home.step({ type: 'record', from, bucket: BUCKET, epoch, record, nowMs: 0 }));

const submit = (): string[] =>
  shown(home.step({ type: 'submit', client: 1, bucket: BUCKET, fields: FIELDS, nowMs: 0 }));

function grab(): void {
  home.step({ type: 'grab', worker: 7, buckets: new Map([[BUCKET, ['resize']]]), nowMs: 0 });
}

const assign = (isBackground: boolean, number: number): OwnerRecord => ({
  type: 'assign',
  worker: 7,
  grab: number,
  term: 1,
  key: KEY,
  assignment: 9,
  submit: { home: 'h.1', number: 1 },
  fields: { ...FIELDS, isBackground },
});

describe('the home of connections', () => {
  it('announces open submits with the epoch of their first sending, and ends with done', () => {
    route('a.1', 1);
    expect(submit()).toEqual(['a.1 submit 1']);
    expect(route('b.1', 2)).toEqual(['b.1 submit 1', 'b.1 done']);
    expect(route('a.1', 1)).toEqual([]);
  });

  it('takes nothing from owners of earlier epochs', () => {
    route('a.1', 1);
    submit();
    grab();
    route('b.1', 2);
    expect(hear('a.1', 1, { type: 'created', number: 1, key: KEY })).toEqual([]);
    expect(hear('a.1', 1, assign(false, 1))).toEqual([]);
    expect(hear('b.1', 2, { type: 'created', number: 1, key: KEY })).toEqual(['answer']);
  });

  it('returns a background job of another term of the lease, and one for which no GRAB is open', () => {
    route('a.1', 1);
    grab();
    term = 2;
    expect(hear('a.1', 1, assign(true, 1))).toEqual(['a.1 return', 'noJob']);
    grab();
    expect(hear('a.1', 1, assign(false, 2))).toEqual(['assign']);
    expect(hear('a.1', 1, assign(false, 2))).toEqual(['a.1 return']);
  });

  it('keeps a final packet until the job is ended', () => {
    route('a.1', 1);
    grab();
    hear('a.1', 1, assign(true, 1));
    const packet = new Uint8Array(0);
    const job = { bucket: BUCKET, key: KEY, assignment: 9 };
    expect(shown(home.step({ type: 'work', ...job, isFinal: true, packet }))).toEqual(['a.1 work']);
    hear('a.1', 1, { type: 'delivered', key: KEY, assignment: 9, number: 1 });
    expect(route('b.1', 2)).toEqual(['b.1 held', 'b.1 work', 'b.1 done']);
    expect(hear('b.1', 2, { type: 'ended', key: KEY, assignment: 9 })).toEqual(['ended']);
    expect(route('c.1', 3)).toEqual(['c.1 done']);
  });

  it('gives a client each packet once', () => {
    route('a.1', 1);
    submit();
    const packet = new Uint8Array(0);
    const result = { type: 'result', submit: 1, key: KEY, assignment: 9, packet } as const;
    const first = { ...result, number: 1, isFinal: false };
    expect(hear('a.1', 1, first)).toEqual(['a.1 got', 'answer', 'result']);
    expect(hear('a.1', 1, first)).toEqual(['a.1 got']);
    const final = { ...result, number: 2, isFinal: true };
    expect(hear('a.1', 1, final)).toEqual(['a.1 got', 'result']);
    expect(hear('a.1', 1, final)).toEqual(['a.1 got']);
  });

  it('refuses a submit without answer after 30 s, and cancels it until that is acknowledged', () => {
    route('a.1', 1);
    submit();
    expect(shown(home.step({ type: 'tick', nowMs: 29_999 }))).toEqual([]);
    expect(shown(home.step({ type: 'tick', nowMs: 30_000 }))).toEqual(['answer', 'a.1 cancel']);
    expect(hear('a.1', 1, { type: 'created', number: 1, key: KEY })).toEqual([]);
    expect(route('b.1', 2)).toEqual(['b.1 cancel', 'b.1 done']);
    hear('b.1', 2, { type: 'canceled', number: 1 });
    expect(route('c.1', 3)).toEqual(['c.1 done']);
  });
});

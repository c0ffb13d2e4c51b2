/**
 * No wake-up is lost: both sleeping protocols as small state machines, walked through in every order of their steps
 * (sequentially consistent, as Atomics are), and a trace of the real code's steps that ties the machines to it.
 *   data:  writer { publish; look at asleep; swap asleep; ring }     reader { set asleep; look at write; sleep }
 *   room:  reader { publish read; look at flag; swap flag; ring }    writer { set flag; look at read; sleep }
 * They mirror each other, so one machine stands for both: `teller` changes `news`, `sleeper` waits for it.
 */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { prepareSleep } from '../../../src/ring/doorbell.ts';
import {
  asleepWord,
  createRingSet,
  overflowWord,
  readWord,
  writeWord,
} from '../../../src/ring/layout.ts';
import { RingReader, RingWriter } from '../../../src/ring/ring.ts';

const NEWS = 3;

interface State {
  /** How often the teller told, and what the sleeper has seen of it. */
  news: number;
  seen: number;
  asleep: number;
  bell: number;
  tellerStep: number;
  tellerSaw: number;
  sleeperStep: string;
}

/** One atomic step of one side; null when it cannot go on. */
type Side = (state: State) => Partial<State> | null;

const teller: Side = (s) => {
  switch (s.tellerStep) {
    case 0:
      return s.news === NEWS ? null : { news: s.news + 1, tellerStep: 1 };
    case 1:
      return { tellerStep: s.asleep === 1 ? 2 : 0 };
    case 2:
      return { tellerSaw: s.asleep, asleep: 0, tellerStep: 3 };
    default:
      return { bell: s.tellerSaw === 1 ? 1 : s.bell, tellerStep: 0 };
  }
};

/** Tells after it looked: the mistake the rule is there for. */
const hastyTeller: Side = (s) => {
  if (s.tellerStep === 0) return s.news === NEWS ? null : { tellerStep: s.asleep === 1 ? 1 : 3 };
  if (s.tellerStep === 1) return { tellerSaw: s.asleep, asleep: 0, tellerStep: 2 };
  if (s.tellerStep === 2) return { bell: s.tellerSaw === 1 ? 1 : s.bell, tellerStep: 3 };
  return { news: s.news + 1, tellerStep: 0 };
};

const sleeper: Side = (s) => {
  switch (s.sleeperStep) {
    case 'work':
      return { seen: s.news, sleeperStep: 'set' };
    case 'set':
      return { asleep: 1, sleeperStep: 'look' };
    case 'look':
      return { sleeperStep: s.news === s.seen ? 'sleep' : 'clear' };
    case 'clear':
      return { asleep: 0, sleeperStep: 'work' };
    default:
      return s.bell === 0 ? null : { bell: 0, sleeperStep: 'clear' };
  }
};

/** Looks before it says that it may sleep. */
const hastySleeper: Side = (s) => {
  if (s.sleeperStep === 'set') return { sleeperStep: s.news === s.seen ? 'late' : 'work' };
  if (s.sleeperStep === 'late') return { asleep: 1, sleeperStep: 'sleep' };
  return sleeper(s);
};

/** Walks through all orders; counts the states in which both are stuck and how many of them leave news unseen. */
function explore(sides: readonly Side[]): { ends: number; lost: number } {
  const first: State = {
    news: 0,
    seen: 0,
    asleep: 0,
    bell: 0,
    tellerStep: 0,
    tellerSaw: 0,
    sleeperStep: 'work',
  };
  const known = new Set<string>();
  const open = [first];
  let ends = 0;
  let lost = 0;
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const key = JSON.stringify(state);
    if (known.has(key)) continue;
    known.add(key);
    const steps = sides.map((side) => side(state)).filter((step) => step !== null);
    for (const step of steps) open.push({ ...state, ...step });
    if (steps.length > 0) continue;
    ends++;
    if (state.seen !== state.news) lost++;
  }
  return { ends, lost };
}

/** Names of the words that the code under test touches, in order; a ring of the bell is `ring`. */
function traceAtomics(names: ReadonlyMap<number, string>): string[] {
  const trace: string[] = [];
  for (const method of ['load', 'store', 'exchange'] as const) {
    const real = Atomics[method] as unknown as (...args: number[]) => number;
    vi.spyOn(Atomics, method).mockImplementation(((...args: number[]) => {
      const name = names.get(args[1] as number);
      if (name !== undefined) trace.push(`${method} ${name}`);
      return real(...args);
    }) as never);
  }
  return trace;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('sleeping', () => {
  it('loses no wake-up in any order of steps', () => {
    expect(explore([teller, sleeper])).toMatchObject({ lost: 0 });
    expect(explore([teller, sleeper]).ends).toBeGreaterThan(0);
  });

  it('would lose one if the teller looked before it told', () => {
    expect(explore([hastyTeller, sleeper]).lost).toBeGreaterThan(0);
  });

  it('would lose one if the sleeper looked before it said so', () => {
    expect(explore([teller, hastySleeper]).lost).toBeGreaterThan(0);
  });

  it('is told in the machine’s order by publish, and rung only when the word was 1', () => {
    const set = createRingSet(2, 1024);
    const trace = traceAtomics(
      new Map([
        [writeWord(0, 1), 'write'],
        [asleepWord(1), 'asleep'],
      ]),
    );
    const writer = new RingWriter(set, 0, 1, { ring: () => trace.push('ring'), post: () => {} });
    trace.length = 0;
    for (const isAsleep of [1, 0]) {
      set.words[asleepWord(1)] = isAsleep;
      writer.begin(1, 0, 0, 0, 0, 0);
      writer.commit();
      writer.publish();
    }
    writer.publish();
    expect(trace).toEqual([
      'store write',
      'load asleep',
      'exchange asleep',
      'ring',
      'store write',
      'load asleep',
    ]);
    expect(set.words[asleepWord(1)]).toBe(0);
  });

  it('is entered in the machine’s order by prepareSleep', () => {
    const set = createRingSet(2, 1024);
    const trace = traceAtomics(
      new Map([
        [writeWord(0, 1), 'write'],
        [asleepWord(1), 'asleep'],
      ]),
    );
    const sleep = (): boolean =>
      prepareSleep(
        set.words,
        asleepWord(1),
        Int32Array.of(writeWord(0, 1)),
        Int32Array.of(readWord(0, 1)),
      );
    expect(sleep()).toBe(true);
    set.words[writeWord(0, 1)] = 24;
    expect(sleep()).toBe(false);
    expect(trace).toEqual([
      'store asleep',
      'load write',
      'store asleep',
      'load write',
      'store asleep',
    ]);
    expect(set.words[asleepWord(1)]).toBe(0);
  });

  it('for want of room follows the same machine', () => {
    const set = createRingSet(2, 1024);
    const names = new Map([
      [readWord(0, 1), 'read'],
      [overflowWord(0, 1), 'flag'],
    ]);
    const ring = (): unknown => trace.push('ring');
    const writer = new RingWriter(set, 0, 1, { ring, post: () => {} });
    const reader = new RingReader(set, 0, 1, { ring, receive: null });
    for (let i = 0; i < 9; i++) {
      writer.begin(1, 0, 0, 0, 0, 104);
      writer.commit();
    }
    const trace = traceAtomics(names);
    writer.publish();
    const flag = trace.indexOf('store flag');
    expect(trace.slice(flag, flag + 2)).toEqual(['store flag', 'load read']);
    expect(trace.lastIndexOf('store flag')).toBe(flag);
    trace.length = 0;
    reader.drain(1, () => {});
    expect(trace).toEqual(['store read', 'load flag', 'exchange flag', 'ring']);
  });

  it('goes on at once when room appears between the flag and the look', () => {
    const set = createRingSet(2, 1024);
    const ring = (): void => {};
    const writer = new RingWriter(set, 0, 1, { ring, post: () => {} });
    const reader = new RingReader(set, 0, 1, { ring, receive: null });
    for (let i = 0; i < 9; i++) {
      writer.begin(i, 0, 0, 0, 0, 104);
      writer.commit();
    }
    const store = Atomics.store as (...args: unknown[]) => number;
    vi.spyOn(Atomics, 'store').mockImplementation(((...args: unknown[]) => {
      if (args[1] === overflowWord(0, 1)) reader.drain(10, () => {});
      return store(...args);
    }) as never);
    expect(writer.drainOverflow()).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import {
  firstThread,
  hasThread,
  NO_THREADS,
  nextThread,
  soleThread,
  type ThreadSet,
  withoutThread,
  withThread,
} from '../../../src/session/thread-set.ts';

const ALL = Array.from({ length: 32 }, (_, thread) => thread);

function walk(set: ThreadSet): number[] {
  const seen: number[] = [];
  for (let thread = firstThread(set); thread >= 0; thread = nextThread(set, thread))
    seen.push(thread);
  return seen;
}

describe('a set of threads', () => {
  it.each([[[]], [[0]], [[31]], [[0, 31]], [[1, 2, 30]], [ALL]])(
    'is walked from its lowest thread on: %j',
    (threads) => {
      const set = threads.reduce(withThread, NO_THREADS);
      expect(walk(set)).toEqual(threads);
      expect(ALL.filter((thread) => hasThread(set, thread))).toEqual(threads);
      expect(soleThread(set)).toBe(threads.length === 1 ? threads[0] : -1);
      expect(threads.reduce(withoutThread, set)).toBe(NO_THREADS);
    },
  );

  it('has a thread once, and loses only what is taken out', () => {
    const one = withThread(NO_THREADS, 5);
    const set = withThread(one, 5);
    expect(set).toBe(one);
    expect(walk(withoutThread(set, 4))).toEqual([5]);
  });
});

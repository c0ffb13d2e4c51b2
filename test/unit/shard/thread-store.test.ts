/** Jobs that a store gives back: when they may run, and what the log says meanwhile. The clock is moved by hand. */
import { beforeEach, expect, it } from 'vitest';
import { LogLevel } from '../../../src/base/logger.ts';
import { ThreadStore } from '../../../src/shard/thread-store.ts';
import type { TakeJob } from '../../../src/store/store.ts';
import { HandStore } from '../../support/hand-store.ts';
import { jobNumbered } from '../../support/journal-bench.ts';
import { OwnThread } from '../../support/own-thread.ts';

/** Gives back what a test calls `take` with. */
class ReplayedStore extends HandStore {
  take: TakeJob = () => {};
  done: (error: Error | null) => void = () => {};
  postponed: () => void = () => {};

  override replay(
    take: TakeJob,
    done: (error: Error | null) => void,
    postponed: () => void = () => {},
  ): void {
    Object.assign(this, { take, done, postponed });
  }
}

const job = jobNumbered(1);
let nowMs = 0;
let thread: OwnThread;
let store: ReplayedStore;
let lines: string[];
let events: string[];
let restored: Promise<number>;

beforeEach(() => {
  nowMs = 1000;
  thread = new OwnThread();
  store = new ReplayedStore();
  lines = [];
  events = [];
  const threadStore = new ThreadStore(() => store, {
    clock: { nowMs: () => nowMs, wallMs: () => 1_700_000_000_000 },
    log: { level: LogLevel.NOTICE, log: (_level, text) => lines.push(text) },
    setTime: () => {
      events.push('time');
      return nowMs;
    },
    publish: () => events.push('publish'),
    requestTurn: () => events.push('turn'),
  });
  restored = threadStore.restore(thread.broker);
});

const runnable = (): boolean => thread.broker.jobs.level > 0;

it('lets jobs run when all have come back, and shows it to other threads', async () => {
  store.take(job, 1, 1);
  store.take(job, 2, 2);
  expect(runnable()).toBe(false);
  store.done(null);
  expect(runnable()).toBe(true);
  expect(await restored).toBe(2);
  expect(events).toEqual(['time', 'time', 'publish', 'turn']);
});

it('lets each job run as it comes when the store was away at the start', async () => {
  store.postponed();
  expect(await restored).toBe(0);
  store.take(job, 1, 1);
  expect(runnable()).toBe(true);
  store.done(null);
  expect(lines).toEqual(['replay: all 1 jobs in 0.00 s']);
});

it('says each second how many jobs have come back, and in the end how long it took', () => {
  for (let number = 1; number <= 5000; number++) store.kept.set(number, job);
  for (const reference of store.kept.keys()) {
    nowMs += 0.5;
    store.take(job, reference, reference);
  }
  store.done(null);
  // The rate counts from the first job: 4096 in 2047.5 ms.
  expect(lines).toEqual([
    'replay: 4096 of 5000 jobs, 2000 jobs/s, 1 s left',
    'replay: all 5000 jobs in 2.50 s',
  ]);
});

it('says nothing when there was no job, and fails when the store cannot be used', async () => {
  store.done(new Error('no such folder'));
  await expect(restored).rejects.toThrow('no such folder');
  expect(lines).toEqual([]);
  expect(runnable()).toBe(false);
});

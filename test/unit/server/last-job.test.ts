/** When a server counts as idle for good: what the acceptor is told by its threads, look by look. */
import { describe, expect, test } from 'vitest';
import { LastJob } from '../../../src/server/last-job.ts';
import type { ThreadStats } from '../../../src/session/thread-queries.ts';

type Given = Partial<ThreadStats>;

/** Figures of a thread; what is not given is 0. */
function figures(thread: number, given: Given): ThreadStats {
  const zero = {
    connections: 0,
    functions: 0,
    jobs: 0,
    keptJobs: 0,
    assigned: 0,
    submitted: 0,
    coalesced: 0,
    refused: 0,
    completed: 0,
    failed: 0,
    requeued: 0,
    deadDropped: { number: 0, bytes: 0, age: 0, memory: 0 },
    deadBytes: 0,
    queueBytes: 0,
    memoryBytes: 0,
    recordsSent: 0,
    recordsReceived: 0,
    turns: { buckets: [], sumUs: 0 },
    loopDelay: null,
    incidents: {},
    store: null,
  };
  return { thread, ...zero, ...given };
}

/** What an acceptor and one shard say at look `look` (from 0) when only the looks themselves send records. */
function quiet(look: number, acceptor: Given = {}, shard: Given = {}): ThreadStats[] {
  return [
    figures(0, { recordsSent: 10 + look, recordsReceived: 20 + look, ...acceptor }),
    figures(1, { recordsSent: 20 + look, recordsReceived: 10 + look + 1, ...shard }),
  ];
}

describe('the last job', () => {
  test('has ended when two looks in a row see nothing', () => {
    const one = new LastJob(0);
    expect(one.look([figures(0, {})])).toBe(false);
    expect(one.look([figures(0, {})])).toBe(true);
    const two = new LastJob(1);
    expect(two.look(quiet(0))).toBe(false);
    expect(two.look(quiet(1))).toBe(true);
  });

  test('has not ended while a thread has a job', () => {
    const last = new LastJob(1);
    for (const look of [0, 1, 2]) expect(last.look(quiet(look, {}, { jobs: 1 }))).toBe(false);
    expect(last.look(quiet(3))).toBe(false);
    expect(last.look(quiet(4))).toBe(true);
  });

  test('has not ended while a record is under way', () => {
    const last = new LastJob(1);
    // The shard has sent one that the acceptor has not received.
    for (const look of [0, 1, 2])
      expect(last.look(quiet(look, { recordsReceived: 19 + look }))).toBe(false);
  });

  test('has not ended when a job came and went between two looks', () => {
    const last = new LastJob(1);
    expect(last.look(quiet(0))).toBe(false);
    expect(last.look(quiet(1, {}, { submitted: 1 }))).toBe(false);
    expect(last.look(quiet(2, {}, { submitted: 1 }))).toBe(true);
  });

  test('has not ended when records came and went between two looks', () => {
    const last = new LastJob(1);
    expect(last.look(quiet(0))).toBe(false);
    const moved = quiet(1, { recordsSent: 15 }, { recordsReceived: 16 });
    expect(last.look(moved)).toBe(false);
  });

  test('has not ended while a thread is being started again', () => {
    const last = new LastJob(1);
    expect(last.look(quiet(0))).toBe(false);
    expect(last.look([figures(0, {})])).toBe(false);
    expect(last.look(quiet(1))).toBe(false);
    expect(last.look(quiet(2))).toBe(true);
  });
});

/** What is counted of functions: by function while there are places, else with the rest, and never less than before. */
import { describe, expect, it } from 'vitest';
import { bytesOf, latin1 } from '../../../src/base/bytes.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import { BUCKET_COUNT, bucketOf, Count, ROW_WORDS } from '../../../src/broker/function-stats.ts';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';

/** Counts of a function by name, or of the rest. */
function countsOf(broker: Broker, name: string | null) {
  const { functions, functionStats } = broker;
  let at = 0;
  for (let index = 1; index < functions.indexEnd; index++) {
    const fn = functions.at(index);
    if (fn !== null && latin1(fn.name, 0, fn.name.length) === name) at = fn.countsAt;
  }
  if (name !== null && at === 0) return null;
  const word = (offset: number): number => functionStats.counts[at + offset] as number;
  const buckets = (offset: number): Record<number, number> =>
    Object.fromEntries(
      Array.from({ length: BUCKET_COUNT }, (_, b) => [b, word(offset + b)]).filter(([, n]) => n),
    );
  return {
    completed: word(Count.COMPLETED),
    failed: word(Count.FAILED),
    requeued: word(Count.REQUEUED),
    waitMs: word(Count.WAIT_MS),
    runMs: word(Count.RUN_MS),
    waits: buckets(Count.WAIT_BUCKETS),
    runs: buckets(Count.RUN_BUCKETS),
  };
}

const measuredOne = () => ({ measuredMax: 1, measured: new Int32Array(1) });

describe('a bucket', () => {
  it('holds times from a power of four up to the next', () => {
    const firsts = [0, 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576];
    expect(firsts).toHaveLength(BUCKET_COUNT);
    for (const [bucket, first] of firsts.entries()) {
      expect(bucketOf(first)).toBe(bucket);
      if (bucket > 0) expect(bucketOf(first - 1)).toBe(bucket - 1);
    }
    expect(bucketOf(2 ** 32 - 1)).toBe(BUCKET_COUNT - 1);
  });
});

describe('the tally', () => {
  it('times waits and runs of jobs that complete, fail and are lost', () => {
    const { thread } = plays(
      `
      worker > CAN_DO f
      client > SUBMIT_JOB f "" 1
      client < JOB_CREATED #1
      + 5 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 70 ms
      worker > WORK_COMPLETE #1 x
      client < WORK_COMPLETE #1 x
      client > SUBMIT_JOB f "" 2
      client < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      + 2 ms
      worker > (end)
      worker < (closed)
      + 300 ms
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #2 f 2
      + 1 ms
      worker2 > WORK_FAIL #2
      client < WORK_FAIL #2
    `,
      measuredOne(),
    );
    expect(countsOf(thread.broker, 'f')).toEqual({
      completed: 1,
      failed: 1,
      requeued: 1,
      waitMs: 305,
      runMs: 71,
      // 5 ms, 0 ms, and 300 ms since the job came back to its queue.
      waits: { 0: 1, 2: 1, 5: 1 },
      runs: { 1: 1, 4: 1 },
    });
  });

  it('counts a job whose attempts are spent as failed', () => {
    const { thread } = plays(
      `
      worker > CAN_DO f
      client > SUBMIT_JOB f "" 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > (reset)
      client < WORK_FAIL #1
      worker < (closed)
    `,
      { ...measuredOne(), jobRetries: 1 },
    );
    expect(countsOf(thread.broker, 'f')).toMatchObject({ failed: 1, requeued: 0, runs: {} });
  });

  it('counts functions beyond the limit together, and those dropped as well', () => {
    const dialogue = new MemoryDialogue(measuredOne());
    const { broker } = dialogue.thread;
    const job = (fn: string, handle: string) => `
      worker > CAN_DO ${fn}
      client > SUBMIT_JOB ${fn} "" 1
      client < JOB_CREATED ${handle}
      worker > GRAB_JOB
      worker < JOB_ASSIGN ${handle} ${fn} 1
      worker > WORK_COMPLETE ${handle} x
      client < WORK_COMPLETE ${handle} x
      worker > CANT_DO ${fn}
    `;
    dialogue.play(job('f', '#1') + job('g', '#2') + job('h', '#3'));
    expect(countsOf(broker, 'f')).toMatchObject({ completed: 1 });
    expect(countsOf(broker, 'g')).toBeNull();
    expect(countsOf(broker, null)).toMatchObject({ completed: 2 });
    dialogue.play(`
      admin > "drop function f\\n"
      admin < "OK\\r\\n"
    `);
    expect(countsOf(broker, null)).toMatchObject({ completed: 3, waits: { 0: 3 } });
    expect(broker.functionStats.counts[Count.CREATED]).toBe(1);
    // The place is free again, and its row is empty.
    dialogue.play(job('i', '#4'));
    expect(countsOf(broker, 'i')).toMatchObject({ completed: 1, waits: { 0: 1 } });
    dialogue.sweep();
  });

  it('keeps counts while its table grows', () => {
    const dialogue = new MemoryDialogue({ measuredMax: 100, measured: new Int32Array(1) });
    const { broker } = dialogue.thread;
    for (let n = 0; n < 100; n++) {
      const name = bytesOf(`f${n}`);
      const fn = broker.addFunction(name, 0, name.length, n);
      broker.functionStats.lost(fn, Count.REQUEUED);
    }
    for (let n = 0; n < 100; n++)
      expect(countsOf(broker, `f${n}`)).toMatchObject({ requeued: 1, completed: 0 });
    expect(broker.functionStats.counts.length % ROW_WORDS).toBe(0);
  });

  it('shares its places with other threads', () => {
    const measured = new Int32Array([0, 3]);
    const { broker } = new MemoryDialogue({ measuredMax: 4, measured }).thread;
    const places = ['a', 'b'].map((name, n) => broker.addFunction(bytesOf(name), 0, 1, n).countsAt);
    expect(places).toEqual([ROW_WORDS, 0]);
    expect([...measured]).toEqual([1, 3]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { createRingSet } from '../../../src/ring/layout.ts';
import { RingReader, RingWriter } from '../../../src/ring/ring.ts';
import { PendingQueries } from '../../../src/session/cross-thread/pending-queries.ts';
import { readQuery } from '../../../src/session/cross-thread/records.ts';
import { DONE, type ThreadResult } from '../../../src/session/thread-queries.ts';

const QUERY = { kind: 'stats' } as const;

describe('queries to other threads', () => {
  const set = createRingSet(2, 1024 * 1024);
  const writer = new RingWriter(set, 0, 1, { ring: () => {}, post: () => {} });
  const reader = new RingReader(set, 0, 1, { ring: () => {}, receive: null });
  let queries: PendingQueries;
  let results: [string, number][];
  const note = (name: string) => (result: ThreadResult) => results.push([name, result.result]);

  beforeEach(() => {
    // Thread 1 runs, thread 2 does not.
    queries = new PendingQueries([null, writer, null]);
    results = [];
  });

  /** Numbers of the queries that thread 1 was sent. */
  function sent(): number[] {
    const ids: number[] = [];
    writer.publish();
    reader.drain(10, (record) => ids.push(readQuery(record).id));
    return ids;
  }

  it('get the result of their number, once', () => {
    queries.send(1, QUERY, note('first'));
    queries.send(1, QUERY, note('second'));
    const [first, second] = sent() as [number, number];
    queries.end(second, { ...DONE, result: 7 });
    queries.end(second, { ...DONE, result: 8 });
    expect(results).toEqual([['second', 7]]);
    expect(queries.count).toBe(1);
    queries.end(first, { ...DONE, result: 9 });
    expect(results).toEqual([
      ['second', 7],
      ['first', 9],
    ]);
    expect(queries.count).toBe(0);
  });

  it('hear at once that nothing is known when the thread does not run', () => {
    queries.send(2, QUERY, note('dead'));
    expect(results).toEqual([['dead', DONE.result]]);
    expect(queries.count).toBe(0);
  });

  it('hear it when the thread dies, and nothing that it has sent before', () => {
    queries.send(1, QUERY, note('asked'));
    const [id] = sent() as [number];
    queries.endAllOf(2);
    expect(results).toEqual([]);
    queries.endAllOf(1);
    queries.end(id, { ...DONE, result: 7 });
    expect(results).toEqual([['asked', DONE.result]]);
  });
});

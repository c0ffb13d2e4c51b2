/** Streams of events: who gets what, and that nothing is made while nobody reads. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ALL_RIGHTS, VIEW_ONLY } from '../../../../src/http/api/caller.ts';
import {
  EventFeeds,
  type EventReader,
  type FeedData,
} from '../../../../src/http/api/event-feeds.ts';
import type { FunctionRow } from '../../../../src/http/api/schemas.ts';

const KIB_256 = 262_144;

const row = (name: string, queued: number) => ({ name, queued }) as FunctionRow;
const dataOf = (...functions: FunctionRow[]): FeedData => ({ totals: undefined, functions });

class Reader implements EventReader {
  readonly got: string[] = [];
  unread = 0;
  isAllowedNow = true;
  hasEnded = false;
  isAllowed = () => this.isAllowedNow;
  unreadBytes = () => this.unread;
  end = () => {
    this.hasEnded = true;
  };
  send = (bytes: Uint8Array) => {
    this.got.push(new TextDecoder().decode(bytes));
  };

  /** The events so far: `snapshot a=1 b=2`, with `!` when it is complete. */
  take(): string[] {
    return this.got.splice(0).map((text) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? [];
      if (name === undefined) return text;
      const { isComplete, functions } = JSON.parse(data as string);
      const rows = functions?.map(({ name: fn, queued }: FunctionRow) => ` ${fn}=${queued}`) ?? [];
      return `${name}${isComplete === true ? '!' : ''}${rows.join('')}`;
    });
  }
}

describe('streams of events', () => {
  let data: FeedData | null;
  let loads: number;
  let feeds: EventFeeds;
  const failures: Error[] = [];
  const load = async () => {
    loads++;
    return data;
  };
  const second = () => vi.advanceTimersByTimeAsync(1_000);

  beforeEach(() => {
    vi.useFakeTimers();
    [data, loads] = [dataOf(row('a', 1), row('b', 2)), 0];
    feeds = new EventFeeds((error) => failures.push(error));
  });
  afterEach(() => {
    vi.useRealTimers();
    expect(failures).toEqual([]);
  });

  it('begin with a complete snapshot, then have what changes', async () => {
    const reader = new Reader();
    feeds.add(ALL_RIGHTS, '*', load, reader);
    await vi.advanceTimersByTimeAsync(0);
    expect(reader.take()).toEqual(['snapshot! a=1 b=2']);
    await second();
    expect(reader.take()).toEqual([]);
    data = dataOf(row('a', 1), row('b', 3), row('c', 0));
    await second();
    expect(reader.take()).toEqual(['snapshot b=3 c=0']);
  });

  it('are made once for the same rights and functions', async () => {
    const readers = [new Reader(), new Reader(), new Reader(), new Reader()] as const;
    feeds.add(ALL_RIGHTS, '*', load, readers[0]);
    await vi.advanceTimersByTimeAsync(0);
    feeds.add(ALL_RIGHTS, '*', load, readers[1]);
    await second();
    expect(readers[1].take()).toEqual(['snapshot! a=1 b=2']);
    expect(readers[0].take()).toEqual(['snapshot! a=1 b=2']);
    loads = 0;
    await second();
    expect(loads).toBe(1);
    feeds.add(VIEW_ONLY, '*', load, readers[2]);
    feeds.add(ALL_RIGHTS, '["a"]', load, readers[3]);
    await second();
    loads = 0;
    await second();
    expect(loads).toBe(3);
  });

  it('stop with the last reader', async () => {
    const removals = [new Reader(), new Reader()].map((reader) =>
      feeds.add(ALL_RIGHTS, '*', load, reader),
    );
    await second();
    removals[0]?.();
    expect(vi.getTimerCount()).toBe(1);
    removals[1]?.();
    expect(vi.getTimerCount()).toBe(0);
    loads = 0;
    await second();
    expect(loads).toBe(0);
  });

  it('say that there is a gap when a function goes or a shard does not answer', async () => {
    const reader = new Reader();
    feeds.add(ALL_RIGHTS, '*', load, reader);
    await vi.advanceTimersByTimeAsync(0);
    reader.take();
    data = dataOf(row('a', 1));
    await second();
    expect(reader.take()).toEqual(['gap', 'snapshot! a=1']);
    data = null;
    await second();
    await second();
    expect(reader.take()).toEqual(['gap']);
    data = dataOf(row('a', 1));
    await second();
    expect(reader.take()).toEqual(['snapshot! a=1']);
  });

  it('have a comment after 15 s without an event', async () => {
    const reader = new Reader();
    feeds.add(ALL_RIGHTS, '*', load, reader);
    await vi.advanceTimersByTimeAsync(0);
    reader.take();
    await vi.advanceTimersByTimeAsync(14_500);
    expect(reader.take()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(reader.take()).toEqual([':\n\n']);
  });

  it('end for a reader with 256 KiB unread, and for one whose session has ended; for no other', async () => {
    const [slow, gone, other] = [new Reader(), new Reader(), new Reader()];
    for (const reader of [slow, gone, other]) feeds.add(ALL_RIGHTS, '*', load, reader);
    await vi.advanceTimersByTimeAsync(0);
    slow.unread = KIB_256;
    gone.isAllowedNow = false;
    data = dataOf(row('a', 5), row('b', 2));
    await second();
    expect([slow, gone, other].map(({ hasEnded }) => hasEnded)).toEqual([true, true, false]);
    expect(other.take().at(-1)).toBe('snapshot a=5');
    feeds.endAll();
    expect([other.hasEnded, vi.getTimerCount()]).toEqual([true, 0]);
  });

  it('are at most 100, of at most 32 kinds', () => {
    for (let i = 0; i < 32; i++)
      expect(feeds.add(ALL_RIGHTS, `${i}`, load, new Reader())).not.toBeNull();
    expect(feeds.add(ALL_RIGHTS, 'other', load, new Reader())).toBeNull();
    for (let i = 32; i < 100; i++)
      expect(feeds.add(ALL_RIGHTS, '0', load, new Reader())).not.toBeNull();
    expect(feeds.add(ALL_RIGHTS, '0', load, new Reader())).toBeNull();
    feeds.endAll();
  });
});

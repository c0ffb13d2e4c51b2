/**
 * Streams of events: what has changed of functions, once a second. Rule: a snapshot is made once for all readers with the
 * same rights and the same functions; nothing is made while nobody reads; a reader that falls behind is dropped.
 *
 *   event: snapshot   data: {nowMs, isComplete, totals?, functions: [rows that are new or have changed]}
 *   event: gap        data: {}   what was sent may be out of date; the next snapshot is complete
 */
import type { Rights } from '../../session/access.ts';
import type { FunctionRow, Totals } from './schemas.ts';

const TICK_MS = 1_000;
/** Without an event for so long a comment is sent, so that proxies keep the connection. */
const HEARTBEAT_MS = 15_000;
/** What a reader may leave unread. */
export const UNREAD_BYTES_MAX = 256 * 1024;
const READERS_MAX = 100;
const FEEDS_MAX = 32;

/** What a snapshot is made of; null: a shard did not answer. */
export interface FeedData {
  readonly totals: Totals | undefined;
  readonly functions: readonly FunctionRow[];
}

export interface EventReader {
  /** False when the reader may read no longer: its session has ended. */
  isAllowed(): boolean;
  /** Bytes that wait for it. */
  unreadBytes(): number;
  /** The bytes are shared by all readers. */
  send(bytes: Uint8Array): void;
  end(): void;
}

/** Rows that differ belong to different texts. */
const keyOf = ({ name, nameEscaped }: FunctionRow) => nameEscaped ?? `=${name}`;
const encoder = new TextEncoder();
const eventOf = (name: string, data: object) =>
  encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
const HEARTBEAT = encoder.encode(':\n\n');

class Feed {
  readonly readers = new Set<EventReader>();
  readonly #load: () => Promise<FeedData | null>;
  /** Readers that have not got a complete snapshot since they came, or since the last gap. */
  readonly #new = new Set<EventReader>();
  #texts = new Map<string, string>();
  #totalsText = '';
  #sentMs = performance.now();
  #isLoading = false;

  constructor(load: () => Promise<FeedData | null>) {
    this.#load = load;
  }

  add(reader: EventReader): void {
    this.readers.add(reader);
    this.#new.add(reader);
  }

  remove(reader: EventReader): void {
    this.readers.delete(reader);
    this.#new.delete(reader);
  }

  async tick(): Promise<void> {
    if (this.#isLoading) return;
    for (const reader of [...this.readers]) if (!reader.isAllowed()) this.#drop(reader);
    if (this.readers.size === 0) return;
    this.#isLoading = true;
    const data = await this.#load().finally(() => {
      this.#isLoading = false;
    });
    const texts = new Map(data?.functions.map((row) => [keyOf(row), JSON.stringify(row)]));
    const hasGap = data === null || [...this.#texts.keys()].some((key) => !texts.has(key));
    if (hasGap && (this.#texts.size > 0 || data !== null)) this.#sendGap();
    if (data !== null) this.#sendSnapshot(data, texts);
    this.#texts = texts;
    if (performance.now() - this.#sentMs >= HEARTBEAT_MS) this.#sendTo(this.readers, HEARTBEAT);
  }

  #sendGap(): void {
    const known = [...this.readers].filter((reader) => !this.#new.has(reader));
    this.#sendTo(known, eventOf('gap', {}));
    for (const reader of this.readers) this.#new.add(reader);
  }

  #sendSnapshot({ totals, functions }: FeedData, texts: ReadonlyMap<string, string>): void {
    const nowMs = Date.now();
    const known = [...this.readers].filter((reader) => !this.#new.has(reader));
    const changed = functions.filter(
      (row) => this.#texts.get(keyOf(row)) !== texts.get(keyOf(row)),
    );
    const totalsText = JSON.stringify(totals) ?? '';
    if (known.length > 0 && (changed.length > 0 || totalsText !== this.#totalsText))
      this.#sendTo(
        known,
        eventOf('snapshot', { nowMs, isComplete: false, totals, functions: changed }),
      );
    if (this.#new.size > 0)
      this.#sendTo(
        [...this.#new],
        eventOf('snapshot', { nowMs, isComplete: true, totals, functions }),
      );
    this.#new.clear();
    this.#totalsText = totalsText;
  }

  #sendTo(readers: Iterable<EventReader>, bytes: Uint8Array): void {
    for (const reader of [...readers]) {
      if (reader.unreadBytes() + bytes.length > UNREAD_BYTES_MAX) this.#drop(reader);
      else reader.send(bytes);
    }
    this.#sentMs = performance.now();
  }

  #drop(reader: EventReader): void {
    this.remove(reader);
    reader.end();
  }
}

export class EventFeeds {
  /** By rights, then by the functions that are watched. */
  readonly #feeds = new Map<Rights, Map<string, Feed>>();
  readonly #failed: (error: Error) => void;
  #timer: NodeJS.Timeout | null = null;

  /** `failed` gets faults of ours. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  /**
   * Adds a reader; returns the function that removes it, null when there are too many. `load` is used when the feed is
   * new.
   */
  add(
    rights: Rights,
    watched: string,
    load: () => Promise<FeedData | null>,
    reader: EventReader,
  ): (() => void) | null {
    const feeds = [...this.#all()];
    const readers = feeds.reduce((count, feed) => count + feed.readers.size, 0);
    let feed = this.#feeds.get(rights)?.get(watched);
    if (readers >= READERS_MAX || (feed === undefined && feeds.length >= FEEDS_MAX)) return null;
    if (feed === undefined) {
      feed = new Feed(load);
      const ofRights = this.#feeds.get(rights) ?? new Map<string, Feed>();
      this.#feeds.set(rights, ofRights.set(watched, feed));
    }
    feed.add(reader);
    this.#tick(feed);
    this.#timer ??= setInterval(() => this.#tickAll(), TICK_MS).unref();
    const added = feed;
    return () => {
      added.remove(reader);
      this.#tidy();
    };
  }

  /** Ends all streams; readers come again and show who they are. */
  endAll(): void {
    for (const feed of this.#all())
      for (const reader of [...feed.readers]) {
        feed.remove(reader);
        reader.end();
      }
    this.#tidy();
  }

  *#all(): Iterable<Feed> {
    for (const feeds of this.#feeds.values()) yield* feeds.values();
  }

  #tickAll(): void {
    for (const feed of [...this.#all()]) this.#tick(feed);
  }

  #tick(feed: Feed): void {
    feed
      .tick()
      .catch((error) => this.#failed(error as Error))
      .finally(() => this.#tidy());
  }

  /** Forgets feeds without readers, and stops with the last one. */
  #tidy(): void {
    for (const [rights, feeds] of this.#feeds) {
      for (const [watched, feed] of feeds) if (feed.readers.size === 0) feeds.delete(watched);
      if (feeds.size === 0) this.#feeds.delete(rights);
    }
    if (this.#feeds.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

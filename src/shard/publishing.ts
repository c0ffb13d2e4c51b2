/**
 * Publishes a thread's state to the others at the end of a turn: the priority of its jobs, its numbers of connections
 * and jobs, and the records written for them. Rule: level and counts are published before the records. So a thread that
 * gets a record about a job finds correct counts, even if this thread dies immediately afterwards.
 */
import type { Broker } from '../broker/broker.ts';
import type { Reactor } from '../native/contract.ts';
import type { RingReader, RingWriter } from '../ring/ring.ts';
import type { SessionTable } from '../session/session-table.ts';

/** A thread's ends of the rings, by thread; null for itself and for threads that are not running. */
export interface ThreadRings {
  readonly writers: (RingWriter | null)[];
  readonly readers: (RingReader | null)[];
  /** Number of restarts of this thread. */
  readonly epoch: number;
  /** Highest priority runnable in another thread, as last published. */
  levelOf(thread: number): number;
  publishLevel(level: number): void;
  /** Connections of all threads, as last published. */
  connectionTotal(): number;
  /** Publishes this thread's numbers of connections and jobs. */
  publishCounts(connections: number, jobs: number): void;
}

/** When a thread has more unsent ring output than this, it reads no sockets until less than a quarter is left. */
const OVERFLOW_BYTES_MAX = 4 * 1024 * 1024;

export class Publishing {
  readonly #table: SessionTable;
  readonly #broker: Broker | null;
  readonly #rings: ThreadRings;
  readonly #reactor: Reactor;
  #level = -1;
  #connectionCount = -1;
  #jobCount = 0;
  #isReadingPaused = false;

  constructor(table: SessionTable, broker: Broker | null, rings: ThreadRings, reactor: Reactor) {
    this.#table = table;
    this.#broker = broker;
    this.#rings = rings;
    this.#reactor = reactor;
  }

  /** Publishes all changes since the last call. */
  publish(): void {
    this.#publishLevel();
    this.#publishCounts();
    let overflowBytes = 0;
    for (const writer of this.#rings.writers) {
      if (writer === null) continue;
      writer.publish();
      overflowBytes += writer.overflowBytes;
    }
    this.#limitOverflow(overflowBytes);
  }

  #publishCounts(): void {
    const { connectionCount } = this.#table;
    const jobCount = this.#broker?.jobs.liveCount ?? 0;
    if (connectionCount === this.#connectionCount && jobCount === this.#jobCount) return;
    this.#connectionCount = connectionCount;
    this.#jobCount = jobCount;
    this.#rings.publishCounts(connectionCount, jobCount);
  }

  #publishLevel(): void {
    if (this.#broker === null) return;
    const { level } = this.#broker.jobs;
    if (level === this.#level) return;
    this.#level = level;
    this.#rings.publishLevel(level);
  }

  /**
   * Pauses reading from all sockets while other threads do not keep up, because it is unknown which socket fills a
   * ring.
   */
  #limitOverflow(overflowBytes: number): void {
    const isPaused =
      overflowBytes > OVERFLOW_BYTES_MAX ||
      (this.#isReadingPaused && overflowBytes >= OVERFLOW_BYTES_MAX / 4);
    if (isPaused === this.#isReadingPaused) return;
    this.#isReadingPaused = isPaused;
    this.#reactor.pauseReading(isPaused);
  }
}

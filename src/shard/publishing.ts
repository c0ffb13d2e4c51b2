/**
 * What a thread shows the others at the end of a turn: how urgent its jobs are, how many connections and jobs it has, and
 * the records that it has written for them. Rule: the level comes before the records and the counts before them as well,
 * so that who has heard of a job finds a thread that has it, even if that thread dies in the next moment.
 */
import type { Broker } from '../broker/broker.ts';
import type { Reactor } from '../native/contract.ts';
import type { RingReader, RingWriter } from '../ring/ring.ts';
import type { SessionTable } from '../session/session-table.ts';

/** A thread's ends of the rings, by thread; null for itself and for threads that do not run. */
export interface ThreadRings {
  readonly writers: (RingWriter | null)[];
  readonly readers: (RingReader | null)[];
  /** How often this thread has died and was started again. */
  readonly epoch: number;
  /** Highest priority runnable in another thread, as it published it last. */
  levelOf(thread: number): number;
  publishLevel(level: number): void;
  /** Connections of all threads, as each published them last. */
  connectionTotal(): number;
  /** What others want to know of this thread: its connections and its jobs. */
  publishCounts(connections: number, jobs: number): void;
}

/** Above this much unsent ring output the thread reads no socket until it is below a quarter. */
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

  /** Shows all that has changed since the last call. */
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
    const jobCount = this.#broker?.jobs.table.count ?? 0;
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

  /** Other threads do not keep up: nothing more is read until they do, because nobody knows which socket feeds a ring. */
  #limitOverflow(overflowBytes: number): void {
    const isPaused =
      overflowBytes > OVERFLOW_BYTES_MAX ||
      (this.#isReadingPaused && overflowBytes >= OVERFLOW_BYTES_MAX / 4);
    if (isPaused === this.#isReadingPaused) return;
    this.#isReadingPaused = isPaused;
    this.#reactor.pauseReading(isPaused);
  }
}

import type { RingReader, RingWriter } from '../ring/ring.ts';

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

/**
 * What the server asks of whatever keeps background jobs. A store belongs to one shard and is told in order; it copies
 * what it is given, works on its own time and says later, when it is asked, what has become durable.
 * Rule: no method waits for a disk or a network. Nobody above this folder knows which store it is.
 */
import type { StoredJob } from './stored-job.ts';

/**
 * Stands for one appended job: a whole number from 1 on that is the caller's to choose. The store hands it back once,
 * with the outcome, and from then on it may stand for another job. No object: what waits for a disk outlives the young
 * objects of its time, and would be promoted and marked with all others.
 */
export type Ticket = number;

/** Jobs of a store, one call each. `bytes` of the job are valid until it returns. */
export type TakeJob = (job: StoredJob, reference: number, order: number) => void;

/** Figures of a store, since its start unless they say otherwise. */
export interface StoreHealth {
  /** False while new jobs are refused. */
  readonly isAccepting: boolean;
  /** Jobs that it keeps, now. */
  readonly jobs: number;
  /** Appended or forgotten, and not durable yet, now. */
  readonly uncommitted: number;
  /** Commits that have ended well. */
  readonly commits: number;
  /** Appended and forgotten jobs in all commits. */
  readonly committed: number;
  /** Milliseconds that all commits took together. */
  readonly commitMs: number;
  /** Milliseconds that the longest commit took. */
  readonly commitMsMax: number;
  /** Bytes of disk that it occupies, now; 0 where somebody else knows. */
  readonly bytes: number;
}

export interface Store {
  /**
   * Hands over one job. Returns its reference, at least 1, or 0 when the store takes none now. `takeOutcomes` says what
   * became of it; when nobody waits it may take the flush interval.
   */
  append(job: StoredJob, ticket: Ticket, isAwaited: boolean): number;
  /**
   * The job with this reference has ended. Kept until it is durable, tried again as often as it takes. Not to be called
   * for one that `takeOutcomes` called not stored: its reference means nothing any more.
   */
  forget(reference: number): void;
  /**
   * Begins to commit what waits. Called at the end of every turn; returns when to call again, or Infinity. With `isIdle`
   * false the turn had other work, and more may come: a store whose commits are expensive may wait for it a little.
   */
  flush(nowMs: number, isIdle?: boolean): number;
  /** Tells what has become of appended jobs since the last call, in any order. */
  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void;
  /**
   * Reads what is kept, in pieces that let other work in between. `take` gets every job once; `order` ascends with the
   * time of its submit. Called once, before everything else. `done` gets an error when the store cannot be used.
   * `postponed`: they come later, in ascending order and in events of their own; jobs are refused until `done`.
   */
  replay(take: TakeJob, done: (error: Error | null) => void, postponed?: () => void): void;
  readonly health: StoreHealth;
  /**
   * Commits what waits, then gives everything up. Called once; from now on jobs are refused and forgets are too late,
   * `takeOutcomes` alone still says something.
   */
  close(done: () => void): void;
}

/** What a store is given by the thread that it belongs to. */
export interface StoreHost {
  /** `takeOutcomes` has something to say, or `flush` something to begin: a turn is wanted soon. */
  wake(): void;
  log(level: number, text: string): void;
  nowMs(): number;
}

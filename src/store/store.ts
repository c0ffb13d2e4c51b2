/**
 * The interface of a store for background jobs. A store belongs to one shard and is called in order; it copies its
 * arguments, works in its own time and reports later, when asked, what has become durable. Rule: no method waits for a
 * disk or a network. No code above this folder knows which store it is.
 */
import type { StoredJob } from './stored-job.ts';

/**
 * Identifies one append or update of a job: a whole number from 1 on that the caller chooses. The store returns it
 * once, with the outcome; then it may be reused. It is a number, because objects for pending jobs would live long
 * enough for V8 to promote and mark them.
 */
export type Ticket = number;

/** Called once for each job of a store. `bytes` of the job are valid until it returns. */
export type TakeJob = (job: StoredJob, reference: number, order: number) => void;

/** Figures of a store. Counters count since its start; fields marked "now" are current values. */
export interface StoreHealth {
  /** False while new jobs are refused, now. */
  readonly isAccepting: boolean;
  /** Number of jobs in the store, now. */
  readonly jobs: number;
  /** Appended, updated and forgotten jobs that are not durable yet, now. */
  readonly uncommitted: number;
  /** Number of successful commits. */
  readonly commits: number;
  /** Number of appended, updated and forgotten jobs in all commits. */
  readonly committed: number;
  /** Duration of all commits together, in milliseconds. */
  readonly commitMs: number;
  /** Duration of the longest commit, in milliseconds. */
  readonly commitMsMax: number;
  /** Bytes of disk that the store occupies, now; 0 for databases. */
  readonly bytes: number;
}

export interface Store {
  /** Whether this store keeps the runs of jobs. If not, it refuses jobs with runs, and `update` is not called. */
  readonly keepsRuns: boolean;
  /**
   * Takes one job. Returns its reference, at least 1, or 0 when the store takes none now. `takeOutcomes` reports the
   * outcome; when no client waits that may take the flush interval.
   */
  append(job: StoredJob, ticket: Ticket, isAwaited: boolean): number;
  /**
   * Replaces what is stored of the job with this reference: `job` is complete, with its runs. `takeOutcomes` reports
   * the outcome as for `append`; a failed update leaves the stored job as it was before, or with the update, but never
   * loses it. Returns false when the store takes nothing now. Updates and the forget of one job take effect in the
   * order of the calls. Do not call it for a job that was forgotten, or that `takeOutcomes` reported as not stored.
   */
  update(job: StoredJob, reference: number, ticket: Ticket, isAwaited: boolean): boolean;
  /**
   * The job with this reference has ended. The store repeats the forget until it is durable. Do not call it for a job
   * that `takeOutcomes` reported as not stored: its reference is invalid.
   */
  forget(reference: number): void;
  /**
   * Begins to commit pending changes. Call at the end of every turn; returns when to call again, or Infinity. With
   * `isIdle` false the turn had other work, and more may come: a store with expensive commits may wait a little.
   */
  flush(nowMs: number, isIdle?: boolean): number;
  /** Reports the outcomes of appended and updated jobs since the last call, in any order. */
  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void;
  /**
   * Reads all jobs, in pieces that let other work run. `take` gets every job once; `order` ascends with the time of
   * its submit. Called once, before all other methods. `done` gets an error when the store is unusable. `postponed`:
   * jobs come later, in ascending order and in events of their own; new jobs are refused until `done`.
   */
  replay(take: TakeJob, done: (error: Error | null) => void, postponed?: () => void): void;
  readonly health: StoreHealth;
  /**
   * Commits pending changes, then closes. Called once; afterwards jobs are refused and forgets have no effect, only
   * `takeOutcomes` may still be called.
   */
  close(done: () => void): void;
}

/** The part of its thread that a store gets. */
export interface StoreHost {
  /** Requests a turn soon: `takeOutcomes` has outcomes, or `flush` can begin a commit. */
  wake(): void;
  log(level: number, text: string): void;
  nowMs(): number;
}

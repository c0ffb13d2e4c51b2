/**
 * The interface that a kind of database implements to keep background jobs: open, write a batch, read all rows, close.
 * Rule: one call at a time; no call blocks the thread for long; a failing call throws, and the connection is then
 * closed and opened again. Everything else (batches, retries, keys, shards) is the same for all kinds and is in the
 * other files of this folder.
 */
import type { StoredRuns } from '../stored-job.ts';

/**
 * The key of one job's row: two jobs never have the same pair. Borrowed bytes: valid until the call that gets them
 * settles.
 */
export interface RowKey {
  /** Up to 64 bytes: the unique, or a key made for a job without one. */
  readonly key: Uint8Array;
  /** Not empty, without NUL. */
  readonly functionName: Uint8Array;
}

/** What a put changes. */
export const Change = {
  /** Adds the row, with its runs if it has some. */
  ADD: 0,
  /** Replaces the runs alone. */
  RUNS: 1,
  /** Replaces the runs, which say that the job is dead, and removes the row. A missing row is not a failure. */
  BURY: 2,
  /** As ADD, for a dead job that is queued again: a row of the same content is its own. */
  KICK: 3,
} as const;
export type Change = (typeof Change)[keyof typeof Change];

/** The runs of a job, which are kept beside its row, or without a row when the job is dead. */
export interface RunsRow extends StoredRuns {
  /** Never used for two jobs: up to 32 bytes of letters, digits and colons. */
  readonly id: Uint8Array;
}

/** The runs of a job as they were found; null where they could not be read. */
export interface FoundRuns {
  readonly id: Uint8Array | null;
  readonly key: Uint8Array | null;
  readonly functionName: Uint8Array | null;
  /** `fingerprintOf` the job; of a live job only. */
  readonly fingerprint: Uint8Array | null;
  readonly handle: Uint8Array | null;
  readonly attempts: number | null;
  readonly losses: number | null;
  readonly dueMs: number | null;
  readonly delayMs: number | null;
  readonly isDead: boolean;
  readonly details: Uint8Array | null;
  /** Of a dead job only. */
  readonly priority: number | null;
  readonly workload: Uint8Array | null;
}

export interface Put extends RowKey {
  /** 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /** Start time in seconds since 1970 by wall clock; 0 = at once. */
  readonly startSeconds: number;
  readonly workload: Uint8Array;
  /** Missing: ADD. */
  readonly change?: Change;
  /** Missing or null: a job without runs. Every change but ADD has some. */
  readonly runs?: RunsRow | null;
}

/** Whether a put adds a row. */
export function isAdd({ change = Change.ADD }: Put): boolean {
  return change === Change.ADD || change === Change.KICK;
}

/** Whether a put removes its row, because its job is dead. */
export function isBury({ change }: Put): boolean {
  return change === Change.BURY;
}

/** Changes that are written together. */
export interface Batch {
  /** Rows to remove first. A missing row is not a failure. */
  readonly forgets: readonly RowKey[];
  /** Ids of runs to remove first; missing ones are not a failure. */
  readonly runsForgets?: readonly Uint8Array[];
  /**
   * Afterwards: first RUNS and BURY, then the rows to add. An id comes once. With runs in it, the batch is written as a
   * whole or not at all, apart from refused puts.
   */
  readonly puts: readonly Put[];
}

/** A put that the database refused although the rest of its batch was written, and the reason in words. */
export interface Refusal {
  /** Index of the put in its batch. */
  readonly index: number;
  readonly reason: string;
}

/** A row as it was found; fields are null where they could not be read. */
export interface FoundRow {
  readonly key: Uint8Array | null;
  readonly functionName: Uint8Array | null;
  readonly priority: number | null;
  /** Null means 0. */
  readonly startSeconds: number | null;
  /** Null means empty. */
  readonly workload: Uint8Array | null;
}

export interface Backend {
  /** A sentence about the table for the log, or null; known once it is open. */
  readonly remark?: string | null;
  /**
   * Connects, makes the table if it is missing, and checks that it is one of gearmand's. Rejects with a sentence that
   * names the table and the problem. Called again after `close`. `onLost` is called when the connection ends by itself
   * while nothing is being written, if that can be detected.
   */
  open(onLost: (error: Error) => void): Promise<void>;
  /** Why this kind of database cannot keep this job, checked before anything is sent; null when it can. */
  unfit(put: Put): string | null;
  /**
   * Resolves when the batch is durable. A put whose key exists is refused and does not overwrite the row. When this
   * rejects, parts of the batch may have been written, and the database may still write more of it.
   */
  write(batch: Batch): Promise<readonly Refusal[]>;
  /** Finds which of the rows exist. Keys are compared byte by byte; rows come in any order, in the form of `scan`. */
  find(rows: readonly RowKey[]): Promise<readonly FoundRow[]>;
  /** The approximate number of rows. */
  count(): Promise<number>;
  /** All rows, in pages of some hundred. If the database knows the order in which rows were added, in this order. */
  scan(): AsyncIterable<readonly FoundRow[]>;
  /** The runs of live jobs with these keys, in any order; none where this kind keeps no runs. */
  findRuns?(rows: readonly RowKey[]): Promise<readonly FoundRuns[]>;
  /** All runs, in pages of some hundred. */
  scanRuns?(): AsyncIterable<readonly FoundRuns[]>;
  /** Gives up the connection in any state. */
  close(): Promise<void>;
}

/** A kind of database with its settings, ready to be opened any number of times. */
export interface BackendKind {
  /** Name and place for log lines, without secrets, such as `libsqlite3 /var/lib/jobs.db`. */
  readonly label: string;
  /** True: all shards write through one connection, and their batches are joined. */
  readonly isShared: boolean;
  /** Whether it keeps the runs of jobs; then it has `findRuns` and `scanRuns`. Missing: no. */
  readonly keepsRuns?: boolean;
  make(): Backend;
}

/** Reason for refusing a put whose row exists. */
export const TAKEN_REASON = 'there is a row with its unique and function already';

/**
 * What a kind of database must do to keep background jobs: be opened, write a batch, be read as a whole, be closed.
 * Rule: one call at a time; no call blocks the thread for long; what a call could not do it throws, and then it is
 * closed and opened anew. All else (batches, retries, keys, shards) is the same for all kinds and lies beside this file.
 */

/** The row of one job: two jobs never have the same pair. Borrowed bytes: valid until the call that has them settles. */
export interface RowKey {
  /** Up to 64 bytes: the unique, or one made for a job that has none. */
  readonly key: Uint8Array;
  /** Not empty, without NUL. */
  readonly functionName: Uint8Array;
}

export interface Put extends RowKey {
  /** 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /** Wall clock time of its start, in seconds since 1970; 0 = at once. */
  readonly startSeconds: number;
  readonly workload: Uint8Array;
}

/** Written together. */
export interface Batch {
  /** Rows to be removed, first. One that is not there is no failure. */
  readonly forgets: readonly RowKey[];
  /** Rows to be added, then. */
  readonly puts: readonly Put[];
}

/** One put that is not in the database although its batch was written, and why in words. */
export interface Refusal {
  /** Of the put in its batch. */
  readonly index: number;
  readonly reason: string;
}

/** A row as it was found; null where there is nothing that could be read. */
export interface FoundRow {
  readonly key: Uint8Array | null;
  readonly functionName: Uint8Array | null;
  readonly priority: number | null;
  /** Null is as good as 0. */
  readonly startSeconds: number | null;
  /** Null is as good as empty. */
  readonly workload: Uint8Array | null;
}

export interface Backend {
  /** Known when it is open: a sentence about the table that belongs into the log, or null. */
  readonly remark?: string | null;
  /**
   * Connects, makes the table if it is missing, and sees that it is one of gearmand's. Rejects with a sentence that says
   * what is wrong with which table. Called again after `close`. `onLost`: the connection has ended by itself while
   * nothing was being written, as far as that shows.
   */
  open(onLost: (error: Error) => void): Promise<void>;
  /** Why this kind of database cannot keep this job, before anything is sent; null when it can. */
  unfit(put: Put): string | null;
  /**
   * Durable when it resolves. A put whose key is there already is refused, never written over the other one. When it
   * rejects, some of it may have been written and more may still be.
   */
  write(batch: Batch): Promise<readonly Refusal[]>;
  /** Those of the rows that are there, in any order: by exactly these bytes, in the form of `scan`. */
  find(rows: readonly RowKey[]): Promise<readonly FoundRow[]>;
  /** About how many rows there are. */
  count(): Promise<number>;
  /** All rows in pages of some hundred, in the order in which they were added where the database knows it. */
  scan(): AsyncIterable<readonly FoundRow[]>;
  /** Gives the connection up, whatever state it is in. */
  close(): Promise<void>;
}

/** A kind of database with all it needs, ready to be opened any number of times. */
export interface BackendKind {
  /** For log lines: what and where, without secrets, such as `libsqlite3 /var/lib/jobs.db`. */
  readonly label: string;
  /** True: all shards write through one connection, and their batches are joined. */
  readonly isShared: boolean;
  make(): Backend;
}

/** A put that would be added twice. */
export const TAKEN_REASON = 'there is a row with its unique and function already';

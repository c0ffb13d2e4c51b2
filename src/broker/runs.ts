/**
 * What is known of the failed runs of jobs: attempts and the last errors. Few jobs have any, so it is kept beside the
 * rows, and a flag of the row says that it is there.
 */
import type { Account } from '../base/account.ts';
import { Kept } from './kept.ts';

/** Why a run, or a job, has failed. The names are those of the text protocol. */
export type Cause = 'fail' | 'exception' | 'timeout' | 'lost' | 'buried';

/** Errors that are kept of a job, the last ones, and the bytes of one. */
export const ERRORS_MAX = 5;
export const ERROR_BYTES_MAX = 4096;

export interface RunError {
  readonly cause: Cause;
  /** Wall clock in milliseconds. */
  readonly atMs: number;
  /** What the worker said, cut to ERROR_BYTES_MAX; empty for a failure without a text. Owned. */
  readonly text: Uint8Array;
}

export interface Runs {
  /** Runs that have failed. */
  attempts: number;
  /** The last errors, oldest first. */
  readonly errors: RunError[];
}

export class RunTable {
  readonly #account: Account;
  readonly #runs = new Map<number, Runs>();
  /** Bytes charged to the account. */
  bytes = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  /** The failed runs of a job that has some. */
  of(job: number): Runs {
    return this.#runs.get(job) as Runs;
  }

  /** Adds an error; `isNew`: the first one of the job. */
  add(job: number, error: RunError, isNew: boolean): Runs {
    const runs: Runs = isNew ? { attempts: 0, errors: [] } : this.of(job);
    if (isNew) {
      this.#runs.set(job, runs);
      this.#charge(Kept.RUNS);
    }
    runs.errors.push(error);
    this.#charge(Kept.RUN_ERROR + error.text.length);
    const oldest = runs.errors.length > ERRORS_MAX ? runs.errors.shift() : undefined;
    if (oldest !== undefined) this.#charge(-Kept.RUN_ERROR - oldest.text.length);
    return runs;
  }

  /** Bytes that the runs of this job cost. */
  bytesOf(job: number): number {
    let bytes: number = Kept.RUNS;
    for (const { text } of this.of(job).errors) bytes += Kept.RUN_ERROR + text.length;
    return bytes;
  }

  drop(job: number): void {
    this.#charge(-this.bytesOf(job));
    this.#runs.delete(job);
  }

  #charge(bytes: number): void {
    this.bytes += bytes;
    this.#account.held += bytes;
  }
}

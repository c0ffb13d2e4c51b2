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
  /** Wall clock at which the next run may start, and the delay that led to it; 0 = at once. */
  dueMs: number;
  delayMs: number;
  /** The last errors, oldest first. */
  readonly errors: RunError[];
}

const CAUSES: readonly Cause[] = ['fail', 'exception', 'timeout', 'lost', 'buried'];
const ERROR_HEAD_BYTES = 11;

/** Errors as bytes for a store: for each 1 byte of cause, 8 of time (f64), 2 of length, text. */
export function encodeErrors(errors: readonly RunError[]): Uint8Array {
  const byteCount = errors.reduce((sum, { text }) => sum + ERROR_HEAD_BYTES + text.length, 0);
  const bytes = new Uint8Array(byteCount);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { cause, atMs, text } of errors) {
    bytes[at] = CAUSES.indexOf(cause);
    view.setFloat64(at + 1, atMs);
    view.setUint16(at + 9, text.length);
    bytes.set(text, at + ERROR_HEAD_BYTES);
    at += ERROR_HEAD_BYTES + text.length;
  }
  return bytes;
}

/** The errors in the bytes of a store; what is not whole is left out. Copies. */
export function decodeErrors(bytes: Uint8Array): RunError[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const errors: RunError[] = [];
  for (let at = 0; at + ERROR_HEAD_BYTES <= bytes.length; ) {
    const end = at + ERROR_HEAD_BYTES + view.getUint16(at + 9);
    const cause = CAUSES[bytes[at] as number];
    if (cause === undefined || end > bytes.length) break;
    errors.push({
      cause,
      atMs: view.getFloat64(at + 1),
      text: bytes.slice(at + ERROR_HEAD_BYTES, end),
    });
    at = end;
  }
  return errors;
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
    if (isNew) this.open(job, { attempts: 0, dueMs: 0, delayMs: 0, errors: [] });
    const runs = this.of(job);
    runs.errors.push(error);
    this.#charge(Kept.RUN_ERROR + error.text.length);
    const oldest = runs.errors.length > ERRORS_MAX ? runs.errors.shift() : undefined;
    if (oldest !== undefined) this.#charge(-Kept.RUN_ERROR - oldest.text.length);
    return runs;
  }

  /** Adds the runs of a job that has none. */
  open(job: number, runs: Runs): void {
    this.#runs.set(job, runs);
    this.#charge(this.bytesOf(job));
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

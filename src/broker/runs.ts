/**
 * What is known of the failed runs of jobs: attempts and the last errors. Few jobs have any, so it is kept beside the
 * rows, and a flag of the row says that it is there.
 */
import type { Account } from '../base/account.ts';
import { bytesOf, latin1 } from '../base/bytes.ts';
import { nextRun } from '../protocol/run-suffix.ts';
import { Kept } from './kept.ts';

/** Why a run, or a job, has failed. The names are those of the text protocol. */
export type Cause = 'fail' | 'exception' | 'timeout' | 'lost' | 'buried';

/** Errors that are kept of a job, the last ones, and the bytes of the text and of the worker of one. */
export const ERRORS_MAX = 5;
export const ERROR_BYTES_MAX = 4096;
export const WORKER_BYTES_MAX = 128;

export interface RunError {
  readonly cause: Cause;
  /** Wall clock in milliseconds. */
  readonly atMs: number;
  /** How long the run was, in whole milliseconds; 0 without a run. */
  readonly runMs: number;
  /** Who ran it, as `Outbox.nameOf` says, Latin-1, cut to WORKER_BYTES_MAX; empty when nobody did, or it is not known. */
  readonly worker: string;
  /** What the worker said, cut to ERROR_BYTES_MAX; empty for a failure without a text. Owned. */
  readonly text: Uint8Array;
}

export interface Runs {
  /** Runs that have failed. */
  attempts: number;
  /** Wall clock at which the next run may start, and the delay that led to it; 0 = at once. */
  dueMs: number;
  delayMs: number;
  /** The number of its death in this run of the server; 0: not dead, or dead since an earlier run. */
  death: number;
  /** The number in the handle of the run under way, 0 = a plain handle, and the last number that was given. */
  run: number;
  lastRun: number;
  /** The last errors, oldest first. */
  readonly errors: RunError[];
  /** The handle of its JOB_CREATED in an earlier run of the server, Latin-1; null: that of its row. */
  readonly handle: string | null;
}

/** The runs of a job that has none, without its errors. */
export const NO_RUNS = {
  attempts: 0,
  dueMs: 0,
  delayMs: 0,
  death: 0,
  run: 0,
  lastRun: 0,
  handle: null,
} as const satisfies Omit<Runs, 'errors'>;

const CAUSES: readonly Cause[] = ['fail', 'exception', 'timeout', 'lost', 'buried'];
const ERROR_HEAD_BYTES = 11;
/** Set in the byte of the cause when the run follows the head: 4 bytes of its duration, 1 of the length of the worker. */
const HAS_RUN = 0x80;
const RUN_HEAD_BYTES = 5;

const byteCountOf = ({ worker, text }: RunError): number =>
  ERROR_HEAD_BYTES + RUN_HEAD_BYTES + worker.length + text.length;

/**
 * Errors as bytes for a store: for each 1 byte of cause, 8 of time (f64), 2 of length of the text, [4 of duration (u32), 1
 * of length of the worker, worker,] text. The first unreleased form had no run.
 */
export function encodeErrors(errors: readonly RunError[]): Uint8Array {
  const bytes = new Uint8Array(errors.reduce((sum, error) => sum + byteCountOf(error), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { cause, atMs, runMs, worker, text } of errors) {
    bytes[at] = CAUSES.indexOf(cause) | HAS_RUN;
    view.setFloat64(at + 1, atMs);
    view.setUint16(at + 9, text.length);
    view.setUint32(at + 11, runMs);
    bytes[at + 15] = worker.length;
    at += ERROR_HEAD_BYTES + RUN_HEAD_BYTES;
    bytes.set(bytesOf(worker), at);
    bytes.set(text, at + worker.length);
    at += worker.length + text.length;
  }
  return bytes;
}

/** The errors in the bytes of a store; what is not whole is left out. Copies. */
export function decodeErrors(bytes: Uint8Array): RunError[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const errors: RunError[] = [];
  for (let at = 0; at + ERROR_HEAD_BYTES <= bytes.length; ) {
    const hasRun = ((bytes[at] as number) & HAS_RUN) !== 0;
    const cause = CAUSES[(bytes[at] as number) & ~HAS_RUN];
    const workerAt = at + ERROR_HEAD_BYTES + (hasRun ? RUN_HEAD_BYTES : 0);
    if (cause === undefined || workerAt > bytes.length) break;
    const textAt = workerAt + (hasRun ? (bytes[workerAt - 1] as number) : 0);
    const end = textAt + view.getUint16(at + 9);
    if (end > bytes.length) break;
    errors.push({
      cause,
      atMs: view.getFloat64(at + 1),
      runMs: hasRun ? view.getUint32(at + ERROR_HEAD_BYTES) : 0,
      worker: latin1(bytes, workerAt, textAt),
      text: bytes.slice(textAt, end),
    });
    at = end;
  }
  return errors;
}

const costOf = ({ worker, text }: RunError): number => Kept.RUN_ERROR + worker.length + text.length;

export class RunTable {
  readonly #account: Account;
  readonly #runs = new Map<number, Runs>();
  /** Jobs by the handles of earlier runs of the server. */
  readonly #byHandle = new Map<string, number>();
  /** Bytes charged to the account. */
  bytes = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  /** The failed runs of a job that has some. */
  of(job: number): Runs {
    return this.#runs.get(job) as Runs;
  }

  /** Number of jobs with handles of earlier runs of the server. */
  get handleCount(): number {
    return this.#byHandle.size;
  }

  /** The job with this handle of an earlier run of the server; 0 = none. */
  jobOf(handle: string): number {
    return this.#byHandle.get(handle) ?? 0;
  }

  /** Adds an error; `isNew`: the first one of the job. */
  add(job: number, error: RunError, isNew: boolean): Runs {
    if (isNew) this.open(job, { ...NO_RUNS, errors: [] });
    const runs = this.of(job);
    runs.errors.push(error);
    this.#charge(costOf(error));
    const oldest = runs.errors.length > ERRORS_MAX ? runs.errors.shift() : undefined;
    if (oldest !== undefined) this.#charge(-costOf(oldest));
    return runs;
  }

  /** A run of the job begins; returns its number, 0 = a plain handle. Only a worker with `takesAttempts` gets numbers. */
  begin(job: number, takesAttempts: boolean): number {
    const runs = this.of(job);
    const isNumbered = takesAttempts && runs.attempts > 0;
    if (isNumbered) runs.lastRun = nextRun(runs.lastRun);
    runs.run = isNumbered ? runs.lastRun : 0;
    return runs.run;
  }

  /** Adds the runs of a job that has none. */
  open(job: number, runs: Runs): void {
    this.#runs.set(job, runs);
    // Of two jobs with one handle, as after an import, the first one has it.
    if (runs.handle !== null && !this.#byHandle.has(runs.handle))
      this.#byHandle.set(runs.handle, job);
    this.#charge(this.bytesOf(job));
  }

  /** Bytes that the runs of this job cost. */
  bytesOf(job: number): number {
    const { errors, handle } = this.of(job);
    let bytes: number = Kept.RUNS + (handle === null ? 0 : Kept.HANDLE + handle.length);
    for (const error of errors) bytes += costOf(error);
    return bytes;
  }

  drop(job: number): void {
    this.#charge(-this.bytesOf(job));
    const { handle } = this.of(job);
    if (handle !== null && this.#byHandle.get(handle) === job) this.#byHandle.delete(handle);
    this.#runs.delete(job);
  }

  #charge(bytes: number): void {
    this.bytes += bytes;
    this.#account.held += bytes;
  }
}

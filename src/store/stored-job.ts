/** A job that is given to a store, or returned by one. */
import { copyBytes, withView } from '../base/bytes.ts';

/** What a store keeps of the runs of a job. */
export interface StoredRuns {
  /** Runs that ended in a failure, 0 to 1000. */
  readonly attempts: number;
  /** Runs lost with their worker, 0 to 65535. */
  readonly losses: number;
  /** Wall clock in ms at which the next run may start; 0 = at once. */
  readonly dueMs: number;
  /** The delay that led to dueMs, in ms, 0 = none. */
  readonly delayMs: number;
  /** The job is dead: it is kept, but not run again by itself. */
  readonly isDead: boolean;
  /** Bytes of the broker, opaque to the store: its errors. At most 64 KiB. */
  readonly details: Uint8Array;
  /**
   * The handle of the job's JOB_CREATED, at most 63 bytes, which the job keeps over restarts. Empty or missing: none is
   * known.
   */
  readonly handle?: Uint8Array;
}

/** Limits of `StoredRuns`. */
export const ATTEMPTS_MAX = 1000;
export const LOSSES_MAX = 65_535;
export const DETAILS_BYTES_MAX = 64 * 1024;

/** The fields of a job, each with bytes of its own. */
export interface JobParts {
  readonly functionName: Uint8Array;
  /** At most 64 bytes; empty when the job has none, `-` when it is compared by workload. */
  readonly unique: Uint8Array;
  /** Name of the reducer; empty without one. */
  readonly reducer: Uint8Array;
  /** 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /** Start time in milliseconds since 1970 by wall clock; 0 = at once. */
  readonly startMs: number;
  readonly workload: Uint8Array;
  /** null or missing: the store keeps nothing of its runs. */
  readonly runs?: StoredRuns | null;
}

/**
 * One job as a store keeps it. Its bytes are borrowed: valid until the call that passes it returns. Unique and
 * workload follow each other in `bytes`, as in the job table; views of both, made for every job, would cost as much as
 * the copy.
 */
export class StoredJob implements JobParts {
  readonly functionName: Uint8Array;
  readonly reducer: Uint8Array;
  readonly priority: number;
  readonly startMs: number;
  readonly bytes: Uint8Array;
  /** Offset of the unique. */
  readonly at: number;
  readonly uniqueBytes: number;
  readonly workloadBytes: number;
  /** null for nearly all jobs. */
  readonly runs: StoredRuns | null;

  constructor(
    functionName: Uint8Array,
    reducer: Uint8Array,
    priority: number,
    startMs: number,
    bytes: Uint8Array,
    at: number,
    uniqueBytes: number,
    workloadBytes: number,
    runs: StoredRuns | null = null,
  ) {
    this.functionName = functionName;
    this.reducer = reducer;
    this.priority = priority;
    this.startMs = startMs;
    this.bytes = bytes;
    this.at = at;
    this.uniqueBytes = uniqueBytes;
    this.workloadBytes = workloadBytes;
    this.runs = runs;
  }

  /** A job with copies of unique and workload. */
  static of(parts: JobParts): StoredJob {
    const { functionName, reducer, priority, startMs, unique, workload, runs = null } = parts;
    const { length } = unique;
    const bytes = withView(new Uint8Array(length + workload.length));
    copyBytes(bytes, 0, unique, 0, length);
    copyBytes(bytes, length, workload, 0, workload.length);
    const workloadBytes = workload.length;
    return new StoredJob(
      functionName,
      reducer,
      priority,
      startMs,
      bytes,
      0,
      length,
      workloadBytes,
      runs,
    );
  }

  /** A view. */
  get unique(): Uint8Array {
    return this.bytes.subarray(this.at, this.at + this.uniqueBytes);
  }

  /** A view. */
  get workload(): Uint8Array {
    const start = this.at + this.uniqueBytes;
    return this.bytes.subarray(start, start + this.workloadBytes);
  }
}

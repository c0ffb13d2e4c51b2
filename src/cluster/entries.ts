/**
 * What a commit consists of, in the order in which the owner of the bucket did it. Texts are Latin-1, one character a
 * byte. Rule: a job is named by the epoch and the serial number under which it was made, because serial numbers begin
 * anew in every epoch.
 */
import type { StoredRuns } from '../store/stored-job.ts';

/** Names a job in its bucket. */
export interface JobKey {
  /** Epoch of the owner that made the job, 1 to 2^53 - 1. */
  readonly epoch: number;
  /** Counts the jobs of that epoch, from 1 on. */
  readonly serial: number;
}

/** Names a submit: the incarnation to which the client is connected, and the number that it gave to the submit. */
export interface SubmitId {
  /** Incarnation of a server, at most 64 characters. */
  readonly home: string;
  /** Counts the submits of that incarnation, from 1 on. */
  readonly number: number;
}

/** A workload that is kept outside of the commit, in messages of its own. */
export interface Parts {
  /** Messages, 1 to 2^32 - 1. */
  readonly count: number;
  /** CRC-32 of the whole workload. */
  readonly crc: number;
  /** Bytes of the whole workload. */
  readonly byteCount: number;
}

export const EntryKind = { PUT: 1, FORGET: 2, ANSWERED: 3 } as const;

/** A background job that must not be lost. A second put of a job is a copy for compaction, or has later runs. */
export interface Put {
  readonly kind: typeof EntryKind.PUT;
  readonly key: JobKey;
  readonly functionName: string;
  /** At most 64 characters; empty without one. */
  readonly unique: string;
  readonly reducer: string;
  /** 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /** Start time in ms since 1970; 0 = at once. */
  readonly startMs: number;
  /** What is known of its runs; null = nothing. */
  readonly runs: StoredRuns | null;
  /** The submit that made the job. */
  readonly submit: SubmitId;
  /** The workload, or where it is. */
  readonly workload: Uint8Array | Parts;
}

/** The job of all puts with this key is over. */
export interface Forget {
  readonly kind: typeof EntryKind.FORGET;
  readonly key: JobKey;
}

/** Which submits of a server have an answer: kept when compaction drops the puts that said so. */
export interface Answered {
  readonly kind: typeof EntryKind.ANSWERED;
  readonly home: string;
  /** Submits below are over: the server will not ask again. */
  readonly lowest: number;
  /** Answered submits from `lowest` on, and their jobs. */
  readonly jobs: readonly (readonly [number: number, key: JobKey])[];
}

export type Entry = Put | Forget | Answered;

/** One message of a journal. */
export interface Commit {
  readonly epoch: number;
  /** Counts the commits of the epoch. 0 is the epoch message, which opens the epoch. */
  readonly number: number;
  /** Incarnation that wrote it, at most 64 characters. */
  readonly writer: string;
  readonly entries: readonly Entry[];
}

/** The key as a text, for maps. */
export function keyText({ epoch, serial }: JobKey): string {
  return `${epoch}-${serial}`;
}

export function isParts(workload: Uint8Array | Parts): workload is Parts {
  return !(workload instanceof Uint8Array);
}

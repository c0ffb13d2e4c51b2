/**
 * What the owner of a bucket knows under its epoch. Rule: it makes no decisions. Each rule (owner-submits.ts,
 * owner-runs.ts, owner-servers.ts) is a function of this state, and bucket.ts calls the rules.
 */
import { Answers } from './answers.ts';
import type { OwnedJob } from './owned-jobs.ts';
import { OwnedJobs } from './owned-jobs.ts';
import type { HomeRecord, OwnerRecord } from './records.ts';

/** What the rules cause. */
export interface OwnerOutbox {
  /** Sends a record to a home. */
  send(home: string, record: OwnerRecord): void;
  /** Gathers the put of a job for the journal. */
  put(job: OwnedJob): void;
  /** Gathers the forget of a job whose put has been gathered. */
  forget(job: OwnedJob): void;
}

/** A record that has to wait until all servers have announced what they have. */
export interface KeptRecord {
  readonly from: string;
  readonly record: HomeRecord;
}

/** Assignments of an epoch. */
const ASSIGNMENTS = 2 ** 32;

export class OwnerState {
  readonly epoch: number;
  readonly out: OwnerOutbox;
  readonly jobs = new OwnedJobs();
  readonly answers = new Answers();
  /** Homes that have announced everything. */
  readonly done = new Set<string>();
  /** In the order of their arrival. */
  kept: KeptRecord[] = [];
  /** Every server has announced, or is dead: background jobs may be handed out, and unknown uniques are new. */
  isComplete = false;
  /** No room for more background jobs. */
  isFull = false;
  #serial = 0;
  #assignments = 0;

  constructor(epoch: number, out: OwnerOutbox) {
    this.epoch = epoch;
    this.out = out;
  }

  nextSerial(): number {
    return ++this.#serial;
  }

  /** Ascends over all epochs of the bucket. */
  nextAssignment(): number {
    return this.epoch * ASSIGNMENTS + ++this.#assignments;
  }
}

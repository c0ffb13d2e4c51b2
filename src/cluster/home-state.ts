/**
 * What a server keeps for the clients and workers that are connected to it, as their home, until the owners of the
 * buckets have done their part. Rule: it makes no decisions; home-jobs.ts and home-grabs.ts do.
 */
import { type JobKey, keyText, type SubmitId } from './entries.ts';
import type { HomeRecord, JobFields } from './records.ts';

/** Who owns a bucket, as far as this server has read. */
export interface Route {
  readonly owner: string;
  readonly epoch: number;
}

export interface HomeSubmit {
  readonly number: number;
  readonly bucket: number;
  readonly client: number;
  readonly fields: JobFields;
  readonly sinceMs: number;
  /** The epoch under which it was sent first; 0 = not sent yet. */
  firstEpoch: number;
  /** Its job; null until it is answered. */
  key: JobKey | null;
  /** The client has been refused. */
  isCanceled: boolean;
  /** The last packet that the client was given. */
  assignment: number;
  packetNumber: number;
}

/** A job that a worker has, or whose final packet is not with the owner for good. */
export interface HeldJob {
  readonly key: JobKey;
  readonly bucket: number;
  readonly assignment: number;
  readonly worker: number;
  readonly submit: SubmitId;
  readonly fields: JobFields;
  /** Packets that not all clients have. */
  packets: { readonly number: number; readonly isFinal: boolean; readonly packet: Uint8Array }[];
  lastNumber: number;
  isFinished: boolean;
}

export interface Grab {
  readonly worker: number;
  readonly number: number;
  /** The worker's functions by bucket. */
  readonly buckets: ReadonlyMap<number, readonly string[]>;
  readonly asked: Set<number>;
  readonly refused: Set<number>;
  readonly sinceMs: number;
  askedMs: number;
  waitMs: number;
}

export type HomeEffect =
  | {
      readonly type: 'send';
      readonly to: string;
      readonly bucket: number;
      readonly epoch: number;
      readonly record: HomeRecord;
    }
  /** JOB_CREATED, or QUEUE_ERROR when `key` is null. */
  | {
      readonly type: 'answer';
      readonly client: number;
      readonly number: number;
      readonly key: JobKey | null;
    }
  /** A packet for a foreground client. */
  | {
      readonly type: 'result';
      readonly client: number;
      readonly number: number;
      readonly isFinal: boolean;
      readonly packet: Uint8Array;
    }
  | { readonly type: 'assign'; readonly worker: number; readonly job: HeldJob }
  | { readonly type: 'noJob'; readonly worker: number }
  /** The job of this assignment is over for good. */
  | {
      readonly type: 'ended';
      readonly bucket: number;
      readonly key: JobKey;
      readonly assignment: number;
    }
  /** The leader may have a newer owner key of the bucket than this server has read. */
  | { readonly type: 'readKey'; readonly bucket: number };

export class HomeState {
  readonly routes = new Map<number, Route>();
  readonly submits = new Map<number, HomeSubmit>();
  /** By bucket, key and assignment. */
  readonly held = new Map<string, HeldJob>();
  /** Open ones, by worker. */
  readonly grabs = new Map<number, Grab>();
  /** Numbers of submits without answer, by bucket, ascending. */
  readonly #unanswered = new Map<number, Set<number>>();
  effects: HomeEffect[] = [];
  lastNumber = 0;

  /** Sends a record to the owner of the bucket; without one it is not sent: all is announced to the next owner. */
  send(bucket: number, record: HomeRecord): void {
    const route = this.routes.get(bucket);
    if (route === undefined) return;
    this.effects.push({ type: 'send', to: route.owner, bucket, epoch: route.epoch, record });
  }

  unansweredOf(bucket: number): Set<number> {
    const known = this.#unanswered.get(bucket) ?? new Set();
    this.#unanswered.set(bucket, known);
    return known;
  }

  /** The home asks no more about submits below. */
  lowest(bucket: number): number {
    const [first] = this.unansweredOf(bucket);
    return first ?? this.lastNumber + 1;
  }
}

/** Names an assignment: keys and assignments are counted anew in every bucket. */
export const heldText = (bucket: number, key: JobKey, assignment: number): string =>
  `${bucket} ${keyText(key)} ${assignment}`;

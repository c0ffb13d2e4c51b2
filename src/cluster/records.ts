/**
 * What travels on links between the home of a connection (the server to which it is connected) and the owner of a bucket. Rule:
 * every record names bucket and epoch. An owner answers a record of another epoch with `notOwner`.
 */
import type { JobKey, SubmitId } from './entries.ts';

/** What a client submits. Texts are Latin-1. */
export interface JobFields {
  readonly functionName: string;
  /** Empty without one. */
  readonly unique: string;
  readonly reducer: string;
  /** 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /** Start time in ms since 1970; 0 = at once. */
  readonly startMs: number;
  readonly isBackground: boolean;
  readonly workload: Uint8Array;
}

/** From a home to an owner. */
export type HomeRecord =
  /** A submit that has no answer yet, or with `key` a foreground job that has no final packet yet. */
  | {
      readonly type: 'submit';
      readonly number: number;
      /** The home asks no more about submits below. */
      readonly lowest: number;
      /** The epoch under which the submit was sent first. */
      readonly firstEpoch: number;
      readonly key: JobKey | null;
      readonly fields: JobFields;
    }
  /** The client has been refused: the submit is to have no effect, if it has none yet. */
  | { readonly type: 'cancel'; readonly number: number; readonly lowest: number }
  /** `term`: of the home's lease; 0 = none, then only foreground jobs may be assigned. */
  | {
      readonly type: 'grab';
      readonly worker: number;
      readonly grab: number;
      readonly term: number;
      readonly functionNames: readonly string[];
    }
  /** The assignment has not reached a worker: the job goes to the front, and the attempt does not count. */
  | { readonly type: 'return'; readonly key: JobKey; readonly assignment: number }
  /** The worker has gone. */
  | { readonly type: 'lost'; readonly key: JobKey; readonly assignment: number }
  /** A packet of the worker; `number` counts those of the assignment from 1 on. */
  | {
      readonly type: 'work';
      readonly key: JobKey;
      readonly assignment: number;
      readonly number: number;
      readonly isFinal: boolean;
      readonly packet: Uint8Array;
    }
  /** Announces a job that a worker of the home has. */
  | {
      readonly type: 'held';
      readonly key: JobKey;
      readonly assignment: number;
      readonly worker: number;
      readonly submit: SubmitId;
      readonly fields: JobFields;
    }
  /** The client of submit `submit` has been given all packets of the assignment up to `number`. */
  | {
      readonly type: 'got';
      readonly submit: number;
      readonly key: JobKey;
      readonly assignment: number;
      readonly number: number;
    }
  /** The client of the foreground submit has gone. */
  | { readonly type: 'left'; readonly submit: number; readonly key: JobKey }
  /** Everything that the home has of the bucket has been announced under this epoch. */
  | { readonly type: 'done' };

/** From an owner to a home. */
export type OwnerRecord =
  | { readonly type: 'created'; readonly number: number; readonly key: JobKey }
  /** QUEUE_ERROR. */
  | { readonly type: 'refused'; readonly number: number }
  | { readonly type: 'canceled'; readonly number: number }
  | {
      readonly type: 'assign';
      readonly worker: number;
      readonly grab: number;
      readonly term: number;
      readonly key: JobKey;
      readonly assignment: number;
      readonly submit: SubmitId;
      readonly fields: JobFields;
    }
  | { readonly type: 'noJob'; readonly worker: number; readonly grab: number }
  /** A packet of the worker for the client of submit `submit`. */
  | {
      readonly type: 'result';
      readonly submit: number;
      readonly key: JobKey;
      readonly assignment: number;
      readonly number: number;
      readonly isFinal: boolean;
      readonly packet: Uint8Array;
    }
  /** All clients have been given the packets of the assignment up to `number`. */
  | {
      readonly type: 'delivered';
      readonly key: JobKey;
      readonly assignment: number;
      readonly number: number;
    }
  /** The final packet is with all clients, or not needed any more, and the job is forgotten. */
  | { readonly type: 'ended'; readonly key: JobKey; readonly assignment: number }
  /** The record was for another epoch; `known` is the one that this server has read, 0 = none. */
  | {
      readonly type: 'notOwner';
      readonly known: number;
      readonly grab: number;
      readonly worker: number;
    };

export interface ToOwner {
  readonly bucket: number;
  readonly epoch: number;
  readonly record: HomeRecord;
}

export interface ToHome {
  readonly bucket: number;
  readonly epoch: number;
  readonly record: OwnerRecord;
}

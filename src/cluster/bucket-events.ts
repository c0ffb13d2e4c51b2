/** What a bucket is given, hears and causes. */
import type { Owner } from './beat.ts';
import type { NatsReply, NatsRequest } from './nats.ts';
import type { HomeRecord, OwnerRecord } from './records.ts';

/** What a bucket reads of the lease of its server. */
export interface LeaseView {
  readonly incarnation: string;
  readonly shownSentMs: number;
  isValid(nowMs: number): boolean;
  term(nowMs: number): number;
  alive(): string[];
  isDead(incarnation: string): boolean;
  isGone(incarnation: string): boolean;
}

export interface BucketOptions {
  readonly bucket: number;
  readonly ownerSubject: string;
  readonly journalSubject: string;
  readonly ttlMs: number;
  readonly lease: LeaseView;
  /** Dead bytes at the beginning of the journal from which on they are purged. */
  readonly purgeBytesMin: number;
  /** Messages of one read when the journal is read back, at least 1. */
  readonly readMessages: number;
}

export type BucketEvent =
  /** This server is to own the bucket. */
  | { readonly type: 'claim' }
  | {
      readonly type: 'reply';
      readonly id: number;
      readonly reply: NatsReply;
      readonly nowMs: number;
    }
  /** A record of the home `from` that names this bucket. */
  | {
      readonly type: 'record';
      readonly from: string;
      readonly epoch: number;
      readonly record: HomeRecord;
      readonly nowMs: number;
    }
  /** A look has shown this owner key. */
  | { readonly type: 'key'; readonly owner: Owner }
  | { readonly type: 'dead'; readonly incarnation: string }
  | { readonly type: 'reset'; readonly incarnation: string }
  /** How full the stream of the journal is, 0 to 1. */
  | { readonly type: 'fill'; readonly ratio: number }
  /** The bucket is to go to another incarnation. */
  | { readonly type: 'handOver'; readonly to: string }
  | { readonly type: 'tick'; readonly nowMs: number };

export type BucketEffect =
  | { readonly type: 'request'; readonly id: number; readonly request: NatsRequest }
  | {
      readonly type: 'send';
      readonly to: string;
      readonly epoch: number;
      readonly record: OwnerRecord;
    }
  | { readonly type: 'owned'; readonly epoch: number }
  | { readonly type: 'dropped'; readonly reason: string }
  | { readonly type: 'expel'; readonly incarnation: string }
  /** Too many owe their announcements: the fault is here. */
  | { readonly type: 'stepDown' }
  /** Something that must not happen; for the log and a metric. */
  | { readonly type: 'error'; readonly text: string };

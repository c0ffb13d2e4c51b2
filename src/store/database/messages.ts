/**
 * Messages between a shard's thread and the thread that talks to the database, over a port of their own. Rule: at most
 * one batch of a shard is being written, and at most a few pages of rows are sent that the shard has not taken yet.
 */
import type { Refusal } from './backend.ts';

export type ToDatabase =
  /** Send all rows of this shard; the first message. */
  | { readonly type: 'replay' }
  /** One page of rows has been taken. */
  | { readonly type: 'taken' }
  /**
   * Packed keys to be removed, ids of runs to be removed (as keys without a function) and packed puts to be added. `aways`: how many `away` messages the shard has had; a
   * batch that was sent before the last of them has failed already.
   */
  | {
      readonly type: 'batch';
      readonly aways: number;
      readonly forgets: Uint8Array;
      readonly runsForgets: Uint8Array;
      readonly puts: Uint8Array;
    }
  /** The last message of a shard. */
  | { readonly type: 'end' };

export type FromDatabase =
  /** The approximate number of rows for this shard. */
  | { readonly type: 'expect'; readonly rows: number }
  /** Packed puts that the database keeps. */
  | { readonly type: 'rows'; readonly puts: Uint8Array }
  /** The database is unreachable: rows come later, and the shard may serve meanwhile. */
  | { readonly type: 'later' }
  /** All rows were sent, or `error` is the reason why not. `isAway`: no batch can be written until `back`. */
  | { readonly type: 'replayed'; readonly error: string | null; readonly isAway: boolean }
  /** The batch is durable, except these puts. */
  | { readonly type: 'written'; readonly refusals: readonly Refusal[] }
  /** The outcome of the batch is unknown. The database is unreachable until `back`. */
  | { readonly type: 'away' }
  | { readonly type: 'back' };

/** The parts of a message port that both ends need. */
export interface Port<Out, In> {
  postMessage(message: Out, transfer?: readonly ArrayBufferLike[]): void;
  on(event: 'message', listener: (message: In) => void): void;
  on(event: 'close', listener: () => void): void;
  close(): void;
}

/**
 * Messages between a shard's thread and the thread that talks to the database, over a port of their own. Rule: a shard
 * has at most one batch under way, and takes a page of rows before it gets one beyond the next few.
 */
import type { Refusal } from './backend.ts';

export type ToDatabase =
  /** Send all rows of this shard; the first message. */
  | { readonly type: 'replay' }
  /** One page of rows has been taken. */
  | { readonly type: 'taken' }
  /**
   * Packed keys to be removed and packed puts to be added. `aways`: how often the shard has heard `away` so far; one that
   * was sent before the last of them has failed already.
   */
  | {
      readonly type: 'batch';
      readonly aways: number;
      readonly forgets: Uint8Array;
      readonly puts: Uint8Array;
    }
  /** The last message: nothing more will come. */
  | { readonly type: 'end' };

export type FromDatabase =
  /** About how many rows this shard will get. */
  | { readonly type: 'expect'; readonly rows: number }
  /** Packed puts that the database keeps. */
  | { readonly type: 'rows'; readonly puts: Uint8Array }
  /** The database is away: rows come later, and the shard may serve meanwhile. */
  | { readonly type: 'later' }
  /** All rows were sent; `error` says why not. `isAway`: nothing can be written until `back`. */
  | { readonly type: 'replayed'; readonly error: string | null; readonly isAway: boolean }
  /** The batch is durable, but for these puts. */
  | { readonly type: 'written'; readonly refusals: readonly Refusal[] }
  /** Nobody knows what of the batch was written. The database is away until `back`. */
  | { readonly type: 'away' }
  | { readonly type: 'back' };

/** What both ends need of a message port. */
export interface Port<Out, In> {
  postMessage(message: Out, transfer?: readonly ArrayBufferLike[]): void;
  on(event: 'message', listener: (message: In) => void): void;
  on(event: 'close', listener: () => void): void;
  close(): void;
}

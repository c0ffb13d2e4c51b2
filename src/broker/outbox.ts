/**
 * What the broker asks of its host: effects, carried out in call order. The broker encodes straight into reserved bytes.
 * Rule: `bytes` and `at` are good from a reservation until the next call; the caller writes exactly what it reserved.
 */
import type { Peer } from './peer.ts';

export interface Outbox {
  /** Where the packet reserved last is to be written. */
  bytes: Uint8Array;
  at: number;
  /**
   * Reserves a reply to `peer`: `headBytes` to be written at `at`, then, if `blob` > 0, `blobBytes` of that blob (the outbox
   * retains it). It is reply `replyId` of the peer; 0: it goes straight out, or is the next while others wait.
   */
  reply(peer: Peer, replyId: number, headBytes: number, blob: number, blobBytes: number): void;
  /** After the bytes of a numbered reply were written: sends what may leave now. */
  finishReply(peer: Peer): void;
  /** Takes the next place among the replies to `peer`, to be filled later; returns its number, never 0. */
  reserveReply(peer: Peer): number;
  /**
   * The same for a packet that no frame of `peer` asked for (WORK_* to a watcher), of which it gets `copies`. Returns for
   * how many of them this one stands: it is asked again for the rest. A peer with too much unsent output gets none.
   */
  notify(peer: Peer, headBytes: number, blob: number, blobBytes: number, copies: number): number;
  /** Sends the peer a NOOP for its sleep `peer.sleepSerial`. */
  wake(peer: Peer): void;
  /** That job is no longer `peer`'s, if `isLate` because of its timeout; only far peers need to hear it. */
  revoke(peer: Peer, serial: number, isLate: boolean): void;
  /** Ends the peer's connection; `reason` is for the log. */
  close(peer: Peer, reason: string): void;
  /** Whether WORK_EXCEPTION may be sent to `peer`; for a far peer true (its home decides). */
  takesExceptions(peer: Peer): boolean;
}

/**
 * Effects that the broker asks its host for, carried out in call order. The broker encodes straight into reserved
 * bytes. Rule: `bytes` and `at` are valid from a reservation until the next call; the caller writes exactly the bytes
 * that it reserved.
 */
import type { Peer } from './peer.ts';

export interface Outbox {
  /** Where to write the packet reserved last. */
  bytes: Uint8Array;
  at: number;
  /**
   * Reserves a reply to `peer`: `headBytes` to be written at `at`, then, if `blob` > 0, `blobBytes` of that blob (the
   * outbox retains it). It is reply `replyId` of the peer. With `replyId` 0 it is sent at once, or after the replies
   * that wait.
   */
  reply(peer: Peer, replyId: number, headBytes: number, blob: number, blobBytes: number): void;
  /** Call after the bytes of a numbered reply are written: sends all replies that may leave now. */
  finishReply(peer: Peer): void;
  /** Reserves the next position among the replies to `peer`, to be filled later; returns its number, never 0. */
  reserveReply(peer: Peer): number;
  /**
   * Reserves a packet that is not a reply (WORK_* to a watcher), of which the peer gets `copies`. Returns the number of
   * copies that this reservation covers; call again for the rest. A peer with too much unsent output gets none.
   */
  notify(peer: Peer, headBytes: number, blob: number, blobBytes: number, copies: number): number;
  /** Sends the peer a NOOP for its sleep `peer.sleepSerial`. */
  wake(peer: Peer): void;
  /** The peer has lost that job; `isLate`: because of its timeout. Only peers of other threads need the call. */
  revoke(peer: Peer, serial: number, isLate: boolean): void;
  /**
   * Address, port and client id of the peer, `ADDRESS:PORT ID`, Latin-1; empty when it is not known. Of a peer of another
   * thread it is what that thread has written to `peer.name`.
   */
  nameOf(peer: Peer): string;
  /** Ends the peer's connection; `reason` is for the log. */
  close(peer: Peer, reason: string): void;
  /** Whether WORK_EXCEPTION may be sent to `peer`; true for a peer of another thread, because that thread decides. */
  takesExceptions(peer: Peer): boolean;
}

/**
 * Delivers the broker's effects to peers: to those of this thread through the turn's output (or their reply queue), to
 * all others as ring records. Rule: a reply goes to the pending reply of its number, in any order.
 */
import type { Outbox } from '../broker/outbox.ts';
import type { Peer } from '../broker/peer.ts';
import type { BlobStore } from '../protocol/frame.ts';
import type { RingWriter } from '../ring/writer.ts';
import {
  beginNotify,
  beginReply,
  writeClose,
  writeRevoke,
  writeWake,
} from './cross-thread/records.ts';
import type { Output } from './output.ts';
import type { PendingReply } from './reply-queue.ts';
import { nameOf, type Session } from './session.ts';

/** The parts of the thread's sessions that the outbox needs. */
export interface OwnThreadPeers {
  /** The session of connection `conn`, or null when it has ended. */
  live(conn: number): Session | null;
  noop(session: Session, sleepSerial: number): void;
  drop(session: Session, reason: string): void;
  /** Reserves the session's next pending reply. */
  reserveReply(session: Session): PendingReply;
  /** Sends the session's replies that may leave. */
  release(session: Session): void;
  /** Whether too much of its output waits; then it ends. */
  exceeds(session: Session, bytes: number): boolean;
}

export class ThreadOutbox implements Outbox {
  bytes: Uint8Array;
  at = 0;
  readonly #thread: number;
  readonly #ownPeers: OwnThreadPeers;
  readonly #output: Output;
  readonly #blobs: BlobStore;
  readonly #writers: readonly (RingWriter | null)[];
  readonly #sink = new Uint8Array(65536 * 2);

  constructor(
    thread: number,
    ownPeers: OwnThreadPeers,
    output: Output,
    blobs: BlobStore,
    writers: readonly (RingWriter | null)[],
  ) {
    this.#thread = thread;
    this.#ownPeers = ownPeers;
    this.#output = output;
    this.#blobs = blobs;
    this.#writers = writers;
    this.bytes = output.bytes;
  }

  reply(peer: Peer, replyId: number, headBytes: number, blob: number, blobBytes: number): void {
    if (peer.thread !== this.#thread) {
      const writer = this.#writers[peer.thread] ?? null;
      if (writer !== null) beginReply(writer, peer.conn, replyId, headBytes + blobBytes);
      this.#toOtherThread(writer, headBytes, blob, blobBytes);
      return;
    }
    const session = this.#ownPeers.live(peer.conn);
    if (session === null) this.#toNobody(headBytes);
    else if (replyId === 0) this.#toSession(session, headBytes, blob, blobBytes);
    else this.#fill(session, replyId, headBytes, blob, blobBytes);
  }

  finishReply(peer: Peer): void {
    const session = peer.thread === this.#thread ? this.#ownPeers.live(peer.conn) : null;
    if (session !== null) this.#ownPeers.release(session);
  }

  /** Reserves a number. A connection that has ended gets one too; nothing is ever sent for it. */
  reserveReply(peer: Peer): number {
    const session = this.#ownPeers.live(peer.conn);
    return session === null ? 1 : this.#ownPeers.reserveReply(session).id;
  }

  /**
   * Sends a packet that is not a reply. A peer of another thread gets one record for all copies; its thread makes the
   * copies.
   */
  notify(peer: Peer, headBytes: number, blob: number, blobBytes: number, copies: number): number {
    if (peer.thread !== this.#thread) {
      const writer = this.#writers[peer.thread] ?? null;
      if (writer !== null) beginNotify(writer, peer.conn, copies, headBytes + blobBytes);
      this.#toOtherThread(writer, headBytes, blob, blobBytes);
      return copies;
    }
    const session = this.#ownPeers.live(peer.conn);
    if (session === null || this.#ownPeers.exceeds(session, headBytes)) {
      this.#toNobody(headBytes);
      return copies;
    }
    this.#toSession(session, headBytes, blob, blobBytes);
    return 1;
  }

  wake(peer: Peer): void {
    if (peer.thread !== this.#thread) {
      writeWake(this.#writers[peer.thread], peer.conn, peer.sleepSerial);
      return;
    }
    const session = this.#ownPeers.live(peer.conn);
    if (session !== null) this.#ownPeers.noop(session, peer.sleepSerial);
  }

  revoke(peer: Peer, serial: number, isLate: boolean): void {
    if (peer.thread === this.#thread) return;
    writeRevoke(this.#writers[peer.thread], peer.conn, serial, isLate);
  }

  close(peer: Peer, reason: string): void {
    if (peer.thread !== this.#thread) {
      writeClose(this.#writers[peer.thread], peer.conn, reason);
      return;
    }
    const session = this.#ownPeers.live(peer.conn);
    if (session !== null) this.#ownPeers.drop(session, reason);
  }

  nameOf(peer: Peer): string {
    const session = peer.thread === this.#thread ? this.#ownPeers.live(peer.conn) : null;
    return session === null ? peer.name : nameOf(session);
  }

  takesExceptions(peer: Peer): boolean {
    if (peer.thread !== this.#thread) return true;
    return this.#ownPeers.live(peer.conn)?.takesExceptions ?? false;
  }

  /**
   * Sets `bytes` and `at` for a packet to a session of this thread: in the output, or in a new reply after the pending
   * ones.
   */
  #toSession(session: Session, headBytes: number, blob: number, blobBytes: number): void {
    if (session.isEnding) this.#toNobody(headBytes);
    else if (session.replies === null) this.#toOutput(session, headBytes, blob, blobBytes);
    else this.#toPending(session.replies.take(), headBytes, blob, blobBytes);
  }

  /** Sets `bytes` and `at` for a reply that was reserved before; half-closed peers still receive such replies. */
  #fill(
    session: Session,
    replyId: number,
    headBytes: number,
    blob: number,
    blobBytes: number,
  ): void {
    const { replies } = session;
    const pending = replies?.find(replyId);
    if (pending === undefined) this.#toNobody(headBytes);
    else if (pending !== replies?.front) this.#toPending(pending, headBytes, blob, blobBytes);
    else {
      pending.isFilled = true;
      this.#toOutput(session, headBytes, blob, blobBytes);
    }
  }

  #toOutput(session: Session, headBytes: number, blob: number, blobBytes: number): void {
    this.bytes = this.#output.bytes;
    this.at = this.#output.reserve(session.conn, headBytes);
    if (blob === 0) return;
    this.#blobs.blobRetain(blob);
    this.#output.blob(session.conn, blob, blobBytes);
  }

  #toPending(pending: PendingReply, headBytes: number, blob: number, blobBytes: number): void {
    this.bytes = new Uint8Array(headBytes);
    this.at = 0;
    pending.add(this.bytes);
    if (blob > 0) {
      this.#blobs.blobRetain(blob);
      pending.add({ blob, byteCount: blobBytes });
    }
    pending.isFilled = true;
  }

  /** Writes the packet into the record that was begun for it. */
  #toOtherThread(
    writer: RingWriter | null,
    headBytes: number,
    blob: number,
    blobBytes: number,
  ): void {
    if (writer === null) {
      this.#toNobody(headBytes);
      return;
    }
    this.bytes = writer.bytes;
    this.at = writer.at;
    if (blob > 0) this.#blobs.blobRead(blob, 0, this.bytes, this.at + headBytes, blobBytes);
  }

  /** Sets `bytes` and `at` for a packet to a peer that has just ended; the packet is dropped. */
  #toNobody(headBytes: number): void {
    this.bytes = headBytes <= this.#sink.length ? this.#sink : new Uint8Array(headBytes);
    this.at = 0;
  }
}

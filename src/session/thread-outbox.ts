/**
 * Carries the broker's effects to peers: near ones through the turn's output (or their reply queue), far ones as ring
 * records. Rule: the host sets `place` before an event, so that the broker need not know where a reply waits.
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
import type { Session } from './session.ts';

/** What the outbox needs of the thread's sessions. */
export interface OwnThreadPeers {
  /** The session of connection `conn`, or null when it has ended. */
  live(conn: number): Session | null;
  noop(session: Session, sleepSerial: number): void;
  drop(session: Session, reason: string): void;
  /** Takes the next place among the session's replies. */
  reserveReply(session: Session): PendingReply;
  /** Sends its replies that may leave. */
  release(session: Session): void;
  /** Whether more output of it waits than may; then it ends. */
  exceeds(session: Session, bytes: number): boolean;
}

export class ThreadOutbox implements Outbox {
  bytes: Uint8Array;
  at = 0;
  /** Where the reply to the frame at hand goes: the place of a near peer, or the number of a far one's. */
  pending: PendingReply | null = null;
  crossThreadReplyId = 0;

  /** The postponed place that the next reply fills. */
  #resumed: PendingReply | null = null;
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

  reply(peer: Peer, headBytes: number, blob: number, blobBytes: number): void {
    if (peer.thread === this.#thread)
      this.#toOwnThread(peer, this.pending, headBytes, blob, blobBytes);
    else {
      const writer = this.#writers[peer.thread] ?? null;
      if (writer !== null)
        beginReply(writer, peer.conn, this.crossThreadReplyId, headBytes + blobBytes);
      this.#toOtherThread(writer, headBytes, blob, blobBytes);
    }
  }

  /** All copies for a far peer are one record: its home makes them. */
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
    this.#toSession(session, null, headBytes, blob, blobBytes);
    return 1;
  }

  /** A far peer's home holds the place already. */
  postpone(peer: Peer): number {
    if (peer.thread !== this.#thread) return this.crossThreadReplyId;
    const session = this.#ownPeers.live(peer.conn);
    return session === null ? 0 : this.#ownPeers.reserveReply(session).id;
  }

  resume(peer: Peer, replyId: number): void {
    if (peer.thread !== this.#thread) this.crossThreadReplyId = replyId;
    else this.#resumed = this.#ownPeers.live(peer.conn)?.replies?.find(replyId) ?? null;
  }

  release(peer: Peer): void {
    if (this.#resumed === null) return;
    this.#resumed = null;
    const session = this.#ownPeers.live(peer.conn);
    if (session !== null) this.#ownPeers.release(session);
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

  takesExceptions(peer: Peer): boolean {
    if (peer.thread !== this.#thread) return true;
    return this.#ownPeers.live(peer.conn)?.takesExceptions ?? false;
  }

  #toOwnThread(
    peer: Peer,
    pending: PendingReply | null,
    headBytes: number,
    blob: number,
    blobBytes: number,
  ): void {
    const session = this.#ownPeers.live(peer.conn);
    if (session === null) this.#toNobody(headBytes);
    else this.#toSession(session, pending, headBytes, blob, blobBytes);
  }

  #toSession(
    session: Session,
    pending: PendingReply | null,
    headBytes: number,
    blob: number,
    blobBytes: number,
  ): void {
    const resumed = this.#resumed;
    // Who has half closed still gets what was postponed before.
    if (session.isEnding && resumed === null) {
      this.#toNobody(headBytes);
      return;
    }
    if (blob > 0) this.#blobs.blobRetain(blob);
    const isFront = resumed !== null && resumed === session.replies?.front;
    if (isFront) resumed.isFilled = true;
    if (session.replies === null || isFront) {
      this.bytes = this.#output.bytes;
      this.at = this.#output.reserve(session.conn, headBytes);
      if (blob > 0) this.#output.blob(session.conn, blob, blobBytes);
      return;
    }
    // Behind the replies that wait: its first unfilled place keeps the front, so nothing leaves before the caller has written.
    const place = resumed ?? pending ?? session.replies.take();
    const head = new Uint8Array(headBytes);
    place.add(head);
    if (blob > 0) place.add({ blob, byteCount: blobBytes });
    place.isFilled = true;
    this.bytes = head;
    this.at = 0;
  }

  /** The packet goes into the record that was begun for it. */
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

  /** The peer has just gone: its packet is written and forgotten. */
  #toNobody(headBytes: number): void {
    this.bytes = headBytes <= this.#sink.length ? this.#sink : new Uint8Array(headBytes);
    this.at = 0;
  }
}

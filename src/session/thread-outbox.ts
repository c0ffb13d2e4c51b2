/**
 * Carries the broker's effects to peers: near ones through the turn's output (or their reply queue), far ones as ring
 * records. Rule: the host sets `place` before an event, so that the broker need not know where a reply waits.
 */
import type { Outbox } from '../broker/outbox.ts';
import type { Peer } from '../broker/peer.ts';
import type { BlobStore } from '../protocol/frame.ts';
import type { FarLink } from './far/link.ts';
import { RecordKind } from './far/records.ts';
import type { Output } from './output.ts';
import type { Place } from './reply-queue.ts';
import type { Session } from './session.ts';

/** What the outbox needs of the thread's sessions. */
export interface NearPeers {
  /** The session of connection `conn`, or null when it has ended. */
  live(conn: number): Session | null;
  noop(session: Session, sleepSerial: number): void;
  drop(session: Session, reason: string): void;
  /** Takes the next place among the session's replies; returns its number. */
  postpone(session: Session): number;
  /** Sends its replies that may leave. */
  release(session: Session): void;
}

export class ThreadOutbox implements Outbox {
  bytes: Uint8Array;
  at = 0;
  /** Where the reply to the frame at hand goes: the place of a near peer, or the number of a far one's. */
  place: Place | null = null;
  farPlace = 0;

  /** The next reply fills the postponed place with this number. */
  #isResuming = false;
  #resumed = 0;
  readonly #thread: number;
  readonly #near: NearPeers;
  readonly #output: Output;
  readonly #blobs: BlobStore;
  readonly #links: readonly (FarLink | null)[];
  readonly #sink = new Uint8Array(65536 * 2);

  constructor(
    thread: number,
    near: NearPeers,
    output: Output,
    blobs: BlobStore,
    links: readonly (FarLink | null)[],
  ) {
    this.#thread = thread;
    this.#near = near;
    this.#output = output;
    this.#blobs = blobs;
    this.#links = links;
    this.bytes = output.bytes;
  }

  reply(peer: Peer, headBytes: number, blob: number, blobBytes: number): void {
    if (this.#isResuming) this.#toResumed(peer, headBytes, blob, blobBytes);
    else if (peer.home === this.#thread) this.#toNear(peer, this.place, headBytes, blob, blobBytes);
    else this.#toFar(RecordKind.REPLY, this.farPlace, peer, headBytes, blob, blobBytes);
  }

  notify(peer: Peer, headBytes: number, blob: number, blobBytes: number): void {
    if (peer.home === this.#thread) this.#toNear(peer, null, headBytes, blob, blobBytes);
    else this.#toFar(RecordKind.NOTIFY, 0, peer, headBytes, blob, blobBytes);
  }

  /** A far peer's home holds the place already. */
  postpone(peer: Peer): number {
    if (peer.home !== this.#thread) return this.farPlace;
    const session = this.#near.live(peer.conn);
    return session === null ? 0 : this.#near.postpone(session);
  }

  resume(peer: Peer, place: number): void {
    if (peer.home !== this.#thread) {
      this.farPlace = place;
      return;
    }
    this.#isResuming = true;
    this.#resumed = place;
  }

  release(peer: Peer): void {
    const session = peer.home === this.#thread ? this.#near.live(peer.conn) : null;
    if (session !== null) this.#near.release(session);
  }

  wake(peer: Peer): void {
    if (peer.home !== this.#thread) {
      this.#links[peer.home]?.send(RecordKind.WAKE, peer.conn, peer.sleepSerial, 0, 0);
      return;
    }
    const session = this.#near.live(peer.conn);
    if (session !== null) this.#near.noop(session, peer.sleepSerial);
  }

  revoke(peer: Peer, job: number, serial: number): void {
    if (peer.home === this.#thread) return;
    const low = serial | 0;
    const high = Math.floor(serial / 2 ** 32);
    this.#links[peer.home]?.send(RecordKind.REVOKE, job, low, high, peer.conn);
  }

  close(peer: Peer, reason: string): void {
    if (peer.home !== this.#thread) {
      const bytes = new TextEncoder().encode(reason);
      this.#links[peer.home]?.send(RecordKind.CLOSE, peer.conn, 0, 0, 0, bytes);
      return;
    }
    const session = this.#near.live(peer.conn);
    if (session !== null) this.#near.drop(session, reason);
  }

  takesExceptions(peer: Peer): boolean {
    if (peer.home !== this.#thread) return true;
    return this.#near.live(peer.conn)?.takesExceptions ?? false;
  }

  #toNear(
    peer: Peer,
    place: Place | null,
    headBytes: number,
    blob: number,
    blobBytes: number,
  ): void {
    const session = this.#near.live(peer.conn);
    if (session === null || session.isEnding) {
      this.#toNobody(headBytes);
      return;
    }
    if (session.replies === null) this.#straight(peer, headBytes, blob, blobBytes);
    // Its first unfilled place keeps the front, so nothing leaves before the caller has written.
    else this.#into(place ?? session.replies.take(), headBytes, blob, blobBytes);
  }

  /** Who has half closed still gets what was postponed before. */
  #toResumed(peer: Peer, headBytes: number, blob: number, blobBytes: number): void {
    this.#isResuming = false;
    const replies = this.#near.live(peer.conn)?.replies ?? null;
    if (replies?.pass(this.#resumed)) {
      this.#straight(peer, headBytes, blob, blobBytes);
      return;
    }
    const place = replies?.single(this.#resumed);
    if (place === undefined) this.#toNobody(headBytes);
    else this.#into(place, headBytes, blob, blobBytes);
  }

  /** Into the turn's output. */
  #straight(peer: Peer, headBytes: number, blob: number, blobBytes: number): void {
    if (blob > 0) this.#blobs.blobRetain(blob);
    this.bytes = this.#output.bytes;
    this.at = this.#output.reserve(peer.conn, headBytes);
    if (blob > 0) this.#output.blob(peer.conn, blob, blobBytes);
  }

  /** Into a place that has to wait. */
  #into(place: Place, headBytes: number, blob: number, blobBytes: number): void {
    if (blob > 0) this.#blobs.blobRetain(blob);
    const head = new Uint8Array(headBytes);
    place.add(head);
    if (blob > 0) place.add({ blob, byteCount: blobBytes });
    place.isFilled = true;
    this.bytes = head;
    this.at = 0;
  }

  #toFar(
    kind: number,
    place: number,
    peer: Peer,
    headBytes: number,
    blob: number,
    blobBytes: number,
  ): void {
    const link = this.#links[peer.home] ?? null;
    if (link === null) {
      this.#toNobody(headBytes);
      return;
    }
    link.begin(kind, peer.conn, place, 0, 0, headBytes + blobBytes);
    this.bytes = link.bytes;
    this.at = link.at;
    if (blob > 0) this.#blobs.blobRead(blob, 0, this.bytes, this.at + headBytes, blobBytes);
  }

  /** The peer has just gone: its packet is written and forgotten. */
  #toNobody(headBytes: number): void {
    this.bytes = headBytes <= this.#sink.length ? this.#sink : new Uint8Array(headBytes);
    this.at = 0;
  }
}

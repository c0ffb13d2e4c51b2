/**
 * Replies that wait for their turn on one connection. A place is taken in request order and filled whenever its answer
 * is there; only the front leaves. While nothing waits a connection has no queue and replies go straight out.
 */

import type { Account, Holder } from '../base/account.ts';

/** Ids go from 1 to here and begin again: 0 is no id. */
const ID_MAX = 0x7fff_ffff;
/** What a place costs without its pieces. */
const PENDING_REPLY_BYTES = 160;

/** A piece of output: bytes of ours, or a whole blob (one reference is the piece's). */
export type Piece = Uint8Array | { readonly blob: number; readonly byteCount: number };

/** Most places get their answer when they are in front, straight into the output, and never have pieces. */
const NO_PIECES: readonly Piece[] = [];

export class PendingReply {
  readonly id: number;
  isFilled = false;
  /** Called once when all before it have left and it is not filled yet. */
  whenFront: (() => void) | null = null;
  /** Bytes of `pieces`. */
  byteCount = 0;
  #keptBytes = 0;
  #pieces = NO_PIECES as Piece[];
  readonly #queue: ReplyQueue;

  constructor(id: number, queue: ReplyQueue) {
    this.id = id;
    this.#queue = queue;
  }

  /** What it has so far. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  add(...pieces: readonly Piece[]): void {
    if (this.#pieces === NO_PIECES) this.#pieces = [...pieces];
    else this.#pieces.push(...pieces);
    for (const piece of pieces) {
      this.#count('blob' in piece ? piece.byteCount : piece.length);
      if (!('blob' in piece)) this.#keep(piece.length);
    }
  }

  /** Gives up what it has so far. */
  empty(): void {
    this.#pieces = NO_PIECES as Piece[];
    this.#count(-this.byteCount);
    this.#keep(-this.#keptBytes);
  }

  /** Bytes of pieces that are no blobs: those are counted by the reactor. */
  #keep(byteCount: number): void {
    this.#keptBytes += byteCount;
    this.#queue.keep(byteCount);
  }

  #count(byteCount: number): void {
    this.byteCount += byteCount;
    this.#queue.byteCount += byteCount;
  }
}

export class ReplyQueue {
  /** Bytes in all places that have not left: unsent output, too. */
  byteCount = 0;
  /** Those before `#first` have left and are not kept. */
  readonly #replies: (PendingReply | undefined)[] = [];
  #first = 0;
  #nextId: number;
  /** What the account has been charged for. */
  keptBytes = 0;
  readonly #account: Account | null;
  readonly #holder: Holder;

  /**
   * Ids go on from `nextId`, so that a late answer never meets another place of the same number. `account` is charged
   * for what waits; it is `holder`'s.
   */
  constructor(nextId: number, account: Account | null, holder: Holder) {
    this.#nextId = nextId;
    this.#account = account;
    this.#holder = holder;
  }

  /** Charges the account for `byteCount` more, or less. */
  keep(byteCount: number): void {
    this.keptBytes += byteCount;
    this.#account?.keep(this.#holder, byteCount);
  }

  get length(): number {
    return this.#replies.length - this.#first;
  }

  get nextId(): number {
    return this.#nextId;
  }

  get front(): PendingReply | undefined {
    return this.#replies[this.#first];
  }

  /** Takes the next place. */
  take(): PendingReply {
    const pending = new PendingReply(this.#nextId, this);
    this.#nextId = (this.#nextId % ID_MAX) + 1;
    this.#replies.push(pending);
    this.keep(PENDING_REPLY_BYTES);
    return pending;
  }

  /** The waiting place with that id, or undefined. */
  find(id: number): PendingReply | undefined {
    const { front } = this;
    if (front === undefined) return undefined;
    const behind = id - front.id;
    return this.#replies[this.#first + (behind < 0 ? behind + ID_MAX : behind)];
  }

  /** Removes the front place. */
  shift(): void {
    this.front?.empty();
    this.keep(-PENDING_REPLY_BYTES);
    this.#replies[this.#first++] = undefined;
    if (this.#first < 1024 || this.#first * 2 < this.#replies.length) return;
    this.#replies.splice(0, this.#first);
    this.#first = 0;
  }

  /** All places, front first; for giving up on them. */
  *[Symbol.iterator](): Iterator<PendingReply> {
    for (let i = this.#first; i < this.#replies.length; i++) yield this.#replies[i] as PendingReply;
  }
}

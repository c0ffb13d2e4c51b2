/**
 * Pending replies of one connection. They are reserved in request order and filled in any order; only the front one is
 * sent. While no reply is pending a connection has no queue and replies are sent at once.
 */

import type { Account, Holder } from '../base/account.ts';

/** The greatest id; after it, ids begin again at 1. 0 is not an id. */
const ID_MAX = 0x7fff_ffff;
/** Bytes of a pending reply without its pieces. */
const PENDING_REPLY_BYTES = 160;

/** A piece of output: bytes of ours, or a whole blob (the piece owns one reference). */
export type Piece = Uint8Array | { readonly blob: number; readonly byteCount: number };

/**
 * Shared by pending replies without pieces. Most never get pieces: they are filled when they are at the front, directly
 * into the output.
 */
const NO_PIECES: readonly Piece[] = [];

export class PendingReply {
  readonly id: number;
  isFilled = false;
  /** Called once when all earlier replies have been sent and this one is not filled yet. */
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

  /** The pieces so far. */
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

  /** Drops the pieces so far. */
  empty(): void {
    this.#pieces = NO_PIECES as Piece[];
    this.#count(-this.byteCount);
    this.#keep(-this.#keptBytes);
  }

  /** Counts bytes of pieces that are not blobs: the reactor counts blobs. */
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
  /** Bytes in all replies that have not been sent; they count as unsent output. */
  byteCount = 0;
  /** Pending replies by position; those before `#first` have been sent and are removed. */
  readonly #replies: (PendingReply | undefined)[] = [];
  #first = 0;
  #nextId: number;
  /** Bytes charged to the account. */
  keptBytes = 0;
  readonly #account: Account | null;
  readonly #holder: Holder;

  /**
   * Ids continue from `nextId`, so that a late answer never fills another reply with the same number. `account` is
   * charged for waiting bytes, on behalf of `holder`.
   */
  constructor(nextId: number, account: Account | null, holder: Holder) {
    this.#nextId = nextId;
    this.#account = account;
    this.#holder = holder;
  }

  /** Charges the account for `byteCount` more; negative for less. */
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

  /** Reserves the next reply. */
  take(): PendingReply {
    const pending = new PendingReply(this.#nextId, this);
    this.#nextId = (this.#nextId % ID_MAX) + 1;
    this.#replies.push(pending);
    this.keep(PENDING_REPLY_BYTES);
    return pending;
  }

  /** The pending reply with that id, or undefined. */
  find(id: number): PendingReply | undefined {
    const { front } = this;
    if (front === undefined) return undefined;
    const behind = id - front.id;
    return this.#replies[this.#first + (behind < 0 ? behind + ID_MAX : behind)];
  }

  /** Removes the front reply. */
  shift(): void {
    this.front?.empty();
    this.keep(-PENDING_REPLY_BYTES);
    this.#replies[this.#first++] = undefined;
    if (this.#first < 1024 || this.#first * 2 < this.#replies.length) return;
    this.#replies.splice(0, this.#first);
    this.#first = 0;
  }

  /** All pending replies, front first; for dropping them. */
  *[Symbol.iterator](): Iterator<PendingReply> {
    for (let i = this.#first; i < this.#replies.length; i++) yield this.#replies[i] as PendingReply;
  }
}

/**
 * Listings of the text protocol: each thread writes its rows, the connection's thread joins them in thread order and
 * ends with one `.`. Rule: a listing is made piece by piece, a few at a time (listing-queue.ts), and pauses while its
 * peer does not read.
 */
import { fill, releasePart, reserveReply, unhold } from './replies.ts';
import type { PendingReply } from './reply-queue.ts';
import { Hold, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import type { ThreadQuery, ThreadResult } from './thread-queries.ts';

/** A listing with fewer bytes is sent in one write, because gearadmin reads only until 5 ms of silence. */
const PART_BYTES = 1024 * 1024;
const END = new Uint8Array([46, 10]);

/** Makes the query for the piece after `cursor`, or, within the row at `cursor`, from `part` on. */
export type PieceQuery = (cursor: number, part: number) => ThreadQuery;

/** Replies to `session` with the rows of all `threads` and a final `.`. */
export function replyListing(
  table: SessionTable,
  session: Session,
  threads: readonly number[],
  query: PieceQuery,
): void {
  new Listing(table, session, threads, query).enter();
}

class Listing {
  readonly #table: SessionTable;
  readonly #session: Session;
  readonly #pending: PendingReply;
  readonly #threads: readonly number[];
  readonly #query: PieceQuery;
  #thread = 0;
  #cursor = 0;
  #part = 0;

  constructor(
    table: SessionTable,
    session: Session,
    threads: readonly number[],
    query: PieceQuery,
  ) {
    this.#table = table;
    this.#session = session;
    this.#pending = reserveReply(session);
    this.#threads = threads;
    this.#query = query;
    session.isListing = true;
  }

  /** Continues with the next piece when it is the turn of this listing. */
  enter(): void {
    this.#table.listings.enter(() => this.#goOn());
  }

  /** Asks for the next piece, or ends. */
  #goOn(): void {
    const thread = this.#threads[this.#thread];
    if (!this.#isWanted) this.#table.listings.leave();
    else if (thread === undefined) this.#end();
    else
      this.#table.ask(thread, this.#query(this.#cursor, this.#part), (result) =>
        this.#take(result),
      );
  }

  /** True while its connection exists. */
  get #isWanted(): boolean {
    return this.#table.live(this.#session.conn) === this.#session;
  }

  #take(result: ThreadResult): void {
    if (!this.#isWanted) {
      this.#table.listings.leave();
      return;
    }
    if (result.bytes.length > 0) this.#pending.add(result.bytes);
    this.#cursor = result.cursor;
    this.#part = result.part;
    const isWholeThread = result.cursor === 0;
    if (isWholeThread) this.#thread++;
    if (this.#pending.byteCount >= PART_BYTES) this.#sendPart();
    else if (isWholeThread) this.#goOn();
    else this.#table.later(() => this.#goOn());
  }

  /** Sends the rows so far and continues when the peer has read most of them. */
  #sendPart(): void {
    this.#table.listings.leave();
    this.#releasePart();
  }

  #releasePart(): void {
    if (releasePart(this.#table, this.#session, this.#pending))
      this.#table.whenDrained(this.#session, PART_BYTES, () => this.enter());
    // Earlier replies wait for other threads: no more rows are made until those have been sent.
    else this.#pending.whenFront = () => this.#releasePart();
  }

  #end(): void {
    this.#session.isListing = false;
    fill(this.#table, this.#session, this.#pending, END);
    unhold(this.#table, this.#session, Hold.listing);
    this.#table.listings.leave();
  }
}

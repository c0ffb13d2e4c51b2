/**
 * Listings of the text protocol, joined over threads: each writes its rows; the connection's thread joins them in
 * thread order and ends with one `.`. It asks for one piece at a time, so that no thread stalls and a peer that does
 * not read costs no memory.
 */
import { ByteWriter } from '../base/byte-writer.ts';
import { fill, releasePart, reserveReply, unhold } from './replies.ts';
import type { PendingReply } from './reply-queue.ts';
import { Hold, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import type { ThreadQuery, ThreadResult } from './thread-queries.ts';

/** Smaller listings are sent in one write: gearadmin reads until 5 ms of silence. */
const PART_BYTES = 1024 * 1024;
const END = new Uint8Array([46, 10]);

/** Makes the query for the piece after `cursor`, or from `part` of its row on. */
export type PieceQuery = (cursor: number, part: number) => ThreadQuery;

/** Replies to `session` with the rows of all `threads` and a final `.`. */
export function replyListing(
  table: SessionTable,
  session: Session,
  threads: readonly number[],
  query: PieceQuery,
): void {
  const listing = new Listing(table, session, threads, query);
  listing.goOn();
}

class Listing {
  readonly #table: SessionTable;
  readonly #session: Session;
  readonly #pending: PendingReply;
  readonly #threads: readonly number[];
  readonly #query: PieceQuery;
  readonly #rows = new ByteWriter(4096);
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

  /** Asks for the next piece, or ends the listing. */
  goOn(): void {
    const thread = this.#threads[this.#thread];
    if (this.#table.live(this.#session.conn) !== this.#session) return;
    if (thread !== undefined) {
      const query = this.#query(this.#cursor, this.#part);
      this.#table.ask(thread, query, (result) => this.#take(result));
      return;
    }
    this.#rows.bytes(END);
    this.#session.isListing = false;
    fill(this.#table, this.#session, this.#pending, this.#rows.take());
    unhold(this.#table, this.#session, Hold.listing);
  }

  #take(result: ThreadResult): void {
    this.#rows.bytes(result.bytes);
    this.#cursor = result.cursor;
    this.#part = result.part;
    const isWholeThread = result.cursor === 0;
    if (isWholeThread) this.#thread++;
    if (this.#rows.length >= PART_BYTES) this.#sendPart();
    else if (isWholeThread) this.goOn();
    else this.#table.later(() => this.goOn());
  }

  /** Sends the rows so far and continues when the peer has read most of them. */
  #sendPart(): void {
    if (this.#session.replies?.front !== this.#pending) {
      // Earlier replies wait for other threads: no more rows are made until those have been sent.
      this.#pending.whenFront = () => this.#sendPart();
      return;
    }
    this.#pending.add(this.#rows.take());
    releasePart(this.#table, this.#session, this.#pending);
    this.#table.whenDrained(this.#session, PART_BYTES, () => this.goOn());
  }
}

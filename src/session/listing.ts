/**
 * Listings of the text protocol, joined over threads: each writes its rows, home joins them in thread order and ends
 * with one `.`. Asked for piece by piece, so that nobody stalls and a peer that does not read costs nothing.
 */
import { ByteWriter } from '../base/byte-writer.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { SLOT_MASK } from '../protocol/batch.ts';
import { fill, releasePart, reserveReply, unhold } from './replies.ts';
import type { PendingReply } from './reply-queue.ts';
import { Hold, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import {
  DONE,
  LIST_BYTES_MAX,
  LIST_ROWS_MAX,
  type ThreadQuery,
  type ThreadResult,
} from './thread-queries.ts';

/** Below this a listing leaves in one write: gearadmin reads until 5 ms of silence. */
const PART_BYTES = 1024 * 1024;
const END = new Uint8Array([46, 10]);

/** Makes the question for the piece behind `cursor`, or from `part` of its row on. */
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

  /** Asks for the next piece, or ends. */
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

  /** Too much to keep: lets go what there is and goes on when the peer has read most of it. */
  #sendPart(): void {
    if (this.#session.replies?.front !== this.#pending) {
      // Earlier replies wait for other threads: nothing more is made before they have left.
      this.#pending.whenFront = () => this.#sendPart();
      return;
    }
    this.#pending.add(this.#rows.take());
    releasePart(this.#table, this.#session, this.#pending);
    this.#table.whenDrained(this.#session, PART_BYTES, () => this.goOn());
  }
}

/**
 * `workers`: the connections of this thread from slot `cursor` on: `NUMBER IP ID : NAME ...`. With `part` > 0 `cursor` is the
 * id of a connection whose row is under way, and `part` where its names go on (SessionAbilities.list).
 */
export function listConnections(table: SessionTable, cursor: number, part: number): ThreadResult {
  const out = new ByteWriter(4096);
  let slot = cursor & SLOT_MASK;
  if (part > 0) {
    // When it has ended meanwhile, so has its row.
    const behind = table.live(cursor)?.abilities?.list(part, LIST_BYTES_MAX, out) ?? 0;
    if (behind > 0) return { ...DONE, cursor, part: behind, bytes: out.take() };
    out.text('\n');
    slot++;
  }
  for (let rows = 0; slot < table.slotEnd && rows < LIST_ROWS_MAX; slot++, rows++) {
    if (out.length >= LIST_BYTES_MAX) break;
    const session = table.atSlot(slot);
    if (session === null || session.isEnding) continue;
    const behind = listConnection(table, session, out);
    if (behind > 0) return { ...DONE, cursor: session.conn, part: behind, bytes: out.take() };
    out.text('\n');
  }
  return { ...DONE, cursor: slot < table.slotEnd ? slot : 0, bytes: out.take() };
}

/**
 * What stands for a connection's descriptor in `workers`: unlike slots, and descriptors, which numbers of one thread
 * may have in common with another, it is the connection's alone in the whole server.
 */
export function connectionNumber(table: SessionTable, session: Session): number {
  const { shardCount, thread } = table.options;
  return (session.conn & SLOT_MASK) * (shardCount + 1) + thread;
}

/** A row without its end; returns where its names go on, 0 = they are all there. */
function listConnection(table: SessionTable, session: Session, out: ByteWriter): number {
  table.steps.count += ROW_STEPS;
  out.text(`${connectionNumber(table, session)} ${session.address} `);
  if (session.clientId === null) out.text('-');
  else out.bytes(session.clientId);
  out.text(' :');
  return session.abilities?.list(0, LIST_BYTES_MAX, out) ?? 0;
}

/**
 * `store`: the row of this thread's store, nothing without one: thread, state, jobs, uncommitted, commits, jobs and
 * milliseconds of a commit on average, the longest one, bytes of disk.
 */
export function listStore(table: SessionTable): ThreadResult {
  const store = table.hooks.storeHealth();
  if (store === null) return DONE;
  const { jobs, uncommitted, commits, committed, commitMs, commitMsMax, bytes } = store;
  const commitCount = Math.max(1, commits);
  const row = [
    table.options.thread,
    store.isAccepting ? 'accepting' : 'refusing',
    jobs,
    uncommitted,
    commits,
    (committed / commitCount).toFixed(1),
    (commitMs / commitCount).toFixed(2),
    commitMsMax.toFixed(2),
    bytes,
  ];
  return { ...DONE, bytes: new ByteWriter(64).text(`${row.join('\t')}\n`).take() };
}

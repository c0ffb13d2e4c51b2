/**
 * The connections that live in a thread: the table of sessions, and the state shared by their rules (frames, replies,
 * grabs, traffic with other threads). Rule: this file imports no handler; dispatch.ts calls them in request order.
 */
import type { Account } from '../base/account.ts';
import { withView } from '../base/bytes.ts';
import type { Logger } from '../base/logger.ts';
import { Steps } from '../base/steps.ts';
import type { Broker } from '../broker/broker.ts';
import type { Peer } from '../broker/peer.ts';
import type { Reactor } from '../native/contract.ts';
import { SLOT_MASK } from '../protocol/batch.ts';
import { packetOf } from '../protocol/encode.ts';
import type { HandleCodec } from '../protocol/handle.ts';
import { Packet } from '../protocol/packets.ts';
import { shardOf } from '../protocol/shard-of.ts';
import type { RingWriter } from '../ring/writer.ts';
import type { StoreHealth } from '../store/store.ts';
import { Access, type AccessRule } from './access.ts';
import { AddressCounts } from './address-counts.ts';
import { left } from './connection-limits.ts';
import { writeGone, writeQuery } from './cross-thread/records.ts';
import { ShardRestarts } from './cross-thread/shard-restarts.ts';
import { Incident, Incidents } from './incidents.ts';
import { ListingQueue } from './listing-queue.ts';
import { Output } from './output.ts';
import { RateLimiter } from './rate-limiter.ts';
import { dropReplies, releaseAll, reserveReply, waitingBytes } from './replies.ts';
import type { PendingReply } from './reply-queue.ts';
import { contextOf, SESSION_BYTES, Session } from './session.ts';
import { ThreadOutbox } from './thread-outbox.ts';
import { DONE, type ThreadQuery, type ThreadResult, type ThreadStats } from './thread-queries.ts';
import { firstThread, nextThread } from './thread-set.ts';
import { TurnBudget } from './turn-budget.ts';

const NOOP_PACKET = packetOf(Packet.NOOP, '');
/** How long a connection that is being closed may still take its last replies. */
const LINGER_MS = 2000;

export interface SessionTableOptions {
  /** This thread's number: 0 is the acceptor (without shards the only thread), shards are 1..shardCount. */
  readonly thread: number;
  readonly shardCount: number;
  readonly hashSeed: number;
  /** Every connection begins with the `exceptions` option. */
  readonly exceptions: boolean;
  /** Connections of all threads; 0 = no limit. */
  readonly connectionsMax: number;
  readonly packetBytesMax: number;
  /** As in `ReactorOptions`; left out: no limit. */
  readonly outputPauseBytes?: number;
  readonly outputBytesMax?: number;
  /** Connections of one address in all threads; 0 or left out = no limit. */
  readonly addressConnectionsMax?: number;
  /** Limits of one connection per second; 0 or left out = no limit. */
  readonly packetRate?: number;
  readonly byteRate?: number;
  /** Access rules; left out when every peer may do everything. */
  readonly access?: readonly AccessRule[];
  /** Connections move to the owner of the first function that they name. */
  readonly movesConnections: boolean;
  /** How long frames wait for a shard that is being started again; 0 or left out: not at all. */
  readonly restartWaitMs?: number;
}

/** Calls from the sessions to the layers above. */
export interface SessionTableHooks {
  /** Passes this thread's result of a query to `done`; see answers.ts. */
  answer(query: ThreadQuery, done: (result: ThreadResult) => void): void;
  /** A text line (Latin-1, without line end) of `session`. */
  onLine(session: Session, line: string): void;
  /** Published level of another thread: 0 nothing runnable, 3 high. */
  levelOf(thread: number): number;
  /** Connections of all threads, at the end of their last turns. */
  connectionTotal(): number;
  /** The host's figures for a result of kind `stats`. */
  recordCounts(): { sent: number; received: number };
  turnFigures(): Pick<ThreadStats, 'turns' | 'loopDelay'>;
  /** A peer that begins with a handshake, accepted here or by the acceptor; the callee owns its descriptor. */
  onHandshake(fd: number, address: string, port: number): void;
  /** Refuses a peer that begins with a handshake. */
  refuseHandshake(fd: number): void;
  /** Whether the server has tokens. */
  readonly takesTokens: boolean;
  /** The key of a token (session.ts, tokenKey); null for an unknown one. */
  keyOfToken(token: Uint8Array): string | null;
  hasTokenKey(key: string): boolean;
  /** Much JavaScript memory has been released and should be collected soon. */
  collectGarbage(): void;
  /** Figures of the store of this thread; null without one. */
  storeHealth(): StoreHealth | null;
}

export class SessionTable {
  readonly options: SessionTableOptions;
  readonly hooks: SessionTableHooks;
  readonly reactor: Reactor;
  /** Counts the memory of this thread. */
  readonly account: Account;
  /** The cost of this turn so far, including the broker's. */
  readonly steps = new Steps();
  readonly budget = new TurnBudget();
  readonly output: Output;
  readonly handles: HandleCodec;
  readonly log: Logger;
  readonly incidents: Incidents;
  /** Null: every peer may do everything. */
  readonly access: Access | null;
  /** Null: connections may send as fast as they can. */
  readonly rateLimiter: RateLimiter | null;
  /** Waiting output of one connection at which reading it is paused, and at which it is closed. */
  readonly pauseBytes: number;
  /** Bytes copied in this turn, not yet counted by the account. */
  #copiedBytes = 0;
  readonly #outputBytesMax: number;
  readonly restarts: ShardRestarts;
  /** Null in threads that do not accept, and without a limit. */
  readonly addressCounts: AddressCounts | null;
  /** The ring writer to each other thread; null for this thread and for dead ones. */
  readonly writers: (RingWriter | null)[];
  readonly outbox: ThreadOutbox;
  /** The broker of the functions owned here; null in an acceptor with shards. */
  broker: Broker | null = null;
  /** Counts turns; the other rows of a held connection in the same turn are skipped. */
  turn = 0;
  /** This broker's peers that live in other threads, by thread * 2^31 + conn. */
  readonly crossThreadPeers = new Map<number, Peer>();
  /** Other threads have been asked what they hold, because memory is full (relief.ts). */
  isRelieving = false;
  /** Queries to other threads that wait for their result. */
  readonly queries = new Map<
    number,
    { readonly thread: number; readonly done: (result: ThreadResult) => void }
  >();
  readonly listings = new ListingQueue();
  /** Work that continues in the next turn: long listings. */
  readonly continuations: (() => void)[] = [];
  nextQuery = 1;
  /** Rotation among owners of equal level. */
  nextOwner = 0;
  /** Rotation among shards that take handshakes. */
  nextShard = 0;
  connectionCount = 0;
  /** Submits for other owners that were refused here, because there was no memory to read them. */
  refusedCount = 0;
  readonly #sessions: (Session | null)[] = [];
  /** What continues when a connection's output has drained, by connection. */
  readonly drained = new Map<number, () => void>();

  constructor(
    options: SessionTableOptions,
    hooks: SessionTableHooks,
    reactor: Reactor,
    handles: HandleCodec,
    writers: (RingWriter | null)[],
    log: Logger,
    account: Account,
  ) {
    this.options = options;
    this.hooks = hooks;
    this.reactor = reactor;
    this.account = account;
    this.output = new Output(reactor);
    withView(reactor.arena);
    this.handles = handles;
    this.writers = writers;
    this.log = log;
    this.incidents = new Incidents(log);
    const { thread, addressConnectionsMax = 0, packetRate = 0, byteRate = 0 } = options;
    this.pauseBytes = options.outputPauseBytes ?? Number.POSITIVE_INFINITY;
    this.#outputBytesMax = options.outputBytesMax ?? Number.POSITIVE_INFINITY;
    this.rateLimiter = packetRate + byteRate === 0 ? null : new RateLimiter(packetRate, byteRate);
    this.restarts = new ShardRestarts(options.restartWaitMs ?? 0);
    this.addressCounts = thread === 0 && addressConnectionsMax > 0 ? new AddressCounts() : null;
    this.access = options.access === undefined ? null : new Access(options.access);
    this.outbox = new ThreadOutbox(options.thread, this, this.output, reactor, writers);
  }

  /** Thread that owns the function whose name has this hash. */
  ownerOf(hash: number): number {
    return shardOf(hash, this.options.shardCount);
  }

  /** Begins a turn: continues the work that waits for it. */
  beginTurn(): void {
    this.turn++;
    this.#copiedBytes = 0;
    this.budget.begin(this);
    if (this.continuations.length > 0) for (const work of this.continuations.splice(0)) work();
  }

  /** The session of connection `conn`, or null when it has ended. */
  live(conn: number): Session | null {
    const session = this.#sessions[conn & SLOT_MASK];
    return session != null && session.conn === conn ? session : null;
  }

  /** Sessions by slot; for listings. */
  get slotEnd(): number {
    return this.#sessions.length;
  }

  atSlot(slot: number): Session | null {
    return this.#sessions[slot] ?? null;
  }

  /** Begins the session of an accepted connection. */
  open(conn: number, address: string, port: number): Session {
    const session = new Session(conn, address, port);
    session.takesExceptions = this.options.exceptions;
    this.add(session);
    return session;
  }

  /** Adds the session of a connection that was accepted here or has moved here. */
  add(session: Session): void {
    const slot = session.conn & SLOT_MASK;
    while (this.#sessions.length <= slot) this.#sessions.push(null);
    this.#sessions[slot] = session;
    session.account = this.account;
    this.account.keep(session, SESSION_BYTES + (session.clientId?.length ?? 0));
    this.connectionCount++;
  }

  /** Removes a session without closing its connection, which has ended or moves. */
  remove(session: Session): void {
    const slot = session.conn & SLOT_MASK;
    if (this.#sessions[slot] !== session) return;
    this.#sessions[slot] = null;
    this.account.giveUp(session);
    session.account = null;
    this.drained.delete(session.conn);
    this.connectionCount--;
  }

  /** The connection's peer in this thread's broker. */
  peerOf(session: Session): Peer {
    session.peer ??= (this.broker as Broker).addPeer(this.options.thread, session.conn);
    return session.peer;
  }

  /**
   * The broker wakes `session` in its sleep number `sleepSerial`: one NOOP for each sleep, however many owners ask.
   */
  noop(session: Session, sleepSerial: number): void {
    if (!session.isAsleep || session.isNooped || session.sleepSerial !== sleepSerial) return;
    session.isNooped = true;
    this.output.write(session.conn, NOOP_PACKET);
  }

  reserveReply(session: Session): PendingReply {
    return reserveReply(session);
  }

  release(session: Session): void {
    releaseAll(this, session);
  }

  /**
   * Whether a connection gets no more output: too much of it waits; or some waits, memory is full and `bytes` are
   * coming that it has not asked for (0: a reply). It then ends with the next turn, because the caller may be in the
   * middle of a broker's event. One packet of any size passes.
   */
  exceeds(session: Session, bytes: number): boolean {
    const waiting = waitingBytes(this, session);
    this.#copiedBytes += bytes;
    const isOver = waiting > this.#outputBytesMax;
    if (!isOver && (bytes === 0 || waiting === 0 || this.account.fits(this.#copiedBytes)))
      return false;
    this.#copiedBytes -= bytes;
    if (!session.isOverLimit) {
      session.isOverLimit = true;
      this.later(() => {
        if (this.live(session.conn) === session) this.dropUnread(session);
      });
    }
    return true;
  }

  /** Ends a connection that does not read its output. */
  dropUnread(session: Session): void {
    session.isOverLimit = true;
    this.incidents.report(
      Incident.outputLimit,
      `close connection ${session.address}:${session.port}: it does not read its output`,
      contextOf(session),
    );
    this.abort(session);
  }

  /** Ends a connection and logs the reason. */
  drop(session: Session, reason: string): void {
    const text = `close connection ${session.address}:${session.port}: ${reason}`;
    this.incidents.report(Incident.dropped, text, contextOf(session));
    this.abort(session);
  }

  /** Input has ended: the effects of the loss now, the close when all replies have been sent. */
  end(session: Session): void {
    if (session.isEnding) return;
    session.isEnding = true;
    if (session.peer !== null) {
      this.broker?.onPeerGone(session.peer);
      session.peer = null;
    }
    const { owners } = session;
    for (let thread = firstThread(owners); thread >= 0; thread = nextThread(owners, thread))
      writeGone(this.writers[thread], session.conn);
    this.finish(session);
  }

  /** Closes an ending connection that is owed nothing more. */
  finish(session: Session): void {
    if (!session.isEnding || session.replies !== null) return;
    this.remove(session);
    left(this, session.address);
    // Output that it does not read is dropped at once.
    if (session.isOverLimit) this.reactor.close(session.conn);
    else this.reactor.closeAfterFlush(session.conn, LINGER_MS);
  }

  /** Ends a connection at once; its pending replies are dropped. */
  abort(session: Session): void {
    dropReplies(this, session);
    if (session.isEnding) this.finish(session);
    else this.end(session);
  }

  /**
   * The server closes: every connection gets its pending replies, for at most `lingerMs`. Returns the connection ids.
   */
  closeAll(lingerMs: number): number[] {
    const conns: number[] = [];
    for (const session of this.#sessions) {
      if (session === null) continue;
      this.remove(session);
      this.reactor.closeAfterFlush(session.conn, lingerMs);
      conns.push(session.conn);
    }
    return conns;
  }

  /**
   * Sends a query to a thread; `done` is called later for another thread, at once for this one, unless the turn's
   * budget has been spent on other queries that go over many rows.
   */
  ask(thread: number, query: ThreadQuery, done: (result: ThreadResult) => void): void {
    if (thread === this.options.thread) {
      this.hooks.answer(query, done);
      return;
    }
    const id = this.nextQuery;
    this.nextQuery = (id + 1) & 0x7fffffff;
    this.queries.set(id, { thread, done });
    const writer = this.writers[thread];
    if (writer == null) this.#answerForDead(id);
    else writeQuery(writer, id, query);
  }

  /** Calls `resume` once when at most `bytes` of output of `session` are unsent. */
  whenDrained(session: Session, bytes: number, resume: () => void): void {
    this.drained.set(session.conn, resume);
    this.reactor.notifyDrained(session.conn, bytes);
  }

  /** Calls `work` in the next turn. */
  later(work: () => void): void {
    this.continuations.push(work);
    this.reactor.requestTurn();
  }

  /** A thread has died: its pending queries get an empty result. */
  forgetThread(thread: number): void {
    this.addressCounts?.forget(thread);
    for (const [id, query] of [...this.queries])
      if (query.thread === thread) this.#answerForDead(id);
  }

  #answerForDead(id: number): void {
    const query = this.queries.get(id);
    this.queries.delete(id);
    query?.done(DONE);
  }
}

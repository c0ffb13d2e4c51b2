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
import { Access } from './access.ts';
import { AddressCounts } from './address-counts.ts';
import { Aliases } from './aliases.ts';
import { left } from './connection-limits.ts';
import { CrossThreadPeers } from './cross-thread/peers.ts';
import { PendingQueries } from './cross-thread/pending-queries.ts';
import { writeGone } from './cross-thread/records.ts';
import { ShardRestarts } from './cross-thread/shard-restarts.ts';
import { Incident, Incidents } from './incidents.ts';
import { ListingQueue } from './listing-queue.ts';
import { Output } from './output.ts';
import { OutputLimit } from './output-limit.ts';
import { RateLimiter } from './rate-limiter.ts';
import { dropReplies, releaseAll, reserveReply } from './replies.ts';
import type { PendingReply } from './reply-queue.ts';
import { contextOf, nameOf, SESSION_BYTES, Session } from './session.ts';
import type { SessionTableHooks, SessionTableOptions } from './session-table-options.ts';
import { ThreadOutbox } from './thread-outbox.ts';
import type { ThreadQuery, ThreadResult } from './thread-queries.ts';
import { firstThread, nextThread } from './thread-set.ts';
import { TurnBudget } from './turn-budget.ts';

const NOOP_PACKET = packetOf(Packet.NOOP, '');
/** How long a connection that is being closed may still take its last replies. */
const LINGER_MS = 2000;

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
  /** Access rules; null when every peer may do everything. */
  readonly access: Access | null;
  /** Other names of functions, for submits; null without any. */
  readonly aliases: Aliases | null;
  /** Limits how fast connections may send; null without limits. */
  readonly rateLimiter: RateLimiter | null;
  /** Waiting output of one connection at which reading it is paused. */
  readonly pauseBytes: number;
  readonly #outputLimit: OutputLimit;
  readonly restarts: ShardRestarts;
  /** Connections by address; null in threads that do not accept, and without a limit. */
  readonly addressCounts: AddressCounts | null;
  /** The ring writer to each other thread; null for this thread and for dead ones. */
  readonly writers: (RingWriter | null)[];
  readonly outbox: ThreadOutbox;
  /** The broker of the functions owned here; null in an acceptor with shards. */
  broker: Broker | null = null;
  /** Number of the turn. When reading a connection is paused, its other rows of the same turn are skipped. */
  turn = 0;
  readonly crossThreadPeers = new CrossThreadPeers();
  /** True while other threads have been asked what they hold, because memory is full (relief.ts). */
  isRelieving = false;
  readonly queries: PendingQueries;
  readonly listings = new ListingQueue();
  /** Work that continues in the next turn: long listings. */
  readonly continuations: (() => void)[] = [];
  /** The owner to ask first among owners of equal level; it changes with each grab. */
  nextOwner = 0;
  /** The shard that gets the next handshake. */
  nextShard = 0;
  connectionCount = 0;
  /** Number of submits for other owners that this thread refused, because there was no memory to read them. */
  refusedCount = 0;
  readonly #sessions: (Session | null)[] = [];
  /** Functions to call when the output of a connection has drained, by connection. */
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
    this.queries = new PendingQueries(writers);
    this.log = log;
    this.incidents = new Incidents(log);
    const { thread, addressConnectionsMax = 0, packetRate = 0, byteRate = 0 } = options;
    this.pauseBytes = options.outputPauseBytes ?? Number.POSITIVE_INFINITY;
    this.#outputLimit = new OutputLimit(options.outputBytesMax ?? Number.POSITIVE_INFINITY);
    this.rateLimiter = packetRate + byteRate === 0 ? null : new RateLimiter(packetRate, byteRate);
    this.restarts = new ShardRestarts(options.restartWaitMs ?? 0);
    this.addressCounts = thread === 0 && addressConnectionsMax > 0 ? new AddressCounts() : null;
    this.access = options.access === undefined ? null : new Access(options.access);
    this.aliases =
      options.aliases === undefined ? null : new Aliases(options.aliases, options.hashSeed);
    this.outbox = new ThreadOutbox(options.thread, this, this.output, reactor, writers);
  }

  /** Thread that owns the function whose name has this hash. */
  ownerOf(hash: number): number {
    return shardOf(hash, this.options.shardCount);
  }

  /** Begins a turn: continues the work that waits for it. */
  beginTurn(): void {
    this.turn++;
    this.#outputLimit.beginTurn();
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
    session.peer ??= this.#addPeer(session);
    return session.peer;
  }

  #addPeer(session: Session): Peer {
    const peer = (this.broker as Broker).addPeer(this.options.thread, session.conn);
    peer.takesAttempts = session.takesAttempts;
    return peer;
  }

  /**
   * The broker wakes `session` in its sleep number `sleepSerial`. Each sleep gets one NOOP, even if several owners wake
   * it.
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

  /** Whether a connection gets no more output; `bytes` are the bytes to be added that are not a reply. */
  exceeds(session: Session, bytes: number): boolean {
    return this.#outputLimit.exceeds(this, session, bytes);
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

  /**
   * Input has ended. Jobs and functions of the connection are given up now; it is closed when all replies have been
   * sent.
   */
  end(session: Session): void {
    if (session.isEnding) return;
    session.isEnding = true;
    if (session.peer !== null) {
      // Its session is gone when the broker notes that its jobs were lost.
      if (session.peer.heldJob !== 0) session.peer.name = nameOf(session);
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
   * Sends a query to a thread; `done` is called later for another thread, at once for this thread, except when the
   * query reads many rows and other such queries have used up the budget of the turn.
   */
  ask(thread: number, query: ThreadQuery, done: (result: ThreadResult) => void): void {
    if (thread === this.options.thread) this.hooks.answer(query, done);
    else this.queries.send(thread, query, done);
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
    this.queries.endAllOf(thread);
  }
}

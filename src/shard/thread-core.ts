/**
 * One thread of the server: reactor, sessions, broker and rings together, and the steps of one turn. After the sockets
 * were read, it drains the rings, handles the rows, runs what is due, and publishes. Source: docs/design.md, sections 2
 * and 9.
 */
import { Account } from '../base/account.ts';
import { bytesOf } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { type Logger, LogLevel } from '../base/logger.ts';
import { Broker } from '../broker/broker.ts';
import { setGate } from '../broker/gates.ts';
import type { MemoryHooks } from '../broker/jobs.ts';
import type { BrokerOptions } from '../broker/state.ts';
import type { GateSettings } from '../policy/gate-settings.ts';
import type { PolicyAnswer, PolicyCommand } from '../policy/policy-command.ts';
import { Control } from '../protocol/batch.ts';
import { HandleCodec } from '../protocol/handle.ts';
import { shardOfName } from '../protocol/shard-of.ts';
import type { RingReader } from '../ring/reader.ts';
import { answer } from '../session/answers.ts';
import { dropOldTokens } from '../session/authorization.ts';
import { onRecord } from '../session/cross-thread/receive.ts';
import { Dispatch } from '../session/dispatch.ts';
import type { Session } from '../session/session.ts';
import { SessionTable } from '../session/session-table.ts';
import type { SessionTableOptions } from '../session/session-table-options.ts';
import {
  type AuditedCommand,
  type LoopDelay,
  SERIALS_PER_START,
  type ThreadQuery,
  type ThreadResult,
} from '../session/thread-queries.ts';
import type { Store, StoreHost } from '../store/store.ts';
import type { StreamReactor } from '../transport/stream-connection.ts';
import type { StreamHost } from './attach.ts';
import { HeapReturn } from './heap-return.ts';
import { Housekeeping } from './housekeeping.ts';
import type { ThreadRings } from './publishing.ts';
import { Publishing } from './publishing.ts';
import { loseThread } from './thread-end.ts';
import { ThreadStore } from './thread-store.ts';
import type { TlsConnections } from './tls-connections.ts';
import type { TokenHash, TokenTable } from './token-table.ts';
import { describeTurn, TurnTimes, type TurnWork } from './turn-measures.ts';

/**
 * Limits of the records taken from one ring: in one turn, and in one step of a turn. A step ends early if its records
 * were expensive.
 */
const RECORDS_MAX = 1024;
const RECORDS_STEP = 128;
/**
 * Limit of the steps (base/steps.ts) that records may cost in one turn; the remaining records wait for the next turn.
 */
const RECORD_STEPS = 400_000;
/** Wall-clock deadlines are checked at least this often: the clock may be changed. */
const WALL_SLEEP_MS = 1000;
/** Restarts are counted modulo 2^12, so that serials stay below 2^53. */
const EPOCH_MASK = 0xfff;
/** How long TLS peers may take to read their last replies at the end. */
const SECURE_LINGER_MS = 1000;
/** setTimeout fires at once for longer times. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface ThreadCoreOptions {
  readonly sessions: SessionTableOptions;
  readonly broker: Omit<BrokerOptions, 'thread' | 'hashSeed' | 'lastSerial' | 'account' | 'log'>;
  readonly handlePrefix: string;
  /** Differs between runs; part of every handle. */
  readonly boot: number;
  readonly slowTurnMs: number;
  /** Jobs that wait so long without any worker cause a WARNING; 0 = never. */
  readonly unservedWarningMs: number;
  /** Bytes that all threads may keep for peers; 0 = no limit. */
  readonly memoryBytesMax: number;
  /** Shared by all threads, see `accountWords`. */
  readonly memoryWords: Int32Array;
}

/** The parts of a thread; all of them can be simulated. */
export interface ThreadParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: MemoryHooks;
  makeReactor(onTurn: (rowCount: number) => void): StreamReactor;
  /**
   * Calls `wake` once at or soon after `atMs` of the monotonic clock; replaces the previous request. Infinity requests
   * no call.
   */
  setTimer(atMs: number, wake: () => void): void;
  onLine(table: SessionTable, session: Session, line: string): void;
  readonly rings: ThreadRings;
  /** Reads and resets the lateness of timers; left out where it is not measured. */
  readonly loopDelay?: () => LoopDelay;
  /** Schedules a garbage collection; left out where it is not needed. */
  readonly collectGarbage?: () => void;
  /** Gives the free part of the native heap back to the system; left out without an addon. */
  readonly trimHeap?: () => void;
  /** The tokens of peers; left out when the server has none. */
  readonly tokens?: TokenTable;
  /** Handles peers of TLS ports; left out when there are none. */
  readonly handshakes?: {
    makeTlsConnections(host: StreamHost): TlsConnections | null;
    /** Closes an accepted descriptor that is not used. */
    closeDescriptor(fd: number): void;
  };
  /** Carries out a command about a policy; in the main thread only. */
  readonly runPolicyCommand?: (command: PolicyCommand, done: PolicyAnswer) => void;
  /** Writes into the audit log; in the main thread only. */
  readonly audit?: (entry: AuditedCommand) => void;
  /** Makes the store of this thread's jobs; null keeps them in memory only. */
  readonly makeStore: ((host: StoreHost) => Store) | null;
}

/** The reactor's memory for packets and output, from its control words. */
export function reactorBytes(control: Int32Array): number {
  const blobKib = control[Control.BLOB_KIB] as number;
  const unsentKib = control[Control.UNSENT_KIB] as number;
  return (blobKib + unsentKib + (control[Control.IN_PROCESS_UNSENT_KIB] as number)) * 1024;
}

export class ThreadCore {
  readonly reactor: StreamReactor;
  readonly table: SessionTable;
  /** Counts the memory that this thread keeps for peers. */
  readonly account: Account;
  readonly broker: Broker | null;
  readonly tlsConnections: TlsConnections | null;
  readonly #parts: ThreadParts;
  readonly #dispatch: Dispatch;
  readonly #options: ThreadCoreOptions;
  readonly #store: ThreadStore | null;
  readonly #housekeeping: Housekeeping;
  readonly #heapReturn: HeapReturn;
  readonly #times = new TurnTimes();
  readonly #publishing: Publishing;
  #timerAtMs = Number.POSITIVE_INFINITY;
  readonly #wake = () => {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.reactor.requestTurn();
  };

  constructor(options: ThreadCoreOptions, parts: ThreadParts) {
    this.#options = options;
    this.#parts = parts;
    this.reactor = parts.makeReactor((rowCount) => this.#turn(rowCount));
    const { thread, shardCount, hashSeed } = options.sessions;
    const handles = new HandleCodec(options.handlePrefix, options.boot, thread);
    const hooks = {
      answer: (query: ThreadQuery, done: (result: ThreadResult) => void) =>
        answer(this.table, query, done),
      onLine: (session: Session, line: string) => parts.onLine(this.table, session, line),
      levelOf: (other: number) => parts.rings.levelOf(other),
      recordCounts: () => this.recordCounts(),
      turnFigures: () => ({
        turns: this.#times.figures(),
        loopDelay: parts.loopDelay?.() ?? null,
      }),
      connectionTotal: () => parts.rings.connectionTotal(),
      takesTokens: parts.tokens !== undefined,
      keyOfToken: (token: Uint8Array) => parts.tokens?.keyOf(token) ?? null,
      hasTokenKey: (key: string) => parts.tokens?.has(key) === true,
      onHandshake: (fd: number, address: string, port: number) => {
        if (this.tlsConnections === null) parts.handshakes?.closeDescriptor(fd);
        else this.tlsConnections.takeDescriptor(fd, address, port);
      },
      refuseHandshake: (fd: number) => parts.handshakes?.closeDescriptor(fd),
      collectGarbage: () => parts.collectGarbage?.(),
      storeHealth: () => this.store?.health ?? null,
      runPolicyCommand: (command: PolicyCommand, done: PolicyAnswer) =>
        parts.runPolicyCommand?.(command, (text, cursor, change) =>
          this.table.later(() => done(text, cursor, change)),
        ),
      audit: (entry: AuditedCommand) => parts.audit?.(entry),
    };
    const { memoryBytesMax, memoryWords } = options;
    const bytesOfReactor = () => reactorBytes(this.reactor.control);
    this.account = new Account(memoryBytesMax, memoryWords, thread, bytesOfReactor);
    const { account, reactor } = this;
    const { writers } = parts.rings;
    this.table = new SessionTable(
      options.sessions,
      hooks,
      reactor,
      handles,
      writers,
      parts.log,
      account,
    );
    this.#dispatch = new Dispatch(this.table);
    const owns = shardCount === 0 || thread > 0;
    this.#store = owns && parts.makeStore !== null ? this.#makeStore(parts.makeStore) : null;
    this.broker = owns
      ? new Broker(
          {
            ...options.broker,
            thread,
            hashSeed,
            lastSerial: (parts.rings.epoch & EPOCH_MASK) * SERIALS_PER_START,
            account,
            log: parts.log,
            steps: this.table.steps,
          },
          this.table.outbox,
          handles,
          this.reactor,
          parts.memory,
          this.store,
        )
      : null;
    this.table.broker = this.broker;
    this.#publishing = new Publishing(this.table, this.broker, parts.rings, this.reactor);
    this.tlsConnections = parts.handshakes?.makeTlsConnections(this) ?? null;
    this.#heapReturn = new HeapReturn(
      () => reactorBytes(this.reactor.control),
      () => parts.trimHeap?.(),
    );
    this.#housekeeping = new Housekeeping(this.broker, parts.log, options.unservedWarningMs);
  }

  /** The store of this thread's jobs; null when they are kept in memory only. */
  get store(): Store | null {
    return this.#store?.store ?? null;
  }

  /** Restores the jobs of the store; resolves to their number. Call before the first turn; 0 without a store. */
  async restore(): Promise<number> {
    return this.#store === null ? 0 : this.#store.restore(this.broker as Broker);
  }

  /**
   * Makes pending jobs durable and answers their clients; background jobs are refused from now on. Resolves to the
   * number of jobs that could not be stored at the end.
   */
  async closeStore(): Promise<number> {
    const storing = this.broker?.storing ?? null;
    if (this.#store === null || storing === null) return 0;
    return this.#store.close(storing, this.#options.broker.storesAtEnd === true);
  }

  /** Records sent to and received from other threads since start. */
  recordCounts(): { sent: number; received: number } {
    let sent = 0;
    let received = 0;
    for (const writer of this.#parts.rings.writers) sent += writer?.sent ?? 0;
    for (const reader of this.#parts.rings.readers) received += reader?.received ?? 0;
    return { sent, received };
  }

  /** Another thread has died: ends everything that waits for it. Call outside of a turn. */
  lose(thread: number): void {
    this.#setTime();
    loseThread(this.table, thread);
    this.reactor.requestTurn();
  }

  /**
   * A thread that had died runs again: continues everything that waits for it. Call outside of a turn, with the rings
   * to it joined.
   */
  regain(thread: number): void {
    this.table.restarts.end(this.table, thread);
    this.reactor.requestTurn();
  }

  /** Handles all records sent by other threads so far. Call outside of a turn, before the end of this thread. */
  takeRecords(): void {
    this.#setTime();
    for (const [from, reader] of this.#parts.rings.readers.entries())
      reader?.drain(Number.POSITIVE_INFINITY, (record) => onRecord(this.table, from, record));
    this.#publishing.publish();
  }

  /** Sets gates of functions of this thread. Call before its jobs are restored. */
  setGates(gates: readonly GateSettings[]): void {
    this.#setTime();
    if (this.broker !== null) for (const gate of gates) setGate(this.broker, gate);
  }

  /** Passes a gate to the owner of its function; calls `done` when it has taken effect. Call outside of a turn. */
  changeGate(settings: GateSettings, done: () => void): void {
    this.#setTime();
    const name = bytesOf(settings.name);
    const owner = shardOfName(name, this.table.options.hashSeed, this.table.options.shardCount);
    this.table.ask(owner, { kind: 'gate', settings }, done);
    this.#publishing.publish();
    this.reactor.requestTurn();
  }

  /** Changes the tokens; closes sessions whose token is no longer valid. Call outside of a turn. */
  renewTokens(tokens: readonly TokenHash[]): void {
    this.#setTime();
    this.#parts.tokens?.renew(tokens);
    dropOldTokens(this.table);
    this.reactor.requestTurn();
  }

  #makeStore(make: (host: StoreHost) => Store): ThreadStore {
    const { clock, log } = this.#parts;
    return new ThreadStore(make, {
      clock,
      log,
      setTime: () => this.#setTime(),
      publish: () => this.#publishing.publish(),
      requestTurn: () => this.reactor.requestTurn(),
    });
  }

  /** Ends the thread's reactor and timer and releases their memory. No turn may follow. */
  async destroy(): Promise<void> {
    this.#parts.setTimer(Number.POSITIVE_INFINITY, this.#wake);
    await this.tlsConnections?.close(SECURE_LINGER_MS);
    await this.reactor.destroy();
  }

  #setTime(): number {
    const { clock } = this.#parts;
    const nowMs = clock.nowMs();
    this.table.incidents.nowMs = nowMs;
    this.broker?.setTime(nowMs, clock.wallMs());
    return nowMs;
  }

  #turn(rowCount: number): void {
    const { clock } = this.#parts;
    const { broker, table } = this;
    const nowMs = this.#setTime();
    this.account.refresh();
    const listings = table.continuations.length;
    const records = this.#drainRings();
    if (broker?.storing) this.#store?.answerDurable(broker.storing);
    this.#dispatch.onRows(rowCount);
    this.#publishing.publish();
    const ticksBefore = broker?.tickedJobs ?? 0;
    let dueMs = broker === null ? Number.POSITIVE_INFINITY : this.#tick(broker, nowMs);
    const { store } = this;
    if (store !== null) dueMs = Math.min(dueMs, store.flush(nowMs, rowCount + records === 0));
    if (table.rateLimiter !== null) dueMs = Math.min(dueMs, table.rateLimiter.tick(table));
    dueMs = Math.min(dueMs, table.restarts.tick(table), table.incidents.tick());
    dueMs = Math.min(dueMs, this.#housekeeping.run(nowMs), this.#heapReturn.run(nowMs));
    this.#sleepUntil(dueMs, nowMs);
    if (this.account.isLimited) this.#rebalanceMemory();
    const tookMs = clock.nowMs() - nowMs;
    this.#times.add(tookMs);
    if (tookMs <= this.#options.slowTurnMs) return;
    const dueJobs = (broker?.tickedJobs ?? 0) - ticksBefore;
    this.#reportSlow(tookMs, rowCount, { records, dueJobs, listings });
  }

  #tick(broker: Broker, nowMs: number): number {
    if (broker.nextDueMs() > nowMs) return broker.nextDueMs();
    const dueMs = broker.onTick();
    this.#publishing.publish();
    return dueMs;
  }

  /**
   * Handles everything that other threads sent before the sockets of this turn were read. Returns the number of
   * records.
   */
  #drainRings(): number {
    const { readers } = this.#parts.rings;
    const { steps } = this.table;
    const before = steps.count;
    let count = 0;
    for (let from = 0; from < readers.length; from++) {
      const reader = readers[from];
      if (reader == null || reader.isEmpty) continue;
      const handle = (record: RingReader) => onRecord(this.table, from, record);
      for (let taken = 0; taken < RECORDS_MAX && steps.count - before < RECORD_STEPS; ) {
        const step = reader.drain(RECORDS_STEP, handle);
        taken += step;
        count += step;
        if (step < RECORDS_STEP) break;
      }
      if (!reader.isEmpty) this.reactor.requestTurn();
    }
    return count;
  }

  #sleepUntil(dueMs: number, nowMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const isWall = this.broker !== null && this.broker.jobs.scheduled.size > 0;
    const atMs = Math.min(dueMs, nowMs + (isWall ? WALL_SLEEP_MS : TIMER_MS_MAX));
    // An earlier timer may stay: it only checks and sleeps again.
    if (atMs >= this.#timerAtMs) return;
    this.#timerAtMs = atMs;
    this.#parts.setTimer(atMs, this.#wake);
  }

  /** Sets how much blobs may grow until the next turn: by the memory that is left in all threads together. */
  #rebalanceMemory(): void {
    const leftBytes = this.account.rebalance();
    const { control } = this.reactor;
    const kib = (control[Control.BLOB_KIB] as number) + Math.floor(leftBytes / 1024);
    control[Control.BLOB_KIB_MAX] = Math.max(1, Math.min(kib, 0x7fffffff));
  }

  #reportSlow(tookMs: number, rowCount: number, work: TurnWork): void {
    const { log } = this.#parts;
    const what = describeTurn(this.reactor.rows, rowCount, work);
    const limit = `limit ${this.#options.slowTurnMs} ms`;
    log.log(LogLevel.WARNING, `a turn took ${Math.round(tookMs)} ms, ${limit}: ${what}`);
  }
}

/**
 * The state of one shard: options, functions, peers, jobs, their indexes, the time of the turn and the counters. Rule:
 * it makes no decisions. Each rule (submit.ts, assign.ts, work.ts, loss.ts ...) is a function of this state, and
 * broker.ts calls the rules.
 */
import type { Account } from '../base/account.ts';
import { bytesOf } from '../base/bytes.ts';
import type { Logger } from '../base/logger.ts';
import { FUNCTION_STEPS, Steps } from '../base/steps.ts';
import type { BlobStore } from '../protocol/frame.ts';
import type { HandleCodec } from '../protocol/handle.ts';
import { hashBytes } from '../protocol/hash.ts';
import { DeadMemory, type DeadMemoryOptions } from './dead-memory.ts';
import { adoptSettings, type SettingsTable } from './function-settings.ts';
import { FunctionStats } from './function-stats.ts';
import { type FunctionQueue, FunctionTable } from './functions.ts';
import { Job } from './job-table.ts';
import { Flag, Jobs, type MemoryHooks } from './jobs.ts';
import { Kept, nameCost } from './kept.ts';
import type { Outbox } from './outbox.ts';
import { type Peer, PeerTable } from './peer.ts';
import { Uniques } from './uniques.ts';
import { Waker } from './waking.ts';

export interface BrokerOptions {
  /** Number of this thread. */
  readonly thread: number;
  readonly hashSeed: number;
  /** Serials of jobs start above this. */
  readonly lastSerial: number;
  /** Lost runs before a job fails; -1 = no limit, 0 counts as 1. */
  readonly jobRetries: number;
  /** Functions that may exist at a time. */
  readonly functionsMax: number;
  /** Counts the memory of this thread. */
  readonly account: Account;
  readonly log: Logger;
  /** Counts the work of the thread. Default: a counter of its own. */
  readonly steps?: Steps;
  /** Sleepers woken for each runnable job, at least 1. */
  readonly wakesPerJob: number;
  readonly wakeupDelayMs: number;
  /** Peers that offer more functions are woken differently (waking.ts); for tests. */
  readonly fewFunctionsMax?: number;
  /**
   * gearmand 2.0: the highest priority of all functions first. Otherwise priority counts inside the chosen function.
   */
  readonly isPriorityGlobal: boolean;
  /** Whether the function served last goes to the end of a worker's order. */
  readonly isRotating: boolean;
  /**
   * How many functions of all shards have statistics of their own, and how many of them each thread has
   * (function-stats.ts). Default: none.
   */
  readonly measuredMax?: number;
  readonly measured?: Int32Array;
  /** The bound of all dead jobs together. Default: none. */
  readonly deadMemory?: DeadMemoryOptions;
  /** A random number from 0 to below 1, for delays. Default: Math.random. */
  readonly random?: () => number;
  /** With a store: background jobs are answered and assigned at once, and made durable soon afterwards. */
  readonly isRelaxed: boolean;
  /** Functions that differ from `isRelaxed`, by name (Latin-1). Default: none. */
  readonly relaxedOf?: ReadonlyMap<string, boolean>;
  /** The store gets no jobs until shutdown; then it gets every job that it does not have (storing.ts). */
  readonly storesAtEnd?: boolean;
}

/** Counters since start. */
export interface Counters {
  submitted: number;
  coalesced: number;
  refused: number;
  assigned: number;
  completed: number;
  failed: number;
  requeued: number;
  /** Runs that failed and are tried again; dead jobs that were queued again, and those dropped for a limit. */
  retried: number;
  kicked: number;
  readonly deadDropped: DeadDrops;
}

/** Dead jobs that were dropped, by the limit: `dead`, `dead_bytes` and `dead_age` of the policy, `--dead-memory`. */
export interface DeadDrops {
  number: number;
  bytes: number;
  age: number;
  memory: number;
}

/** How background jobs survive the server's end (storing.ts). */
export interface Durability {
  /** Takes a new background job: makes it ready and answers now, or when it is durable. */
  submit(peer: Peer, replyId: number, job: number, startMs: number): void;
  /** A background submit joins a foreground job. False when the job cannot be made durable. */
  keep(job: number): boolean;
  /** The runs of the job have changed; if it waits for its next run, that starts only when this is durable. */
  update(job: number): void;
  /** Whether the job is not durable yet; then that reply to `peer` waits until it is. */
  isAwaited(job: number, peer: Peer, replyId: number): boolean;
}

/** The state that the rules read and change; `Broker` is the only subclass. */
export abstract class BrokerState {
  readonly options: BrokerOptions;
  readonly account: Account;
  readonly outbox: Outbox;
  readonly handles: HandleCodec;
  readonly blobs: BlobStore;
  readonly steps: Steps;
  readonly functions: FunctionTable;
  readonly functionStats: FunctionStats;
  readonly peers = new PeerTable();
  readonly jobs: Jobs;
  readonly waker: Waker;
  readonly uniques: Uniques;
  /** Gates and policies of this shard's functions. */
  readonly settings: SettingsTable = new Map();
  readonly deadMemory: DeadMemory;
  /** Null when background jobs are kept in memory only. */
  abstract readonly storing: Durability | null;
  readonly counters: Counters = {
    submitted: 0,
    coalesced: 0,
    refused: 0,
    assigned: 0,
    completed: 0,
    failed: 0,
    requeued: 0,
    retried: 0,
    kicked: 0,
    deadDropped: { number: 0, bytes: 0, age: 0, memory: 0 },
  };
  /** Jobs that have died since start. */
  deaths = 0;
  /** Scheduled jobs that were started and timeouts that ended, since start. */
  tickedJobs = 0;
  /** The server ends after its last job, and the store keeps the jobs without a client (drain.ts). */
  isDraining = false;
  /** Jobs are being left to the store: nothing is assigned until that is done. */
  isSweeping = false;
  /** A random number from 0 to below 1. */
  readonly random: () => number;
  /** Time of the turn: monotonic for delays and timeouts, wall clock for scheduled jobs only. */
  nowMs = 0;
  wallMs = 0;

  constructor(
    options: BrokerOptions,
    outbox: Outbox,
    handles: HandleCodec,
    blobs: BlobStore,
    memory: MemoryHooks,
  ) {
    this.options = options;
    const { account, random = Math.random } = options;
    this.account = account;
    this.random = random;
    this.outbox = outbox;
    this.handles = handles;
    this.blobs = blobs;
    const { thread, measuredMax = 0, measured = new Int32Array(thread + 1) } = options;
    this.steps = options.steps ?? new Steps();
    this.functions = new FunctionTable(this.steps);
    this.functionStats = new FunctionStats(measuredMax, measured, thread);
    this.deadMemory = new DeadMemory(options.deadMemory ?? null, thread);
    const charged = { ...memory, account };
    this.jobs = new Jobs(this.functions, this.peers, blobs, charged, options.lastSerial);
    const { wakeupDelayMs, wakesPerJob, fewFunctionsMax } = options;
    const { functions, jobs } = this;
    this.waker = new Waker(outbox, functions, jobs, wakeupDelayMs, wakesPerJob, fewFunctionsMax);
    this.uniques = new Uniques(this.jobs, blobs, charged);
  }

  /** Sets the time of the following events. */
  setTime(nowMs: number, wallMs: number): void {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
  }

  /** Whether `peer` holds the job with the handle numbers of this shard. */
  holds(peer: Peer, slot: number, serial: number): boolean {
    const { jobs } = this;
    return (
      jobs.table.isLive(slot, serial) &&
      jobs.state(slot) === Flag.ASSIGNED &&
      jobs.word(slot, Job.WORKER) === peer.index
    );
  }

  /** The function with this name (Latin-1, one character a byte), or null. */
  functionCalled(name: string): FunctionQueue | null {
    const bytes = bytesOf(name);
    const hash = hashBytes(bytes, 0, bytes.length, this.options.hashSeed);
    return this.functions.find(bytes, 0, bytes.length, hash);
  }

  /** The function of that name, added if new; null when --max-functions exist already. */
  functionNamed(
    bytes: Uint8Array,
    start: number,
    count: number,
    hash: number,
  ): FunctionQueue | null {
    const known = this.functions.find(bytes, start, count, hash);
    if (known !== null) return known;
    if (this.functions.count >= this.options.functionsMax) return null;
    return this.addFunction(bytes, start, count, hash);
  }

  /** Adds a function that does not exist yet, regardless of the limit. */
  addFunction(bytes: Uint8Array, start: number, count: number, hash: number): FunctionQueue {
    const fn = this.functions.add(bytes, start, count, hash);
    this.steps.count += FUNCTION_STEPS;
    this.functionStats.open(fn);
    adoptSettings(fn, this.settings, this.nowMs);
    this.account.held += Kept.FUNCTION + nameCost(count);
    return fn;
  }

  /** Forgets a function that has neither jobs nor workers. */
  forgetFunction(fn: FunctionQueue): void {
    this.account.held -= Kept.FUNCTION + nameCost(fn.name.length);
    this.functions.drop(fn);
    this.functionStats.close(fn);
  }

  /** Ends a job: removes it from the index and the table. */
  finish(job: number): void {
    this.uniques.remove(job);
    const fn = this.jobs.functionOf(job);
    fn.gate?.advance(this.nowMs, fn.runnable > 0);
    this.jobs.becomeGone(job);
    // The end of a run may let the next job start.
    if (fn.gate !== null) this.waker.balance(fn, this.nowMs);
  }
}

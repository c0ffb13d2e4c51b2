/**
 * The job server's rules for the functions that one shard owns. Pure: frames and time go in, effects come out through
 * the outbox. Rule: every method is one event, runs to completion and is never re-entered.
 * Source: Gearman PROTOCOL; behaviour of gearmand 1.1.20 and 2.0.
 */
import type { Account } from '../base/account.ts';
import type { Logger } from '../base/logger.ts';
import { ROW_STEPS, Steps } from '../base/steps.ts';
import type { BlobStore, Frame } from '../protocol/frame.ts';
import type { HandleCodec } from '../protocol/handle.ts';
import { parseTimeout } from '../protocol/numbers.ts';
import { Packet } from '../protocol/packets.ts';
import type { Store } from '../store/store.ts';
import { grab } from './assign.ts';
import { Departures } from './departures.ts';
import { FunctionStats } from './function-stats.ts';
import type { FunctionQueue } from './functions.ts';
import { FunctionTable } from './functions.ts';
import { countHeld } from './held-counts.ts';
import { Job } from './job-table.ts';
import type { MemoryHooks } from './jobs.ts';
import { Flag, Jobs } from './jobs.ts';
import { Kept, nameCost } from './kept.ts';
import { LateAssignments } from './late.ts';
import { abandon, canKeep, lose, queue } from './loss.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import { PeerTable, Waking } from './peer.ts';
import { Storing } from './storing.ts';
import { submit } from './submit.ts';
import { Uniques } from './uniques.ts';
import { Waker } from './waking.ts';
import { work } from './work.ts';

/** Timeouts and scheduled jobs that one tick handles: some ten milliseconds. */
const TICK_JOBS_MAX = 10_000;
/** Steps of a turn for what goes on over turns, departures and looks, each. */
const TICK_STEPS = 100_000;

export interface BrokerOptions {
  /** Number of this thread: peers with this home are near. */
  readonly thread: number;
  readonly hashSeed: number;
  /** Serials of jobs start above it. */
  readonly lastSerial: number;
  /** Lost runs before a job fails; -1 = no limit, 0 counts as 1. */
  readonly jobRetries: number;
  /** Names that may exist at a time. */
  readonly functionsMax: number;
  /** What this thread holds. */
  readonly account: Account;
  readonly log: Logger;
  /** Counts the work of the thread. Default: one of its own. */
  readonly steps?: Steps;
  /** Sleepers woken for each runnable job, at least 1. */
  readonly wakesPerJob: number;
  readonly wakeupDelayMs: number;
  /** A peer that offers more functions is woken in another way (waking.ts); for tests. */
  readonly fewFunctionsMax?: number;
  /** gearmand 2.0: the highest priority of all functions first. Else priority counts inside the chosen function. */
  readonly isPriorityGlobal: boolean;
  /** The function served last goes to the end of a worker's order. */
  readonly isRotating: boolean;
  /** Functions of all shards that are counted each by itself, and how many each thread has (tally.ts). Default: none. */
  readonly measuredMax?: number;
  readonly measured?: Int32Array;
  /** With a store: background jobs wait for nothing, they are made durable soon afterwards. */
  readonly isRelaxed: boolean;
  /** The same for single functions, by name (Latin-1). Default: none. */
  readonly relaxedOf?: ReadonlyMap<string, boolean>;
  /** The store is given nothing until the end of the server, and then all that it has not (storing.ts). */
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
}

export class Broker {
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
  readonly departures = new Departures(this);
  readonly uniques: Uniques;
  /** Jobs on their way to the store; null when background jobs are kept in memory only. */
  readonly storing: Storing | null;
  readonly counters: Counters = {
    submitted: 0,
    coalesced: 0,
    refused: 0,
    assigned: 0,
    completed: 0,
    failed: 0,
    requeued: 0,
  };
  /** Scheduled jobs that were started and timeouts that ended, since start. */
  tickedJobs = 0;
  /** The server ends after its last job, and the store keeps what nobody waits for (drain.ts). */
  isDraining = false;
  /** Jobs are being left to the store: nothing is assigned until that is done. */
  isSweeping = false;
  /** Time of the turn: monotonic for delays and timeouts, wall clock for scheduled jobs alone. */
  nowMs = 0;
  wallMs = 0;

  constructor(
    options: BrokerOptions,
    outbox: Outbox,
    handles: HandleCodec,
    blobs: BlobStore,
    memory: MemoryHooks,
    store: Store | null = null,
  ) {
    this.options = options;
    const { account } = options;
    this.account = account;
    this.outbox = outbox;
    this.handles = handles;
    this.blobs = blobs;
    const { thread, measuredMax = 0, measured = new Int32Array(thread + 1) } = options;
    this.steps = options.steps ?? new Steps();
    this.functions = new FunctionTable(this.steps);
    this.functionStats = new FunctionStats(measuredMax, measured, thread);
    const charged = { ...memory, account };
    this.jobs = new Jobs(this.functions, this.peers, blobs, charged, options.lastSerial);
    const { wakeupDelayMs, wakesPerJob, fewFunctionsMax } = options;
    const { functions, jobs } = this;
    this.waker = new Waker(outbox, functions, jobs, wakeupDelayMs, wakesPerJob, fewFunctionsMax);
    this.uniques = new Uniques(this.jobs, blobs, charged);
    this.storing = store === null ? null : new Storing(this, store);
  }

  /** Sets the time of the events that follow. */
  setTime(nowMs: number, wallMs: number): void {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
  }

  addPeer(thread: number, conn: number): Peer {
    const peer = this.peers.add(thread, conn);
    this.account.keep(peer, Kept.PEER);
    return peer;
  }

  /**
   * One packet of `peer` that concerns functions of this shard. The reference of `frame.blob` passes to the broker.
   * Types: SUBMIT_*, GRAB_*, WORK_*, CAN_DO*, CANT_DO, RESET_ABILITIES. `replyId`: of the reply to it, see `Outbox.reply`.
   */
  onFrame(peer: Peer, frame: Frame, replyId: number): void {
    switch (frame.type) {
      case Packet.CAN_DO:
        this.offer(peer, frame, 0);
        break;
      case Packet.CAN_DO_TIMEOUT: {
        const timeoutMs = parseTimeout(frame.bytes, frame.off1, frame.off1 + frame.a1);
        if (timeoutMs >= 0) this.offer(peer, frame, timeoutMs);
        break;
      }
      case Packet.CANT_DO:
        this.withdraw(peer, frame);
        break;
      case Packet.RESET_ABILITIES:
        this.withdrawAll(peer);
        break;
      case Packet.GRAB_JOB:
      case Packet.GRAB_JOB_UNIQ:
      case Packet.GRAB_JOB_ALL:
        grab(this, peer, frame.type, replyId);
        break;
      case Packet.WORK_STATUS:
      case Packet.WORK_COMPLETE:
      case Packet.WORK_FAIL:
      case Packet.WORK_EXCEPTION:
      case Packet.WORK_DATA:
      case Packet.WORK_WARNING:
        work(this, peer, frame);
        break;
      default:
        submit(this, peer, frame, replyId);
    }
    if (frame.blob > 0) this.blobs.blobRelease(frame.blob);
  }

  /** GRAB_* of `type` without a frame: how a grab that is asked around reaches this owner. */
  onGrab(peer: Peer, type: number, replyId: number): void {
    grab(this, peer, type, replyId);
  }

  /** Whether a GRAB of `peer` would get a job now. */
  canServe(peer: Peer): boolean {
    return peer.abilities?.isServed(this.functions) ?? false;
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

  /** PRE_SLEEP; `sleepSerial` counts the peer's sleeps. */
  onSleep(peer: Peer, sleepSerial: number): void {
    this.waker.sleep(peer, sleepSerial, this.nowMs);
  }

  /** The peer grabs elsewhere: it is awake. */
  onAwake(peer: Peer): void {
    if (this.waker.markAwake(peer)) this.waker.balanceAll(peer, this.nowMs);
  }

  /** The connection has ended: its jobs go back, what only it waited for is dropped; over turns when it is very much. */
  onPeerGone(peer: Peer): void {
    const wasWoken = this.waker.markAwake(peer);
    this.departures.add(peer, wasWoken, true);
  }

  /** Something is still to be done turn by turn: counts of workers and jobs are behind, wakes are due. */
  get isBehind(): boolean {
    return this.departures.isPending || this.waker.looks.isPending;
  }

  /**
   * Does what is due, at most TICK_JOBS_MAX jobs of it, so that no turn stalls when very many start at one second.
   * Returns the monotonic time of the next thing to do (in the past when there is more), or Infinity.
   */
  onTick(): number {
    const { jobs, waker } = this;
    let left = TICK_JOBS_MAX;
    for (; left > 0 && jobs.deadlines.peekAt() <= this.nowMs; left--) {
      const job = jobs.deadlines.peekId();
      const worker = jobs.workerOf(job);
      const serial = jobs.table.serial(job);
      worker.late ??= new LateAssignments();
      worker.late.add(serial);
      this.outbox.revoke(worker, serial, true);
      lose(this, job);
    }
    for (; left > 0 && jobs.scheduled.peekAt() <= this.wallMs; left--) {
      const job = jobs.scheduled.peekId();
      jobs.stamp(job, this.nowMs);
      queue(this, job);
    }
    waker.tick(this.nowMs);
    const { count } = this.steps;
    this.departures.run(count + TICK_STEPS);
    waker.look(this.steps.count + TICK_STEPS, this.nowMs);
    this.tickedJobs += TICK_JOBS_MAX - left;
    return this.nextDueMs();
  }

  /** Monotonic time of the next tick that has something to do, or Infinity. */
  nextDueMs(): number {
    if (this.isBehind) return this.nowMs;
    const wall = this.jobs.scheduled.peekAt();
    // The difference first: added to an instant of the wall clock, fractions of the monotonic one would be rounded.
    const scheduled = this.nowMs + (wall - this.wallMs);
    return Math.min(this.jobs.deadlines.peekAt(), this.waker.nextDueMs(), scheduled);
  }

  /** The function of that name, added if new; null when --max-functions are there already. */
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

  /** Adds a function that is not there yet, whatever the limit. */
  addFunction(bytes: Uint8Array, start: number, count: number, hash: number): FunctionQueue {
    const fn = this.functions.add(bytes, start, count, hash);
    this.functionStats.open(fn);
    this.account.held += Kept.FUNCTION + nameCost(count);
    return fn;
  }

  /** Forgets a function that has neither jobs nor workers. */
  forgetFunction(fn: FunctionQueue): void {
    this.account.held -= Kept.FUNCTION + nameCost(fn.name.length);
    this.functions.drop(fn);
    this.functionStats.close(fn);
  }

  /** CAN_DO, CAN_DO_TIMEOUT. `timeoutMs` 0 = none. */
  offer(peer: Peer, frame: Frame, timeoutMs: number): void {
    const fn = this.functionNamed(frame.bytes, frame.off, frame.a0, frame.hash0);
    if (fn === null) {
      this.outbox.close(peer, `CAN_DO: ${this.options.functionsMax} functions exist, the limit`);
      return;
    }
    const known = peer.ability(fn.index);
    if (known === undefined) this.account.keep(peer, Kept.ABILITY);
    const before = known?.registrations ?? 0;
    fn.registrations += peer.offered().add(fn, timeoutMs).registrations - before;
    this.waker.join(peer, fn, this.nowMs);
  }

  /** CANT_DO: all registrations of the name end, jobs of that function are lost to the peer. */
  withdraw(peer: Peer, frame: Frame): void {
    const fn = this.functions.find(frame.bytes, frame.off, frame.a0, frame.hash0);
    if (fn !== null) this.#withdraw(peer, fn);
  }

  withdrawAll(peer: Peer): void {
    if (peer.abilities === null) return;
    if (!peer.isManyFunction) {
      for (const ability of [...peer.abilities.values()]) this.#withdraw(peer, ability.fn);
      return;
    }
    this.departures.add(peer, peer.waking === Waking.woken, false);
    while (peer.heldJob !== 0) this.#revoke(peer, peer.heldJob);
  }

  /** Ends a job: out of the index, out of the table. */
  finish(job: number): void {
    this.uniques.remove(job);
    this.jobs.becomeGone(job);
  }

  #withdraw(peer: Peer, fn: FunctionQueue): void {
    const ability = peer.ability(fn.index);
    if (ability === undefined) return;
    this.waker.leave(peer, fn);
    fn.registrations -= ability.registrations;
    peer.offered().remove(ability);
    this.account.keep(peer, -Kept.ABILITY);
    let left = countHeld(this.jobs, peer, fn, this.steps);
    for (let job = peer.heldJob; left > 0; this.steps.count += ROW_STEPS) {
      const next = this.jobs.word(job, Job.NEXT);
      if (this.jobs.word(job, Job.FUNCTION) === fn.index) {
        this.#revoke(peer, job);
        left--;
      }
      job = next;
    }
    this.waker.balance(fn, this.nowMs);
  }

  #revoke(peer: Peer, job: number): void {
    this.outbox.revoke(peer, this.jobs.table.serial(job), false);
    lose(this, job);
    this.steps.count += ROW_STEPS;
  }

  /** The peer does not wait for the job any more, which is dropped when nobody else does. */
  unwatch(job: number, peer: Peer): void {
    this.jobs.watchers.drop(job, peer);
    if (this.jobs.watchers.count(job) > 0) return;
    if (!this.jobs.has(job, Flag.BACKGROUND)) abandon(this, job);
    else if (this.isDraining && this.jobs.state(job) === Flag.QUEUED && canKeep(this, job))
      this.jobs.becomeKept(job);
  }
}

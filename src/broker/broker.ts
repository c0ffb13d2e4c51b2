/**
 * The job server's rules for the functions that one shard owns. Pure: frames and time go in, effects come out through
 * the outbox. Rule: every method handles one event and runs to its end; no method is called while another one runs.
 * Source: Gearman PROTOCOL; behaviour of gearmand 1.1.20 and 2.0.
 */
import { assert } from '../base/assert.ts';
import { ROW_STEPS } from '../base/steps.ts';
import type { BlobStore, Frame } from '../protocol/frame.ts';
import type { HandleCodec } from '../protocol/handle.ts';
import { parseTimeout } from '../protocol/numbers.ts';
import { KIND } from '../protocol/packet-columns.ts';
import { Kind, Packet } from '../protocol/packets.ts';
import type { Store } from '../store/store.ts';
import { grab } from './assign.ts';
import { timeOut } from './deadlines.ts';
import { Departures } from './departures.ts';
import { dropOldDead, isDeadMemoryFull } from './failures.ts';
import type { FunctionQueue } from './functions.ts';
import { openDueGates } from './gates.ts';
import { countHeld } from './held-counts.ts';
import { Job } from './job-table.ts';
import type { MemoryHooks } from './jobs.ts';
import { Kept } from './kept.ts';
import { lose } from './loss.ts';
import type { Outbox } from './outbox.ts';
import { chooseOwing, settleAll } from './owed.ts';
import { type Peer, Waking } from './peer.ts';
import { queue } from './queue.ts';
import { type BrokerOptions, BrokerState } from './state.ts';
import { Storing } from './storing.ts';
import { submit } from './submit.ts';
import { work } from './work.ts';

/** One tick handles at most so many timeouts and scheduled jobs: some ten milliseconds. */
const TICK_JOBS_MAX = 10_000;
/** How often refused updates are repeated. */
const UNSAVED_MS = 1000;
/** Steps of one turn for each kind of long work: departures and looks. */
const TICK_STEPS = 100_000;

/** The state of one shard and the events that change it. */
export class Broker extends BrokerState {
  readonly departures = new Departures(this);
  /** Jobs on their way to the store; null without one. */
  override readonly storing: Storing | null;

  constructor(
    options: BrokerOptions,
    outbox: Outbox,
    handles: HandleCodec,
    blobs: BlobStore,
    memory: MemoryHooks,
    store: Store | null = null,
  ) {
    super(options, outbox, handles, blobs, memory);
    this.storing = store === null ? null : new Storing(this, store);
  }

  addPeer(thread: number, conn: number): Peer {
    const peer = this.peers.add(thread, conn);
    this.account.keep(peer, Kept.PEER);
    return peer;
  }

  /** What the thread of a peer says of it. */
  onName(peer: Peer, name: string, isParallel: boolean, takesAttempts: boolean): void {
    this.account.keep(peer, name.length - peer.name.length);
    peer.name = name;
    if (isParallel) peer.isParallel = true;
    if (takesAttempts) peer.takesAttempts = true;
  }

  /**
   * Handles a packet of `peer` about functions of this shard. The broker takes over the reference of `frame.blob`.
   * Kinds: submit, grab, work, offer, withdraw, reset. `replyId` is the reply to it, see `Outbox.reply`.
   */
  onFrame(peer: Peer, frame: Frame, replyId: number): void {
    switch (KIND[frame.type]) {
      case Kind.submit:
        submit(this, peer, frame, replyId);
        break;
      case Kind.grab:
        grab(this, peer, frame.type, replyId);
        break;
      case Kind.work:
        work(this, peer, frame);
        break;
      case Kind.offer: {
        const isTimed = frame.type === Packet.CAN_DO_TIMEOUT;
        const timeoutMs = isTimed
          ? parseTimeout(frame.bytes, frame.off1, frame.off1 + frame.a1)
          : 0;
        if (timeoutMs >= 0) this.offer(peer, frame, timeoutMs);
        break;
      }
      case Kind.withdraw:
        this.withdraw(peer, frame);
        break;
      case Kind.reset:
        this.withdrawAll(peer);
        break;
      default:
        assert(false, 'only frames that concern functions reach the broker');
    }
    if (frame.blob > 0) this.blobs.blobRelease(frame.blob);
  }

  /** GRAB_* of `type` without a frame, for a grab that is passed on to this owner. */
  onGrab(peer: Peer, type: number, replyId: number): void {
    grab(this, peer, type, replyId);
  }

  /** Whether a GRAB of `peer` would get a job now. */
  canServe(peer: Peer): boolean {
    if (peer.late?.owesAny === true) return chooseOwing(this, peer, 1, false) !== undefined;
    return peer.abilities?.isServed(this.functions) ?? false;
  }

  /** PRE_SLEEP; `sleepSerial` counts the peer's sleeps. */
  onSleep(peer: Peer, sleepSerial: number): void {
    this.waker.sleep(peer, sleepSerial, this.nowMs);
  }

  /** The peer has sent its grab to another thread, so it is awake. */
  onAwake(peer: Peer): void {
    if (this.waker.markAwake(peer)) this.waker.balanceAll(peer, this.nowMs);
  }

  /**
   * The connection has ended: its jobs are requeued, jobs that only it waited for are dropped; large amounts over
   * several turns.
   */
  onPeerGone(peer: Peer): void {
    const wasWoken = this.waker.markAwake(peer);
    settleAll(peer);
    this.departures.add(peer, wasWoken, true);
  }

  /** True while work is left for later turns: counts of workers and jobs are out of date, or wakes are due. */
  get isBehind(): boolean {
    return this.departures.isPending || this.waker.looks.isPending;
  }

  /**
   * Does what is due, at most TICK_JOBS_MAX jobs, so that a turn does not stall when many start at the same second.
   * Returns the monotonic time at which it is due again (in the past when work is left), or Infinity.
   */
  onTick(): number {
    const { jobs, waker } = this;
    let left = TICK_JOBS_MAX;
    for (; left > 0 && jobs.deadlines.peekAt() <= this.nowMs; left--) {
      const job = jobs.deadlines.peekId();
      timeOut(this, job);
    }
    for (; left > 0 && jobs.retryTimes.peekAt() <= this.nowMs; left--) {
      const job = jobs.retryTimes.peekId();
      jobs.stamp(job, this.nowMs);
      queue(this, job);
    }
    for (; left > 0 && jobs.scheduled.peekAt() <= this.wallMs; left--) {
      const job = jobs.scheduled.peekId();
      jobs.stamp(job, this.nowMs);
      queue(this, job);
    }
    left -= dropOldDead(this, left);
    left -= openDueGates(this, left);
    waker.tick(this.nowMs);
    const { count } = this.steps;
    this.departures.run(count + TICK_STEPS);
    waker.look(this.steps.count + TICK_STEPS, this.nowMs);
    this.tickedJobs += TICK_JOBS_MAX - left;
    return this.nextDueMs();
  }

  /** Monotonic time at which a tick is due, or Infinity. */
  nextDueMs(): number {
    if (this.isBehind || isDeadMemoryFull(this)) return this.nowMs;
    const wall = Math.min(this.jobs.scheduled.peekAt(), this.jobs.deadTimes.peekAt());
    // The difference first: added to wall-clock time, fractions of the monotonic time would be rounded.
    const scheduled = this.nowMs + (wall - this.wallMs);
    // A store that has refused an update may take it then, and says nothing.
    const again = this.storing?.hasUnsaved === true ? this.nowMs + UNSAVED_MS : scheduled;
    const { deadlines, gateOpenings, retryTimes } = this.jobs;
    return Math.min(
      deadlines.peekAt(),
      gateOpenings.peekAt(),
      retryTimes.peekAt(),
      this.waker.nextDueMs(),
      scheduled,
      again,
    );
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

  /** CANT_DO: ends all registrations of the name; the peer loses its jobs of that function. */
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
}

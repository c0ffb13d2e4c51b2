/**
 * A second opinion on one broker: its own small model of queues, orders and holders, told of every change of state as
 * it happens. Checks what no look at the outcome can: FIFO, priority, rotation, why a job was taken back, why it left.
 */
import type { Broker } from '../../../src/broker/broker.ts';
import type { FunctionQueue } from '../../../src/broker/functions.ts';
import { Flag } from '../../../src/broker/jobs.ts';
import type { Peer } from '../../../src/broker/peer.ts';
import type { Frame } from '../../../src/protocol/frame.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { liveFunctions } from '../invariants.ts';
import { handlesOf } from '../server/inspect.ts';
import type { Policies } from '../server/policies.ts';
import { ensure } from '../transcript.ts';
import { GateModel } from './gate-model.ts';
import { QueueModel } from './queue-model.ts';
import { type Next, type Order, orderIn, type RunEnd, RunModel, Runs } from './run-model.ts';
import type { StoreWatch } from './store-watch.ts';
import { WakeWatch } from './wake-watch.ts';

interface Watched {
  readonly serial: number;
  /** Index of its function. */
  readonly fn: number;
  readonly priority: number;
  /** Wall clock; 0 = at once. */
  startMs: number;
  isScheduled: boolean;
  holder: Peer | null;
  /** When its run began. */
  sinceMs: number;
  deadlineMs: number;
  /** The deadline is that of the policy, which may change during the run. */
  isPolicys: boolean;
  /** How much later than `deadlineMs` it may come: whole milliseconds are counted when a policy has changed. */
  slackMs: number;
  readonly runs: Runs;
  /** Who has lost it to a timeout, and the `version` in which a late result still counts; -1 = in none. */
  readonly lateOf: Map<Peer, number>;
  /** Counts its assignments and kicks. */
  version: number;
  /** Runs of it whose final packets a worker owes that may run several jobs at a time: until then it must not get it. */
  readonly owedBy: Map<Peer, number>;
}

/** The call of the broker that is under way. */
type Cause =
  | { readonly kind: 'frame'; readonly peer: Peer; readonly type: number; readonly order: Order }
  | { readonly kind: 'gone' | 'withdraw'; readonly peer: Peer }
  | { readonly kind: 'tick' };

const LEVELS = 3;
const FINAL: readonly number[] = [Packet.WORK_COMPLETE, Packet.WORK_FAIL, Packet.WORK_EXCEPTION];

/** What operators have asked for. */
export interface Asked {
  /** Whether somebody asked to cancel, or to bury, the job with these handles. */
  isCancelAsked(handles: readonly string[]): boolean;
  isBuryAsked(handles: readonly string[]): boolean;
  /** Takes one of the kicks that were asked for; false when none was. */
  takeKick(handles: readonly string[], functionName: string): boolean;
}

export class BrokerWatch {
  readonly #broker: Broker;
  readonly #asked: () => Asked;
  readonly #jobs = new Map<number, Watched>();
  readonly #model = new QueueModel();
  readonly #gates: GateModel;
  readonly #runs: RunModel;
  /** Workers that have asked for a job while they held one here. */
  readonly #parallel = new WeakSet<Peer>();
  /** By worker and serial number: runs lost to timeouts, the oldest first, and whether their final packets are owed. */
  readonly #lateRuns = new WeakMap<Peer, Map<number, boolean[]>>();
  /** The store is being read. */
  #isRestoring = true;
  #cause: Cause | null = null;
  #created = 0;
  #assigned = 0;
  #requeued = 0;
  #ended = 0;
  /** Greatest serial given so far. */
  lastSerial = 0;

  constructor(broker: Broker, asked: () => Asked, policies: Policies, store: StoreWatch | null) {
    this.#broker = broker;
    this.#asked = asked;
    this.#gates = new GateModel(broker, policies);
    this.#runs = new RunModel(broker, this.#gates, store);
    this.#watchCalls();
    this.#watchJobs();
    new WakeWatch(broker, (fn) => this.#openOf(fn));
  }

  /** The store has given back what it kept: those jobs are not new. */
  begin(): void {
    this.#created = 0;
    this.#isRestoring = false;
    for (const [job, { runs }] of this.#jobs) this.#runs.restored(job, runs);
  }

  /** To be called behind a turn: everything that was due by then is done. */
  check(): void {
    const { counters, jobs, nowMs, wallMs } = this.#broker;
    for (const [job, watched] of this.#jobs) {
      const { serial, startMs, isScheduled, runs } = watched;
      this.#renewDeadline(job, watched);
      const { deadlineMs, slackMs } = watched;
      ensure(deadlineMs + slackMs > nowMs, () => `job ${serial} runs beyond its timeout`);
      ensure(
        !isScheduled || startMs > wallMs,
        () => `job ${serial} is kept back at ${wallMs}, until ${startMs}`,
      );
      this.#runs.check(job, runs);
    }
    const { submitted, assigned, requeued, completed, failed, retried, kicked, deadDropped } =
      counters;
    const ours = [this.#created, this.#assigned, this.#requeued, this.#ended, this.#jobs.size];
    ours.push(this.#runs.retried, this.#runs.kicked, ...Object.values(this.#runs.dropped));
    const theirs = [submitted, assigned, requeued, completed + failed, jobs.table.count];
    theirs.push(retried, kicked, ...Object.values(deadDropped));
    ensure(
      String(ours) === String(theirs),
      () =>
        `counters (submitted, assigned, requeued, ended, kept, retried, kicked, dropped) say ${theirs}, recount says ${ours}`,
    );
    for (const fn of liveFunctions(this.#broker)) {
      this.#gates.check(fn, this.#model.waiting(fn.index));
      this.#runs.checkDead(fn.index);
    }
  }

  /** Nothing is under way: the gates of these functions of the broker are what operators want. */
  checkGates(names: readonly string[]): void {
    this.#gates.checkAll(names);
  }

  /** Jobs of a function that may start now; how many its rate lets start is the broker's word. */
  #openOf(fn: FunctionQueue): number {
    const { index } = fn;
    const open = Math.min(this.#model.waiting(index), this.#gates.room(index));
    return this.#gates.hasRate(index) ? Math.min(open, fn.open) : open;
  }

  /** Highest priority of a function that a GRAB could get now. */
  #openLevel(index: number, peer: Peer): number {
    const isClosed =
      this.#gates.room(index) <= 0 ||
      (this.#gates.hasRate(index) && this.#broker.functions.levels[index] === 0);
    return isClosed ? 0 : this.#model.level(index, (serial) => this.#owes(peer, serial));
  }

  /** Whether the worker must not get the job of that serial number. */
  #owes(peer: Peer, serial: number): boolean {
    if (this.#lateRuns.get(peer)?.has(serial) !== true) return false;
    for (const watched of this.#jobs.values())
      if (watched.serial === serial) return (watched.owedBy.get(peer) ?? 0) > 0;
    return false;
  }

  /** A worker has sent a final packet about a job that it does not hold. */
  #noteLateEnd(peer: Peer, frame: Frame): void {
    const { handles, jobs } = this.#broker;
    const isFinal = FINAL.includes(frame.type);
    const end = frame.off + frame.a0;
    const hasNul = frame.a0 > 0 && frame.bytes[end - 1] === 0;
    if (!isFinal || !handles.parse(frame.bytes, frame.off, hasNul ? end - 1 : end)) return;
    const watched = this.#jobs.get(handles.slot);
    if (watched?.serial !== handles.serial || watched.holder === peer) return;
    if (!jobs.table.isLive(handles.slot, handles.serial)) return;
    const runs = watched.owedBy.get(peer) ?? 0;
    const late = this.#lateRuns.get(peer)?.get(watched.serial);
    // The oldest run is the one that ends.
    if (late?.shift() === true) watched.owedBy.set(peer, runs - 1);
  }

  #watchCalls(): void {
    const broker = this.#broker;
    const onFrame = broker.onFrame.bind(broker);
    broker.onFrame = (peer, frame, replyId) => {
      const isGrab =
        frame.type === Packet.GRAB_JOB ||
        frame.type === Packet.GRAB_JOB_UNIQ ||
        frame.type === Packet.GRAB_JOB_ALL;
      const call = () => onFrame(peer, frame, replyId);
      if (!isGrab) this.#noteLateEnd(peer, frame);
      if (isGrab) this.#grab(peer, call);
      else this.#within(this.#causeOf(peer, frame), call);
    };
    const onGrab = broker.onGrab.bind(broker);
    broker.onGrab = (peer, type, replyId) => this.#grab(peer, () => onGrab(peer, type, replyId));
    const onPeerGone = broker.onPeerGone.bind(broker);
    broker.onPeerGone = (peer) => {
      this.#within({ kind: 'gone', peer }, () => onPeerGone(peer));
      this.#model.forget(peer);
    };
    const onTick = broker.onTick.bind(broker);
    broker.onTick = () => this.#within({ kind: 'tick' }, onTick);
    const withdraw = broker.withdraw.bind(broker);
    broker.withdraw = (peer, frame) => {
      const fn = broker.functions.find(frame.bytes, frame.off, frame.a0, frame.hash0);
      this.#within({ kind: 'withdraw', peer }, () => withdraw(peer, frame));
      if (fn !== null) this.#model.withdraw(peer, fn.index);
    };
    const withdrawAll = broker.withdrawAll.bind(broker);
    broker.withdrawAll = (peer) => {
      this.#within({ kind: 'withdraw', peer }, () => withdrawAll(peer));
      this.#model.forget(peer);
    };
    const offer = broker.offer.bind(broker);
    broker.offer = (peer, frame, timeoutMs) => {
      offer(peer, frame, timeoutMs);
      const fn = broker.functions.find(frame.bytes, frame.off, frame.a0, frame.hash0);
      if (fn !== null) this.#model.offer(peer, fn.index);
    };
  }

  #watchJobs(): void {
    const { jobs } = this.#broker;
    const create = jobs.create.bind(jobs);
    jobs.create = (fn, ...rest) => {
      const { total } = fn;
      const job = create(fn, ...rest);
      const serial = jobs.table.serial(job);
      const priority = jobs.priority(job);
      const limit = fn.queueMax[priority] as number;
      ensure(limit === 0 || total < limit, () => `job ${serial} is one more than the limit`);
      ensure(serial > this.lastSerial, () => `serial ${serial} was given before`);
      this.lastSerial = serial;
      if (this.#cause?.kind === 'frame') this.#gates.submitted(fn.index);
      this.#created++;
      this.#jobs.set(job, {
        serial,
        fn: fn.index,
        priority,
        startMs: 0,
        isScheduled: false,
        holder: null,
        sinceMs: 0,
        deadlineMs: Number.POSITIVE_INFINITY,
        isPolicys: false,
        slackMs: 0,
        runs: new Runs(),
        lateOf: new Map(),
        version: 0,
        owedBy: new Map(),
      });
      return job;
    };
    const becomeScheduled = jobs.becomeScheduled.bind(jobs);
    jobs.becomeScheduled = (job, wallMs) => {
      const watched = this.#at(job);
      watched.startMs = wallMs;
      watched.isScheduled = true;
      becomeScheduled(job, wallMs);
    };
    const becomeQueued = jobs.becomeQueued.bind(jobs);
    jobs.becomeQueued = (job) => {
      const state = jobs.state(job);
      this.#queued(job, state);
      becomeQueued(job);
    };
    const becomeAssigned = jobs.becomeAssigned.bind(jobs);
    jobs.becomeAssigned = (job, peer) => {
      this.#assign(job, peer);
      becomeAssigned(job, peer);
    };
    const becomeRetrying = jobs.becomeRetrying.bind(jobs);
    jobs.becomeRetrying = (job, atMs) => {
      if (!this.#isRestoring) this.#retry(job, atMs);
      becomeRetrying(job, atMs);
    };
    const postpone = jobs.postpone.bind(jobs);
    jobs.postpone = (job, atMs) => {
      this.#runs.postpone(job, this.#at(job).runs, atMs);
      postpone(job, atMs);
    };
    const becomeDead = jobs.becomeDead.bind(jobs);
    jobs.becomeDead = (job) => {
      if (!this.#isRestoring) this.#die(job);
      this.#runs.bury(job);
      becomeDead(job);
    };
    const becomeGone = jobs.becomeGone.bind(jobs);
    jobs.becomeGone = (job) => {
      this.#gone(job);
      becomeGone(job);
    };
  }

  #within<T>(cause: Cause, call: () => T): T {
    const before = this.#cause;
    this.#cause = cause;
    const result = call();
    this.#cause = before;
    return result;
  }

  #grab(peer: Peer, call: () => void): void {
    const before = this.#assigned;
    if ([...this.#jobs.values()].some(({ holder }) => holder === peer)) this.#parallel.add(peer);
    this.#within({ kind: 'frame', peer, type: 0, order: null }, call);
    if (this.#assigned > before) return;
    ensure(
      this.#model.order(peer).every((fn) => this.#openLevel(fn, peer) === 0),
      () => 'a grab is refused although a job is runnable',
    );
  }

  #queued(job: number, state: number): void {
    const watched = this.#at(job);
    const { wallMs } = this.#broker;
    if (state === Flag.SCHEDULED)
      ensure(wallMs >= watched.startMs, () => `job runs at ${wallMs}, before ${watched.startMs}`);
    if (state === Flag.ASSIGNED) {
      this.#ensureNext(job, watched, 'queued');
      this.#requeued++;
    }
    if (state === Flag.RETRYING) this.#runs.isDue(job, watched.runs);
    if (state === Flag.DEAD) this.#kick(job, watched);
    watched.isScheduled = false;
    this.#model.queue(watched.fn, watched.priority).push(watched.serial);
  }

  #assign(job: number, peer: Peer): void {
    const watched = this.#at(job);
    const { serial, fn, priority } = watched;
    ensure(watched.holder === null, () => `job ${serial} is handed to a second worker`);
    const queue = this.#model.queue(fn, priority);
    const first = queue.find((waiting) => !this.#owes(peer, waiting));
    ensure(first === serial, () => `job ${serial} is not the first of its queue: ${queue}`);
    const { isPriorityGlobal, isRotating } = this.#broker.options;
    const order = this.#model.order(peer);
    const levelOf = (index: number) => this.#openLevel(index, peer);
    const chosen = this.#model.choose(peer, isPriorityGlobal, levelOf);
    ensure(
      chosen >= 0 && order[chosen] === fn && levelOf(fn) === LEVELS - priority,
      () => `job ${serial} of function ${fn} is not next: order ${order}, place ${chosen}`,
    );
    if (isRotating) this.#model.rotate(peer, chosen);
    queue.splice(queue.indexOf(serial), 1);
    this.#gates.start(fn);
    watched.version++;
    watched.holder = peer;
    watched.sinceMs = this.#broker.nowMs;
    watched.slackMs = 0;
    this.#setDeadline(job, watched);
    this.#assigned++;
  }

  /** The shorter of the worker's timeout and that of the policy, if the policy is about this job. */
  #setDeadline(job: number, watched: Watched): void {
    const workerMs = watched.holder?.ability(watched.fn)?.timeoutMs ?? 0;
    const policyMs = this.#runs.policyOf(job)?.timeoutMs ?? 0;
    watched.isPolicys = policyMs > 0 && (workerMs === 0 || policyMs <= workerMs);
    const timeoutMs = watched.isPolicys ? policyMs : workerMs;
    watched.deadlineMs = watched.sinceMs + (timeoutMs || Number.POSITIVE_INFINITY);
  }

  /** The timeout of the policy that the run began with is over: if it was changed, the new one counts. */
  #renewDeadline(job: number, watched: Watched): void {
    const { isPolicys, deadlineMs, sinceMs } = watched;
    const isOver = deadlineMs <= this.#broker.nowMs;
    if (!isOver || !isPolicys || this.#runs.isTooLong(job, sinceMs)) return;
    this.#setDeadline(job, watched);
    watched.slackMs = 1;
  }

  /** A run has failed, and the job is tried again. */
  #retry(job: number, atMs: number): void {
    const watched = this.#at(job);
    this.#ensureNext(job, watched, 'retrying');
    this.#runs.retry(job, watched.runs, atMs);
  }

  #die(job: number): void {
    const watched = this.#at(job);
    const { serial, fn, priority } = watched;
    const { jobs } = this.#broker;
    if (jobs.state(job) === Flag.ASSIGNED) this.#ensureNext(job, watched, 'dead');
    else
      ensure(
        this.#cause === null &&
          this.#asked().isBuryAsked(handlesOf(this.#broker, job)) &&
          jobs.has(job, Flag.BACKGROUND),
        () => `job ${serial} becomes dead by ${this.#cause?.kind ?? 'an operator'}`,
      );
    this.#ended++;
    watched.isScheduled = false;
    this.#model.remove(fn, priority, serial);
  }

  #kick(job: number, watched: Watched): void {
    const { serial, fn, runs } = watched;
    watched.version++;
    ensure(
      this.#cause === null &&
        this.#asked().takeKick(handlesOf(this.#broker, job), this.#gates.nameOf(fn)),
      () => `dead job ${serial} runs again by ${this.#cause?.kind ?? 'itself'}`,
    );
    this.#gates.submitted(fn);
    this.#runs.kick(job, runs);
  }

  #gone(job: number): void {
    const watched = this.#at(job);
    const { serial, holder, lateOf } = watched;
    const { jobs } = this.#broker;
    const cause = this.#cause;
    const isBackground = jobs.has(job, Flag.BACKGROUND);
    const isIgnored = jobs.has(job, Flag.IGNORED);
    const state = jobs.state(job);
    const why = () => `job ${serial} of state ${state} leaves by ${cause?.kind ?? 'cancel'}`;
    const isCancelled = cause === null && this.#asked().isCancelAsked(handlesOf(this.#broker, job));
    if (state === Flag.DEAD) this.#runs.drop(job, isCancelled);
    else if (cause === null) ensure(isCancelled, why);
    else if (holder === null && cause.kind === 'frame') {
      const endsVersion = lateOf.get(cause.peer) ?? -1;
      const isSwallowed = cause.type !== Packet.WORK_COMPLETE || endsVersion !== watched.version;
      const hasPolicy = this.#runs.policyOf(job) !== null;
      ensure(endsVersion >= 0 && state === Flag.QUEUED && !(hasPolicy && isSwallowed), why);
      this.#ended++;
    } else if (holder === null) ensure(cause.kind === 'gone' && !isBackground, why);
    else {
      this.#ensureNext(job, watched, 'gone');
      if (cause.kind === 'frame' || !isIgnored) this.#ended++;
    }
    this.#model.remove(watched.fn, watched.priority, serial);
    this.#jobs.delete(job);
  }

  /** The run of a job ends, and the job goes there. */
  #ensureNext(job: number, watched: Watched, next: Next): void {
    const end = this.#endRun(job, watched);
    const wanted = this.#runs.next(job, watched.runs, end);
    ensure(
      next === wanted,
      () => `job ${watched.serial} must be ${wanted}, is ${next}, its run is ${end.kind}`,
    );
  }

  /** A worker may lose its job only by leaving, by withdrawing the function, or by taking too long. */
  #endRun(job: number, watched: Watched): RunEnd {
    const cause = this.#cause;
    if (cause?.kind === 'tick') this.#renewDeadline(job, watched);
    const { holder, deadlineMs, slackMs, sinceMs } = watched;
    const isRight =
      holder !== null &&
      cause !== null &&
      (cause.kind === 'tick' ? deadlineMs <= this.#broker.nowMs + slackMs : cause.peer === holder);
    ensure(isRight, () => `job ${watched.serial} is taken from its worker by ${cause?.kind}`);
    this.#gates.end(watched.fn);
    watched.holder = null;
    watched.deadlineMs = Number.POSITIVE_INFINITY;
    if (cause.kind === 'frame')
      return cause.type === Packet.WORK_COMPLETE
        ? { kind: 'done' }
        : { kind: 'failed', order: cause.order };
    if (cause.kind !== 'tick') return { kind: 'lost' };
    const isFailed = watched.isPolicys && this.#runs.isTooLong(job, sinceMs);
    // It may be late with several runs of one job.
    if (!isFailed || !watched.lateOf.has(holder))
      watched.lateOf.set(holder, isFailed ? -1 : watched.version);
    this.#owe(holder, watched);
    return isFailed ? { kind: 'failed', order: null } : { kind: 'lost' };
  }

  #owe(peer: Peer, watched: Watched): void {
    const hasPolicy = this.#gates.runsOf(watched.fn) !== null;
    const isOwed = hasPolicy && (this.#parallel.has(peer) || peer.isParallel);
    const { serial, owedBy } = watched;
    const runs = this.#lateRuns.get(peer) ?? new Map<number, boolean[]>();
    this.#lateRuns.set(peer, runs);
    runs.set(serial, [...(runs.get(serial) ?? []), isOwed]);
    if (isOwed) owedBy.set(peer, (owedBy.get(peer) ?? 0) + 1);
  }

  /** With what the worker says, which the call may free. */
  #causeOf(peer: Peer, frame: Frame): Cause {
    const { type, blob, bytes, data } = frame;
    if (type !== Packet.WORK_EXCEPTION) return { kind: 'frame', peer, type, order: null };
    const count = Math.min(64, frame.dataBytes);
    const text = Buffer.alloc(count);
    if (blob > 0) this.#broker.blobs.blobRead(blob, 0, text, 0, count);
    else if (count > 0) text.set(bytes.subarray(data, data + count));
    return { kind: 'frame', peer, type, order: orderIn(text.toString('latin1')) };
  }

  #at(job: number): Watched {
    const watched = this.#jobs.get(job);
    ensure(watched !== undefined, () => `job ${job} is not alive`);
    return watched;
  }
}

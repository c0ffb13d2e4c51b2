/**
 * A second opinion on one broker: its own small model of queues, orders and holders, told of every change of state as
 * it happens. Checks what no look at the outcome can: FIFO, priority, rotation, why a job was taken back, why it left.
 */
import type { Broker } from '../../../src/broker/broker.ts';
import type { FunctionQueue } from '../../../src/broker/functions.ts';
import { Flag } from '../../../src/broker/jobs.ts';
import type { Peer } from '../../../src/broker/peer.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { liveFunctions } from '../invariants.ts';
import type { Policies } from '../server/policies.ts';
import { ensure } from '../transcript.ts';
import { GateModel } from './gate-model.ts';
import { QueueModel } from './queue-model.ts';
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
  deadlineMs: number;
  losses: number;
  /** Who has lost it to a timeout. */
  readonly lateOf: Set<Peer>;
}

/** The call of the broker that is under way. */
type Cause =
  | { readonly kind: 'frame' | 'gone' | 'withdraw'; readonly peer: Peer }
  | { readonly kind: 'tick' };

const LEVELS = 3;

export class BrokerWatch {
  readonly #broker: Broker;
  /** Whether somebody asked to cancel the job with this serial. */
  readonly #isCancelAsked: (serial: number) => boolean;
  readonly #jobs = new Map<number, Watched>();
  readonly #model = new QueueModel();
  readonly #gates: GateModel;
  #cause: Cause | null = null;
  #created = 0;
  #assigned = 0;
  #requeued = 0;
  #ended = 0;
  /** Greatest serial given so far. */
  lastSerial = 0;

  constructor(broker: Broker, isCancelAsked: (serial: number) => boolean, policies: Policies) {
    this.#broker = broker;
    this.#isCancelAsked = isCancelAsked;
    this.#gates = new GateModel(broker, policies);
    this.#watchCalls();
    this.#watchJobs();
    new WakeWatch(broker, (fn) => this.#openOf(fn));
  }

  /** The store has given back what it kept: those jobs are not new. */
  begin(): void {
    this.#created = 0;
  }

  /** To be called behind a turn: everything that was due by then is done. */
  check(): void {
    const { counters, jobs, nowMs, wallMs } = this.#broker;
    for (const { serial, deadlineMs, startMs, isScheduled } of this.#jobs.values()) {
      ensure(deadlineMs > nowMs, () => `job ${serial} runs beyond its timeout`);
      ensure(
        !isScheduled || startMs > wallMs,
        () => `job ${serial} is kept back at ${wallMs}, until ${startMs}`,
      );
    }
    const { submitted, assigned, requeued, completed, failed } = counters;
    const ours = [this.#created, this.#assigned, this.#requeued, this.#ended, this.#jobs.size];
    const theirs = [submitted, assigned, requeued, completed + failed, jobs.table.count];
    ensure(
      String(ours) === String(theirs),
      () =>
        `counters (submitted, assigned, requeued, ended, live) say ${theirs}, recount says ${ours}`,
    );
    for (const fn of liveFunctions(this.#broker))
      this.#gates.check(fn, this.#model.waiting(fn.index));
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
  readonly #openLevel = (index: number): number => {
    const isClosed =
      this.#gates.room(index) <= 0 ||
      (this.#gates.hasRate(index) && this.#broker.functions.levels[index] === 0);
    return isClosed ? 0 : this.#model.level(index);
  };

  #watchCalls(): void {
    const broker = this.#broker;
    const onFrame = broker.onFrame.bind(broker);
    broker.onFrame = (peer, frame, replyId) => {
      const isGrab =
        frame.type === Packet.GRAB_JOB ||
        frame.type === Packet.GRAB_JOB_UNIQ ||
        frame.type === Packet.GRAB_JOB_ALL;
      const call = () => onFrame(peer, frame, replyId);
      if (isGrab) this.#grab(peer, call);
      else this.#within({ kind: 'frame', peer }, call);
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
        deadlineMs: Number.POSITIVE_INFINITY,
        losses: 0,
        lateOf: new Set(),
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
    this.#within({ kind: 'frame', peer }, call);
    if (this.#assigned > before) return;
    ensure(
      this.#model.order(peer).every((fn) => this.#openLevel(fn) === 0),
      () => 'a grab is refused although a job is runnable',
    );
  }

  #queued(job: number, state: number): void {
    const watched = this.#at(job);
    const { options, nowMs, wallMs } = this.#broker;
    if (state === Flag.SCHEDULED)
      ensure(wallMs >= watched.startMs, () => `job runs at ${wallMs}, before ${watched.startMs}`);
    if (state === Flag.ASSIGNED) {
      this.#ensureLost(job, watched, nowMs);
      watched.losses++;
      this.#requeued++;
      ensure(
        !isSpent(options.jobRetries, watched.losses),
        () => 'a job has more runs than allowed',
      );
    }
    watched.isScheduled = false;
    this.#model.queue(watched.fn, watched.priority).push(watched.serial);
  }

  #assign(job: number, peer: Peer): void {
    const watched = this.#at(job);
    const { serial, fn, priority } = watched;
    ensure(watched.holder === null, () => `job ${serial} is handed to a second worker`);
    const queue = this.#model.queue(fn, priority);
    ensure(queue[0] === serial, () => `job ${serial} is not the first of its queue: ${queue}`);
    const { isPriorityGlobal, isRotating } = this.#broker.options;
    const order = this.#model.order(peer);
    const chosen = this.#model.choose(peer, isPriorityGlobal, this.#openLevel);
    ensure(
      chosen >= 0 && order[chosen] === fn && this.#model.level(fn) === LEVELS - priority,
      () => `job ${serial} of function ${fn} is not next: order ${order}, place ${chosen}`,
    );
    if (isRotating) this.#model.rotate(peer, chosen);
    queue.shift();
    this.#gates.start(fn);
    watched.holder = peer;
    const timeoutMs = peer.ability(fn)?.timeoutMs ?? 0;
    watched.deadlineMs = timeoutMs > 0 ? this.#broker.nowMs + timeoutMs : Number.POSITIVE_INFINITY;
    this.#assigned++;
  }

  #gone(job: number): void {
    const watched = this.#at(job);
    const { jobs, options, nowMs } = this.#broker;
    const cause = this.#cause;
    const isBackground = jobs.has(job, Flag.BACKGROUND);
    const isIgnored = jobs.has(job, Flag.IGNORED);
    const why = () => `job ${watched.serial} leaves by ${cause?.kind ?? 'cancel'}`;
    if (cause === null) ensure(this.#isCancelAsked(watched.serial), why);
    else if (watched.holder === null && cause.kind === 'frame') {
      ensure(watched.lateOf.has(cause.peer), why);
      this.#ended++;
    } else if (watched.holder === null) ensure(cause.kind === 'gone' && !isBackground, why);
    else if (cause.kind === 'frame') {
      ensure(cause.peer === watched.holder, why);
      this.#gates.end(watched.fn);
      this.#ended++;
    } else {
      this.#ensureLost(job, watched, nowMs);
      ensure(isIgnored || isSpent(options.jobRetries, watched.losses + 1), why);
      if (!isIgnored) this.#ended++;
    }
    this.#model.remove(watched.fn, watched.priority, watched.serial);
    this.#jobs.delete(job);
  }

  /** A worker may lose its job only by leaving, by withdrawing the function, or by taking too long. */
  #ensureLost(job: number, watched: Watched, nowMs: number): void {
    const cause = this.#cause;
    const isRight =
      watched.holder !== null &&
      (cause?.kind === 'tick'
        ? watched.deadlineMs <= nowMs
        : (cause?.kind === 'gone' || cause?.kind === 'withdraw') && cause.peer === watched.holder);
    ensure(isRight, () => `job ${job} is taken from its worker by ${cause?.kind}`);
    if (cause?.kind === 'tick') watched.lateOf.add(watched.holder as Peer);
    this.#gates.end(watched.fn);
    watched.holder = null;
    watched.deadlineMs = Number.POSITIVE_INFINITY;
  }

  #at(job: number): Watched {
    const watched = this.#jobs.get(job);
    ensure(watched !== undefined, () => `job ${job} is not alive`);
    return watched;
  }
}

function isSpent(jobRetries: number, losses: number): boolean {
  return jobRetries >= 0 && losses >= Math.max(1, jobRetries);
}

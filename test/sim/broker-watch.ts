/**
 * A second opinion on one broker: its own small model of queues, orders and holders, told of every change of state as
 * it happens. Checks what no look at the outcome can: FIFO, priority, rotation, who was woken and why, why a job left.
 */
import type { Ability } from '../../src/broker/abilities.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { Flag } from '../../src/broker/jobs.ts';
import { type Peer, Waking } from '../../src/broker/peer.ts';
import { Packet } from '../../src/protocol/packets.ts';
import { ensure } from './transcript.ts';

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
  /** Serials of waiting jobs by function and priority, first to run first. */
  readonly #queues = new Map<number, number[][]>();
  /** Functions in the order in which a GRAB of the peer looks at them. */
  readonly #orders = new Map<Peer, number[]>();
  /** When each ability came among the sleepers of its function. */
  readonly #sleptAt = new WeakMap<Ability, number>();
  #sleeps = 0;
  #cause: Cause | null = null;
  #created = 0;
  #assigned = 0;
  #requeued = 0;
  #ended = 0;
  /** Greatest serial given so far. */
  lastSerial = 0;

  constructor(broker: Broker, isCancelAsked: (serial: number) => boolean) {
    this.#broker = broker;
    this.#isCancelAsked = isCancelAsked;
    this.#watchCalls();
    this.#watchJobs();
    this.#watchWaking();
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
  }

  #watchCalls(): void {
    const broker = this.#broker;
    const onFrame = broker.onFrame.bind(broker);
    broker.onFrame = (peer, frame) => {
      const isGrab =
        frame.type === Packet.GRAB_JOB ||
        frame.type === Packet.GRAB_JOB_UNIQ ||
        frame.type === Packet.GRAB_JOB_ALL;
      const call = () => onFrame(peer, frame);
      if (isGrab) this.#grab(peer, call);
      else this.#within({ kind: 'frame', peer }, call);
    };
    const onGrab = broker.onGrab.bind(broker);
    broker.onGrab = (peer, type) => this.#grab(peer, () => onGrab(peer, type));
    const onPeerGone = broker.onPeerGone.bind(broker);
    broker.onPeerGone = (peer) => {
      this.#within({ kind: 'gone', peer }, () => onPeerGone(peer));
      this.#orders.delete(peer);
    };
    const onTick = broker.onTick.bind(broker);
    broker.onTick = () => this.#within({ kind: 'tick' }, onTick);
    const withdraw = broker.withdraw.bind(broker);
    broker.withdraw = (peer, frame) => {
      const fn = broker.functions.find(frame.bytes, frame.off, frame.a0, frame.hash0);
      this.#within({ kind: 'withdraw', peer }, () => withdraw(peer, frame));
      const order = this.#orders.get(peer) ?? [];
      this.#orders.set(
        peer,
        order.filter((index) => index !== fn?.index),
      );
    };
    const withdrawAll = broker.withdrawAll.bind(broker);
    broker.withdrawAll = (peer) => {
      this.#within({ kind: 'withdraw', peer }, () => withdrawAll(peer));
      this.#orders.delete(peer);
    };
    const offer = broker.offer.bind(broker);
    broker.offer = (peer, frame, timeoutMs) => {
      offer(peer, frame, timeoutMs);
      const fn = broker.functions.find(frame.bytes, frame.off, frame.a0, frame.hash0);
      if (fn === null) return;
      this.#orders.set(peer, [fn.index, ...(this.#orders.get(peer) ?? [])]);
      const ability = peer.ability(fn.index);
      if (ability?.isListed && !this.#sleptAt.has(ability))
        this.#sleptAt.set(ability, ++this.#sleeps);
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

  #watchWaking(): void {
    const broker = this.#broker;
    const onSleep = broker.onSleep.bind(broker);
    broker.onSleep = (peer, sleepSerial) => {
      for (const ability of peer.abilities?.values() ?? [])
        if (!ability.isListed) this.#sleptAt.set(ability, ++this.#sleeps);
      onSleep(peer, sleepSerial);
    };
    const wake = broker.outbox.wake.bind(broker.outbox);
    broker.outbox.wake = (peer) => {
      this.#wake(peer);
      wake(peer);
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
    const order = this.#orders.get(peer) ?? [];
    ensure(
      order.every((fn) => this.#level(fn) === 0),
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
    this.#queue(watched.fn, watched.priority).push(watched.serial);
  }

  #assign(job: number, peer: Peer): void {
    const watched = this.#at(job);
    const { serial, fn, priority } = watched;
    ensure(watched.holder === null, () => `job ${serial} is handed to a second worker`);
    ensure(
      this.#queue(fn, priority)[0] === serial,
      () => `job ${serial} is not the first of its queue: ${this.#queue(fn, priority)}`,
    );
    const order = this.#orders.get(peer) ?? [];
    const chosen = this.#choose(order);
    ensure(
      chosen >= 0 && order[chosen] === fn && this.#level(fn) === LEVELS - priority,
      () => `job ${serial} of function ${fn} is not next: order ${order}, place ${chosen}`,
    );
    if (this.#broker.options.isRotating) order.push(...order.splice(chosen, 1));
    this.#queue(fn, priority).shift();
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
    else if (watched.holder === null) ensure(cause.kind === 'gone' && !isBackground, why);
    else if (cause.kind === 'frame') {
      ensure(cause.peer === watched.holder, why);
      this.#ended++;
    } else {
      this.#ensureLost(job, watched, nowMs);
      ensure(isIgnored || isSpent(options.jobRetries, watched.losses + 1), why);
      if (!isIgnored) this.#ended++;
    }
    this.#unqueue(watched);
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
    watched.holder = null;
    watched.deadlineMs = Number.POSITIVE_INFINITY;
  }

  #unqueue(watched: Watched): void {
    const queue = this.#queue(watched.fn, watched.priority);
    const at = queue.indexOf(watched.serial);
    if (at >= 0) queue.splice(at, 1);
  }

  /** A peer is woken only when one of its functions asks for it, and only as the longest sleeper there. */
  #wake(peer: Peer): void {
    const { wakesPerJob } = this.#broker.options;
    ensure(peer.waking === Waking.woken, () => 'a peer that does not sleep is woken');
    const reasons = [...(peer.abilities?.values() ?? [])].filter(
      ({ fn }) => fn.woken - 1 < fn.runnable * wakesPerJob,
    );
    ensure(reasons.length > 0, () => 'a peer is woken that no job asks for');
    ensure(
      reasons.some((ability) => this.#isLongest(ability)),
      () => 'a peer is woken although another one sleeps longer',
    );
  }

  #isLongest(ability: Ability): boolean {
    const since = this.#sleptAt.get(ability) ?? Number.POSITIVE_INFINITY;
    for (let other = ability.fn.firstSleeper; other !== null; other = other.next)
      if ((this.#sleptAt.get(other) ?? Number.POSITIVE_INFINITY) <= since) return false;
    return true;
  }

  /** Place in `order` of the entry that a GRAB is served from, or -1. */
  #choose(order: readonly number[]): number {
    const levels = order.map((fn) => this.#level(fn));
    const best = this.#broker.options.isPriorityGlobal ? Math.max(...levels) : 0;
    return levels.findIndex((level) => level > 0 && level >= best);
  }

  /** 0 nothing runnable, 1 low, 2 normal, 3 high. */
  #level(fn: number): number {
    const queues = this.#queues.get(fn) ?? [];
    const priority = queues.findIndex((queue) => queue.length > 0);
    return priority < 0 ? 0 : LEVELS - priority;
  }

  #queue(fn: number, priority: number): number[] {
    const queues = this.#queues.get(fn) ?? [[], [], []];
    this.#queues.set(fn, queues);
    return queues[priority] as number[];
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

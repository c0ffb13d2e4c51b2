/**
 * Background jobs on their way to the store. A job that must be durable first is not assignable and wakes no worker.
 * The clients that submitted or joined it get JOB_CREATED when the store has it, or QUEUE_ERROR when it could not be
 * stored. Rule: everything else about a job is the same with and without a store.
 *
 * With `storesAtEnd` jobs are answered at once and stay in memory; at the end of the server they are stored, one by
 * one in the order of their submits.
 */
import { latin1 } from '../base/bytes.ts';
import { Errors } from '../protocol/errors.ts';
import type { Store, Ticket } from '../store/store.ts';
import { retryWaitMs } from './failures.ts';
import type { FunctionQueue } from './functions.ts';
import { Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { abandon } from './loss.ts';
import type { Peer } from './peer.ts';
import type { BrokerState, Durability } from './state.ts';
import { storedJob } from './stored-job.ts';
import { makeReady, refuse, replyCreated } from './submit.ts';

/**
 * One event answers at least so many durable jobs. This takes some dozens of microseconds, so foreground jobs are not
 * delayed. When more than eight times as many wait, the event answers an eighth of them, so that the queue cannot grow
 * without end.
 */
const ANSWERED_MIN = 48;

/** Finished `Pending` objects that are kept for reuse. */
const SPARE_MAX = 4096;

/** A job that is not durable yet, and the replies that wait for it. The job may end before it is durable. */
class Pending {
  job = 0;
  serial = 0;
  startMs = 0;
  /**
   * True: replies wait for the job. False: it was answered before, and continues even if it does not become durable.
   */
  isAwaited = false;
  /** The job is stored already; its runs have changed. */
  isUpdate = false;
  /** The peer that submitted it; peers that joined it are rare and have a list. */
  peer: Peer | null = null;
  replyId = 0;
  others: { readonly peer: Peer; readonly replyId: number }[] | null = null;
}

export class Storing implements Durability {
  readonly #broker: BrokerState;
  readonly #store: Store;
  /**
   * Pending jobs by ticket. In the row of a job without a worker, the worker's word has the ticket. A map by job and a
   * new object for each job would be slow: V8 promotes objects that live through a commit, and those that a busy map
   * drops.
   */
  readonly #pending: (Pending | undefined)[] = [undefined];
  readonly #freeTickets: Ticket[] = [];
  /** Tickets of foreground jobs that a background submit has joined: rare. */
  readonly #joined = new Map<number, Ticket>();
  /** Durable jobs; those before `#answered` are answered. */
  readonly #stored: Ticket[] = [];
  #answered = 0;
  /** Whether a function is relaxed, once its options were looked up. */
  readonly #relaxed = new WeakMap<FunctionQueue, boolean>();
  /** Jobs, with their serials, whose changed runs the store has refused so far. */
  readonly #unsaved = new Map<number, number>();

  constructor(broker: BrokerState, store: Store) {
    this.#broker = broker;
    this.#store = store;
    broker.jobs.onForget = (job, reference) => {
      this.#drop(job);
      store.forget(reference);
    };
  }

  /** A new background job: makes it ready and answers now (relaxed) or when it is durable. */
  submit(peer: Peer, replyId: number, job: number, startMs: number): void {
    const broker = this.#broker;
    const serial = broker.jobs.table.serial(job);
    const isLate = broker.options.storesAtEnd === true;
    const isAwaited = !isLate && !this.#isRelaxed(job);
    const ticket = isLate ? 0 : this.#append(job, startMs, isAwaited);
    if (ticket === 0 && !isLate) {
      broker.finish(job);
      refuse(broker, peer, replyId, Errors.queueError);
      return;
    }
    broker.counters.submitted++;
    if (!isAwaited) {
      makeReady(broker, job, startMs);
      replyCreated(broker, peer, replyId, job, serial);
      return;
    }
    broker.jobs.becomeStoring(job);
    broker.jobs.setWord(job, Job.WORKER, ticket);
    this.#wait(ticket, peer, replyId);
  }

  /** A background submit joins a foreground job, which must become durable. False when the store does not take it. */
  keep(job: number): boolean {
    const { jobs, options } = this.#broker;
    if (options.storesAtEnd === true || jobs.has(job, Flag.STORED)) return true;
    const isAwaited = !this.#isRelaxed(job);
    const ticket = this.#append(job, 0, isAwaited);
    if (ticket !== 0 && isAwaited) this.#joined.set(job, ticket);
    return ticket !== 0;
  }

  /** Background jobs that the store does not have, in the order of their submits. Sorts all of them. */
  unstored(): number[] {
    const { jobs } = this.#broker;
    const found: number[] = [];
    for (let job = jobs.table.next(0); job !== 0; job = jobs.table.next(job))
      if (jobs.has(job, Flag.BACKGROUND) && !jobs.has(job, Flag.STORED)) found.push(job);
    return found.sort((a, b) => jobs.table.serial(a) - jobs.table.serial(b));
  }

  /** Hands over a job that was answered long ago. False when the store does not take it now. */
  storeLate(job: number): boolean {
    const { scheduled } = this.#broker.jobs;
    return this.#append(job, scheduled.has(job) ? scheduled.atOf(job) : 0, false) !== 0;
  }

  /** Whether the job is not durable yet; then the reply to `peer` waits until it is. */
  isAwaited(job: number, peer: Peer, replyId: number): boolean {
    const ticket = this.#ticketOf(job);
    if (ticket === 0) return false;
    this.#wait(ticket, peer, replyId);
    return true;
  }

  /**
   * Answers jobs that have become durable or could not be stored, in one event. False when more durable jobs are left
   * than one event should answer. Jobs that could not be stored are all answered at once, because their references are
   * invalid.
   */
  answerDurable(): boolean {
    this.#store.takeOutcomes((ticket, isStored) => {
      if (isStored) this.#stored.push(ticket);
      else this.#endWait(ticket, false);
    });
    if (this.hasUnsaved) this.updateAgain();
    const stored = this.#stored;
    const count = Math.max(ANSWERED_MIN, (stored.length - this.#answered) >> 3);
    const end = Math.min(stored.length, this.#answered + count);
    while (this.#answered < end) this.#endWait(stored[this.#answered++] as Ticket, true);
    if (2 * end >= stored.length) {
      stored.splice(0, end);
      this.#answered = 0;
    }
    return stored.length === 0;
  }

  /**
   * The runs of a stored job have changed. The time of its next run begins to count when that is durable, so that after
   * a crash no run is tried again that the store does not know of.
   */
  update(job: number): void {
    const { jobs } = this.#broker;
    if (!jobs.has(job, Flag.STORED)) return;
    const ticket = this.#tryUpdate(job);
    if (ticket === 0) this.#unsaved.set(job, jobs.table.serial(job));
    if (jobs.state(job) !== Flag.RETRYING) return;
    jobs.setWord(job, Job.WORKER, ticket);
    jobs.postpone(job, Number.POSITIVE_INFINITY);
  }

  /** Whether the store has refused updates, which are to be repeated. */
  get hasUnsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  /** Repeats updates that the store refused, until it refuses one. Returns whether all are taken. */
  updateAgain(): boolean {
    const { jobs } = this.#broker;
    for (const [job, serial] of this.#unsaved) {
      const isStored = jobs.table.isLive(job, serial) && jobs.has(job, Flag.STORED);
      const ticket = isStored ? this.#tryUpdate(job) : 0;
      if (isStored && ticket === 0) return false;
      this.#unsaved.delete(job);
      if (isStored && jobs.state(job) === Flag.RETRYING) jobs.setWord(job, Job.WORKER, ticket);
    }
    return true;
  }

  /** Hands the job with its runs to the store; returns its ticket, or 0 when the store takes nothing now. */
  #tryUpdate(job: number): Ticket {
    const ticket = this.#freeTickets.pop() ?? this.#pending.length;
    const kept = storedJob(this.#broker, job, 0);
    const reference = this.#broker.jobs.referenceOf(job);
    if (!this.#store.update(kept, reference, ticket, false)) {
      this.#freeTickets.push(ticket);
      return 0;
    }
    this.#remember(ticket, job, 0).isUpdate = true;
    return ticket;
  }

  /** Appends the job to the store; returns its ticket, or 0 when the store takes nothing now. */
  #append(job: number, startMs: number, isAwaited: boolean): Ticket {
    const { jobs } = this.#broker;
    const ticket = this.#freeTickets.pop() ?? this.#pending.length;
    const kept = storedJob(this.#broker, job, startMs);
    const reference = this.#store.append(kept, ticket, isAwaited);
    if (reference === 0) {
      this.#freeTickets.push(ticket);
      return 0;
    }
    jobs.setReference(job, reference);
    this.#remember(ticket, job, startMs).isAwaited = isAwaited;
    return ticket;
  }

  #remember(ticket: Ticket, job: number, startMs: number): Pending {
    const pending = this.#pending[ticket] ?? new Pending();
    this.#pending[ticket] = pending;
    pending.job = job;
    pending.serial = this.#broker.jobs.table.serial(job);
    pending.startMs = startMs;
    pending.isAwaited = false;
    pending.isUpdate = false;
    return pending;
  }

  /** The next run may start after what is left of its delay, unless a later failure is not durable yet. */
  #letRetry(job: number, ticket: Ticket): void {
    const { jobs, nowMs } = this.#broker;
    if (jobs.state(job) === Flag.RETRYING && jobs.word(job, Job.WORKER) === ticket)
      jobs.postpone(job, nowMs + retryWaitMs(this.#broker, job));
  }

  /** The ticket of a job that replies wait for; 0 when none does. */
  #ticketOf(job: number): Ticket {
    const { jobs } = this.#broker;
    return jobs.state(job) === Flag.STORING
      ? jobs.word(job, Job.WORKER)
      : (this.#joined.get(job) ?? 0);
  }

  /**
   * The job no longer waits for the store, and no more replies wait for it. A job that was being stored leaves that
   * state in the same event.
   */
  #drop(job: number): void {
    const { jobs } = this.#broker;
    if (jobs.state(job) !== Flag.STORING) {
      this.#joined.delete(job);
      return;
    }
    jobs.setWord(job, Job.WORKER, 0);
  }

  #isRelaxed(job: number): boolean {
    const { jobs, options } = this.#broker;
    if (options.relaxedOf === undefined) return options.isRelaxed;
    const fn = jobs.functionOf(job);
    const known = this.#relaxed.get(fn);
    if (known !== undefined) return known;
    const isRelaxed =
      options.relaxedOf.get(latin1(fn.name, 0, fn.name.length)) ?? options.isRelaxed;
    this.#relaxed.set(fn, isRelaxed);
    return isRelaxed;
  }

  /** Lets the reply to `peer` wait for the store; it reserves its place in the order of replies now. */
  #wait(ticket: Ticket, peer: Peer, replyId: number): void {
    const pending = this.#pending[ticket] as Pending;
    const id = replyId === 0 ? this.#broker.outbox.reserveReply(peer) : replyId;
    if (pending.peer === null) {
      pending.peer = peer;
      pending.replyId = id;
    } else {
      pending.others ??= [];
      pending.others.push({ peer, replyId: id });
    }
  }

  #endWait(ticket: Ticket, isStored: boolean): void {
    const { jobs } = this.#broker;
    const pending = this.#pending[ticket] as Pending;
    const { job, serial } = pending;
    const isLive = jobs.table.isLive(job, serial);
    if (pending.isUpdate) {
      if (isLive) this.#letRetry(job, ticket);
      this.#release(ticket, pending);
      return;
    }
    if (isLive && this.#ticketOf(job) === ticket) this.#drop(job);
    if (!isStored && isLive) this.#giveUp(pending);
    this.#answer(pending, isStored);
    if (isStored && isLive && jobs.state(job) === Flag.STORING)
      makeReady(this.#broker, job, pending.startMs);
    this.#release(ticket, pending);
  }

  #release(ticket: Ticket, pending: Pending): void {
    pending.peer = null;
    pending.others = null;
    if (this.#freeTickets.length >= SPARE_MAX) this.#pending[ticket] = undefined;
    this.#freeTickets.push(ticket);
  }

  #answer(pending: Pending, isStored: boolean): void {
    if (pending.peer === null) return;
    this.#reply(pending, pending.peer, pending.replyId, isStored);
    if (pending.others === null) return;
    for (const { peer, replyId } of pending.others) this.#reply(pending, peer, replyId, isStored);
  }

  #reply({ job, serial }: Pending, peer: Peer, replyId: number, isStored: boolean): void {
    const broker = this.#broker;
    if (isStored) replyCreated(broker, peer, replyId, job, serial);
    else refuse(broker, peer, replyId, Errors.queueError);
    broker.outbox.finishReply(peer);
  }

  /**
   * The store could not keep the job. An unacknowledged job is discarded; a foreground job that a submit had joined
   * continues as before; a job that was answered before stays in memory.
   */
  #giveUp({ job, isAwaited }: Pending): void {
    const { jobs } = this.#broker;
    jobs.clearFlag(job, Flag.STORED);
    if (!isAwaited) return;
    if (jobs.state(job) === Flag.STORING) {
      this.#broker.finish(job);
      return;
    }
    jobs.clearFlag(job, Flag.BACKGROUND);
    if (jobs.watchers.count(job) === 0) abandon(this.#broker, job);
  }
}

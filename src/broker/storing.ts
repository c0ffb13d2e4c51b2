/**
 * Background jobs on their way to the store. A job that must be durable first is offered to nobody and wakes nobody,
 * and whoever submitted it, or joined it meanwhile, hears JOB_CREATED when the store has it and QUEUE_ERROR when it
 * could not be stored. Rule: all else about a job is the same with and without a store.
 *
 * With `storesAtEnd` jobs are answered at once and stay in memory; at the end of the server they are stored, one by one
 * in the order of their submits.
 */
import { latin1 } from '../base/bytes.ts';
import { Errors } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';
import type { Broker } from './broker.ts';
import type { FunctionQueue } from './functions.ts';
import { Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { abandon } from './loss.ts';
import type { Peer } from './peer.ts';
import { storedJob } from './stored-job.ts';
import { makeReady, refuse, replyCreated } from './submit.ts';

/** Durable jobs that one event answers: some tenths of a millisecond. Of more than twice as many, half: it must keep up. */
const ANSWERED_MIN = 256;

/** A job that is not durable yet, and the replies that wait for it. It may end before it is. */
class Pending {
  readonly job: number;
  readonly serial: number;
  readonly startMs: number;
  /** False: it was answered before, and is a job of this server whatever becomes of it. */
  readonly isAwaited: boolean;
  /** Who submitted it, and further peers that joined it meanwhile: rare, so they have a list of their own. */
  peer: Peer | null = null;
  place = 0;
  others: { readonly peer: Peer; readonly place: number }[] | null = null;

  constructor(job: number, serial: number, startMs: number, isAwaited: boolean) {
    this.job = job;
    this.serial = serial;
    this.startMs = startMs;
    this.isAwaited = isAwaited;
  }
}

export class Storing {
  readonly #broker: Broker;
  readonly #store: Store;
  /**
   * Those whose jobs nobody has yet, by the number, from 1 on, that a job's row has in place of a worker. No map by job:
   * V8 keeps what a busy map has dropped alive through the map's older tables, and copies it in every collection.
   */
  readonly #awaited: (Pending | null)[] = [null];
  readonly #freeNumbers: number[] = [];
  /** Those of foreground jobs that went on when a background submit had joined them: rare. */
  readonly #joined = new Map<number, Pending>();
  /** Durable, not answered yet. */
  readonly #stored: Pending[] = [];
  /** What the options say of functions, once it was looked up. */
  readonly #relaxed = new WeakMap<FunctionQueue, boolean>();

  constructor(broker: Broker, store: Store) {
    this.#broker = broker;
    this.#store = store;
    broker.jobs.onForget = (job, reference) => {
      this.#drop(job);
      store.forget(reference);
    };
  }

  /** A new background job: it gets ready and is answered now (relaxed) or when it is durable. */
  submit(peer: Peer, job: number, startMs: number): void {
    const broker = this.#broker;
    const serial = broker.jobs.table.serial(job);
    const isLate = broker.options.storesAtEnd === true;
    const pending = isLate ? null : this.#append(job, startMs, !this.#isRelaxed(job));
    if (pending === null && !isLate) {
      broker.finish(job);
      refuse(broker, peer, Errors.queueError);
      return;
    }
    broker.counters.submitted++;
    if (pending === null || !pending.isAwaited) {
      makeReady(broker, job, startMs);
      replyCreated(broker, peer, job, serial);
      return;
    }
    broker.jobs.becomeStoring(job);
    const number = this.#freeNumbers.pop() ?? this.#awaited.length;
    this.#awaited[number] = pending;
    broker.jobs.setWord(job, Job.WORKER, number);
    this.#wait(pending, peer);
  }

  /** A foreground job that a background submit joins must last from now on. False when the store does not take it. */
  keep(job: number): boolean {
    const { jobs, options } = this.#broker;
    if (options.storesAtEnd === true || jobs.has(job, Flag.STORED)) return true;
    const pending = this.#append(job, 0, !this.#isRelaxed(job));
    if (pending?.isAwaited) this.#joined.set(job, pending);
    return pending !== null;
  }

  /** Background jobs that the store does not have, in the order of their submits. Sorts all of them. */
  unstored(): number[] {
    const { jobs } = this.#broker;
    const found: number[] = [];
    for (let job = jobs.table.next(0); job !== 0; job = jobs.table.next(job))
      if (jobs.has(job, Flag.BACKGROUND) && !jobs.has(job, Flag.STORED)) found.push(job);
    return found.sort((a, b) => jobs.table.serial(a) - jobs.table.serial(b));
  }

  /** Hands a job over that was answered long ago. False when the store does not take it now. */
  storeLate(job: number): boolean {
    const { scheduled } = this.#broker.jobs;
    return this.#append(job, scheduled.has(job) ? scheduled.atOf(job) : 0, false) !== null;
  }

  /** Whether the job is not durable yet; then the reply to `peer` waits with the others. */
  isAwaited(job: number, peer: Peer): boolean {
    const pending = this.#pendingOf(job);
    if (pending === null) return false;
    this.#wait(pending, peer);
    return true;
  }

  /**
   * One event: answers those whose jobs have become durable, or could not. False when more are left than one event should
   * take. A job that could not be stored never waits: its reference means nothing any more.
   */
  settle(): boolean {
    this.#store.settle((ticket, isStored) => {
      if (isStored) this.#stored.push(ticket as Pending);
      else this.#settle(ticket as Pending, false);
    });
    const count = Math.max(ANSWERED_MIN, this.#stored.length >> 1);
    for (const pending of this.#stored.splice(0, count)) this.#settle(pending, true);
    return this.#stored.length === 0;
  }

  /** Null when the store takes nothing now. */
  #append(job: number, startMs: number, isAwaited: boolean): Pending | null {
    const { jobs } = this.#broker;
    const pending = new Pending(job, jobs.table.serial(job), startMs, isAwaited);
    const reference = this.#store.append(storedJob(this.#broker, job, startMs), pending, isAwaited);
    if (reference === 0) return null;
    jobs.setReference(job, reference);
    return pending;
  }

  #pendingOf(job: number): Pending | null {
    const { jobs } = this.#broker;
    return jobs.state(job) === Flag.STORING
      ? (this.#awaited[jobs.word(job, Job.WORKER)] ?? null)
      : (this.#joined.get(job) ?? null);
  }

  /** Nobody joins the job's wait any more. A job that was being stored leaves that state in the same event. */
  #drop(job: number): void {
    const { jobs } = this.#broker;
    if (jobs.state(job) !== Flag.STORING) {
      this.#joined.delete(job);
      return;
    }
    const number = jobs.word(job, Job.WORKER);
    jobs.setWord(job, Job.WORKER, 0);
    this.#awaited[number] = null;
    this.#freeNumbers.push(number);
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

  #wait(pending: Pending, peer: Peer): void {
    const place = this.#broker.outbox.postpone(peer);
    if (pending.peer === null) {
      pending.peer = peer;
      pending.place = place;
    } else {
      pending.others ??= [];
      pending.others.push({ peer, place });
    }
  }

  #settle(pending: Pending, isStored: boolean): void {
    const { jobs } = this.#broker;
    const { job, serial } = pending;
    const isLive = jobs.table.isLive(job, serial);
    if (isLive && this.#pendingOf(job) === pending) this.#drop(job);
    if (isStored) {
      this.#answer(pending, true);
      if (isLive && jobs.state(job) === Flag.STORING) makeReady(this.#broker, job, pending.startMs);
      return;
    }
    if (isLive) this.#giveUp(pending);
    this.#answer(pending, false);
  }

  #answer(pending: Pending, isStored: boolean): void {
    if (pending.peer === null) return;
    this.#reply(pending, pending.peer, pending.place, isStored);
    if (pending.others === null) return;
    for (const { peer, place } of pending.others) this.#reply(pending, peer, place, isStored);
  }

  #reply({ job, serial }: Pending, peer: Peer, place: number, isStored: boolean): void {
    const broker = this.#broker;
    broker.outbox.resume(peer, place);
    if (isStored) replyCreated(broker, peer, job, serial);
    else refuse(broker, peer, Errors.queueError);
    broker.outbox.release(peer);
  }

  /**
   * The store could not keep the job: one that nobody was told of never was; one that was there before is what it was;
   * one whose client did not wait lives on in memory.
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

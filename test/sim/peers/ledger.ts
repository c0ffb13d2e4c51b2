/**
 * What clients and workers may expect of their jobs, known from their own bytes alone: who submitted what, who was
 * handed it, what was said about it. Checks that every packet about a job is right, and at the end that none is missing.
 */

import { Flag } from '../../../src/broker/jobs.ts';
import type { WirePacket } from '../../support/packet-text.ts';
import type { World } from '../server/world.ts';
import { ensure } from '../transcript.ts';
import type { Asked } from '../watch/broker-watch.ts';
import { isFinal, JobRecord, type Submission, sayingKey } from './job-record.ts';
import type { PeerLink } from './link.ts';

export class Ledger {
  readonly #world: World;
  readonly #jobs = new Map<string, JobRecord>();
  readonly #submissions: Submission[] = [];
  /** Handles in the order in which they became known. */
  readonly handles: string[] = [];
  /** Functions that were given a queue limit. */
  readonly limited = new Set<string>();
  /** Whether a worker may have lost jobs of a function although it is still connected. */
  readonly #excused = new Map<PeerLink, Set<string>>();
  /** Handles of submissions that coalesce with nothing. */
  readonly #handleOf = new Map<Submission, string>();
  /** Serial of the last job of one connection, by function. */
  readonly #lastOf = new Map<PeerLink, Map<string, number>>();
  /** Greatest serial that a shard had given when it died last. */
  readonly #lastSerials = new Map<number, number>();
  /** Jobs that were durable when their shard died, by what tells them apart: each must run again. */
  readonly #owed = new Map<string, JobRecord>();
  /** Kicks that were asked for, by function. */
  readonly #kicks = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  submitted(submission: Submission): void {
    this.#submissions.push(submission);
  }

  /** JOB_CREATED. */
  acknowledged(submission: Submission, handle: string): void {
    const { link, functionName, unique, workload } = submission;
    const job = this.#job(handle);
    // A client that has heard of a failure may join the job again while it waits for its next run.
    if (job.finals.has(link)) job.isJoinedAgain = true;
    ensure(
      !job.isJoinedAgain || (job.mayFail && this.#world.policies.tried.has(functionName)),
      () => `${link.name}: JOB_CREATED of ${handle} comes after its last packet`,
    );
    if (job.functionName !== null) {
      const isSame = job.functionName === functionName && job.unique === unique;
      const isByWorkload = unique === '-';
      ensure(
        isSame &&
          (unique !== '' || job.workload?.equals(workload)) &&
          (!isByWorkload || job.workload === null || job.workload.equals(workload)),
        () => `${link.name}: ${functionName}/${unique} became ${job.functionName}/${job.unique}`,
      );
    }
    this.#bind(submission, handle);
    if (unique === '') this.#checkOrder(link, functionName, job.serial);
    job.functionName = functionName;
    job.unique = unique;
    if (unique === '' || unique === '-') job.workload = workload;
    if (submission.isBackground) job.isAckedBackground = true;
    else job.subscriptions.set(link, (job.subscriptions.get(link) ?? 0) + 1);
  }

  /** JOB_ASSIGN and its kind; `unique` and `reducer` are null where the packet has none. */
  assigned(
    link: PeerLink,
    handle: string,
    functionName: string,
    unique: string | null,
    reducer: string | null,
    workload: Buffer,
  ): void {
    const job = this.#job(handle);
    const what = () => `${link.name} is handed ${handle} of ${functionName}`;
    ensure(job.functionName === null || job.functionName === functionName, what);
    ensure(unique === null || job.functionName === null || job.unique === unique, what);
    ensure(job.workload === null || job.workload.equals(workload), what);
    const origins = this.#submissions.filter(
      (one) =>
        one.functionName === functionName &&
        (unique === null || one.unique === unique) &&
        (reducer === null || one.reducer === reducer) &&
        one.workload.equals(workload),
    );
    ensure(origins.length > 0, () => `${what()}, which nobody submitted like that`);
    const origin = origins.find(({ notBeforeMs }) => notBeforeMs <= this.#world.wallMaxMs);
    ensure(origin !== undefined, () => `${what()} before its time`);
    this.#bind(origin, handle);
    job.functionName = functionName;
    job.unique = origin.unique;
    job.workload = workload;
    for (const other of job.holders)
      ensure(
        other === link ||
          this.#mayHaveLost(other, functionName) ||
          this.#mayHaveLost(link, functionName),
        () => `${what()}, which ${other.name} holds`,
      );
    job.holders.add(link);
  }

  /** From now on a worker that lives may lose jobs of a function: it has a timeout or was withdrawn. */
  excuse(link: PeerLink, functionName: string): void {
    const names = this.#excused.get(link) ?? new Set();
    this.#excused.set(link, names.add(functionName));
  }

  isExcused(link: PeerLink, functionName: string): boolean {
    const isWithdrawn = this.#excused.get(link)?.has(functionName) ?? false;
    return isWithdrawn || this.#world.policies.timed.has(functionName);
  }

  /** A holder sends a WORK_ packet; `rest` is all behind the handle and its NUL. */
  said(link: PeerLink, handle: string, type: string, rest: Buffer): void {
    const job = this.#job(handle);
    const index = job.sayings.size;
    job.sayings.set(sayingKey(type, rest), { by: link, index, rest });
    if (type === 'WORK_FAIL' || type === 'WORK_EXCEPTION') {
      job.mayFail = true;
      job.failures++;
    }
    if (rest.toString('latin1').startsWith('geartrain:dead\n')) job.isDeadSaid = true;
    if (!isFinal(type)) return;
    this.#owed.delete(keyOf(job));
    job.isEndSent = true;
    job.holders.delete(link);
  }

  cancelAsked(handle: string): void {
    this.#job(handle).isCancelAsked = true;
    this.#owed.delete(keyOf(this.#job(handle)));
  }

  /** Nothing is on its way and every disk is idle: jobs that have ended by now never come back. */
  rested(): void {
    for (const job of this.#jobs.values())
      if (job.isEndSent && !job.isLost && !this.#isLive(job)) job.isOver = true;
  }

  buryAsked(handle: string): void {
    this.#job(handle).isBuryAsked = true;
    this.#owed.delete(keyOf(this.#job(handle)));
  }

  kickAsked(handle: string): void {
    this.#job(handle).isKickAsked = true;
  }

  /** `kick function` with a number. */
  kicksAsked(functionName: string, count: number): void {
    this.#kicks.set(functionName, (this.#kicks.get(functionName) ?? 0) + count);
  }

  /** What operators have asked of jobs of a shard; each job is named by its handles. */
  askedOf(): Asked {
    const some = (handles: readonly string[], isIt: (job: JobRecord) => boolean) =>
      handles.some((handle) => {
        const job = this.#jobs.get(handle);
        return job !== undefined && isIt(job);
      });
    return {
      isCancelAsked: (handles) => some(handles, (job) => job.isCancelAsked),
      isBuryAsked: (handles) => some(handles, (job) => job.isBuryAsked),
      takeKick: (handles, functionName) => {
        const left = this.#kicks.get(functionName) ?? 0;
        if (some(handles, (job) => job.isKickAsked)) return true;
        this.#kicks.set(functionName, left - 1);
        return left > 0;
      },
    };
  }

  /** A WORK_ packet for a client. */
  heard(link: PeerLink, packet: WirePacket, takesExceptions: boolean | null): void {
    const { name, payload } = packet;
    const nul = payload.indexOf(0);
    const handle = payload.toString('latin1', 0, nul < 0 ? payload.length : nul);
    const job = this.#jobs.get(handle);
    const what = () => `${link.name}: ${name} of ${handle}`;
    const subscriptions = job?.subscriptions.get(link) ?? 0;
    ensure(job !== undefined && subscriptions > 0, () => `${what()}, which it does not wait for`);
    if (name === 'WORK_FAIL') {
      ensure(nul < 0, () => `${what()} ends in NUL`);
      ensure(job.mayFail || this.#mayEndUnsaid(job), () => `${what()}, which did not fail`);
    } else this.#checkSaying(job, link, name, payload.subarray(nul + 1), what);
    if (name === 'WORK_EXCEPTION') ensure(takesExceptions !== false, what);
    if (name !== 'WORK_COMPLETE' && isFinal(name)) this.#checkLast(job, what);
    const finals = job.finals.get(link) ?? 0;
    if (!isFinal(name)) {
      const isOpen = finals === 0 || (job.isJoinedAgain && finals < subscriptions);
      ensure(isOpen, () => `${what()} behind the last packet`);
      return;
    }
    ensure(finals < subscriptions, () => `${what()}: a last packet too many`);
    job.finals.set(link, finals + 1);
  }

  /** Jobs of a shard with a serial up to `lastSerial` died with it; those that were durable come again. */
  shardDied(shard: number, lastSerial: number): void {
    const { hasStore, isRelaxed, jobRetries } = this.#world.plan;
    const isDurable = hasStore && !isRelaxed && jobRetries < 0;
    for (const job of this.#jobs.values()) {
      if (job.shard !== shard || job.serial > lastSerial || job.isLost) continue;
      job.isLost = true;
      const isOwed = job.isAckedBackground && !this.#mayEndUnsaid(job) && this.#mustRun(job);
      if (isDurable && isOwed) this.#owed.set(keyOf(job), job);
    }
    this.#lastSerials.set(shard, lastSerial);
    // A submission may become another job now, unless its own was over.
    for (const [submission, handle] of [...this.#handleOf]) {
      const job = this.#job(handle);
      if (job.isLost && !job.isOver) this.#handleOf.delete(submission);
    }
  }

  /** When no job is left in the server: nobody waits any more, nothing was lost. */
  checkEnd(): void {
    const [owed] = this.#owed.values();
    ensure(owed === undefined, () => `background job ${owed?.handle} did not come back`);
    for (const job of this.#jobs.values()) {
      if (job.isLost) continue;
      for (const [link, count] of job.subscriptions)
        ensure(
          !link.isUp || job.finals.get(link) === count,
          () => `${link.name} still waits for ${job.handle}`,
        );
      ensure(
        !job.isAckedBackground || job.isEndSent || this.#mayEndUnsaid(job),
        () => `background job ${job.handle} is lost`,
      );
    }
  }

  /** Whether a job may end without a word of a worker. */
  #mayEndUnsaid(job: JobRecord): boolean {
    const { policies, plan } = this.#world;
    const { functionName } = job;
    const isTimed = functionName !== null && policies.timed.has(functionName);
    const isAsked = this.#isAsked(job, (one) => one.isCancelAsked || one.isBuryAsked);
    return isAsked || isTimed || plan.jobRetries >= 0;
  }

  /** Whether operators asked for something by a handle of the job, which may be one from before a death of its shard. */
  #isAsked(job: JobRecord, isIt: (job: JobRecord) => boolean): boolean {
    if (isIt(job)) return true;
    const key = keyOf(job);
    return [...this.#jobs.values()].some((one) => one.isLost && isIt(one) && keyOf(one) === key);
  }

  /** Clients that wait through all attempts hear only of the last failure. */
  #checkLast(job: JobRecord, what: () => string): void {
    const policy = this.#world.policies.runsOfAlways(job.functionName as string);
    if (policy?.isForeground !== true || this.#mayEndUnsaid(job)) return;
    ensure(
      job.failures >= policy.attempts || job.isDeadSaid,
      () => `${what()} after ${job.failures} of ${policy.attempts} attempts`,
    );
  }

  #checkSaying(
    job: JobRecord,
    link: PeerLink,
    name: string,
    rest: Buffer,
    what: () => string,
  ): void {
    const saying = job.sayings.get(sayingKey(name, rest));
    ensure(saying !== undefined, () => `${what()}, which no worker sent`);
    ensure(saying.rest.equals(rest), () => `${what()}, not as it was sent`);
    const heard = job.heard.get(link) ?? new Map<PeerLink, number>();
    job.heard.set(link, heard);
    const last = heard.get(saying.by) ?? -1;
    ensure(saying.index >= last, () => `${what()} comes behind a later one`);
    heard.set(saying.by, saying.index);
  }

  /** A submission that coalesces with nothing is one job. */
  #bind(submission: Submission, handle: string): void {
    if (submission.unique !== '') return;
    // Told behind the death of its shard: it may be another job by now.
    if (this.#job(handle).isLost) return;
    const known = this.#handleOf.get(submission) ?? handle;
    ensure(known === handle, () => `one submission became ${known} and ${handle}`);
    this.#handleOf.set(submission, handle);
  }

  /** Jobs that one connection submits for one function are made in the order of its requests. */
  #checkOrder(link: PeerLink, functionName: string, serial: number): void {
    const serials = this.#lastOf.get(link) ?? new Map<string, number>();
    this.#lastOf.set(link, serials);
    ensure(
      serial > (serials.get(functionName) ?? 0),
      () => `${link.name}: a job of ${functionName} overtakes an earlier one`,
    );
    serials.set(functionName, serial);
  }

  /** Whether the server has the job, a worker of which may have sent an end that counts no more. */
  #isLive({ shard, slot, serial }: JobRecord): boolean {
    return this.#world.threads[shard]?.core.broker?.jobs.table.isLive(slot, serial) ?? false;
  }

  /** Whether the server has the job and runs it by itself, also when it forgets a kick. */
  #mustRun(job: JobRecord): boolean {
    const { shard, slot, functionName } = job;
    const jobs = this.#world.threads[shard]?.core.broker?.jobs;
    const isKicked =
      this.#isAsked(job, (one) => one.isKickAsked) || this.#kicks.has(functionName ?? '');
    return this.#isLive(job) && jobs?.state(slot) !== Flag.DEAD && !isKicked;
  }

  #mayHaveLost(link: PeerLink, functionName: string): boolean {
    return (
      !link.isUp ||
      this.isExcused(link, functionName) ||
      this.#world.deathsSince(link.deathsBefore).length > 0
    );
  }

  #job(handle: string): JobRecord {
    const known = this.#jobs.get(handle);
    if (known !== undefined) return known;
    const job = new JobRecord(handle);
    job.isLost = job.serial <= (this.#lastSerials.get(job.shard) ?? 0);
    this.#jobs.set(handle, job);
    this.handles.push(handle);
    return job;
  }
}

/** Jobs of one key are one job, whatever their handles. */
function keyOf({ functionName, unique, workload }: JobRecord): string {
  const isByWorkload = unique === '' || unique === '-';
  return JSON.stringify([functionName, unique, isByWorkload ? workload?.toString('latin1') : null]);
}

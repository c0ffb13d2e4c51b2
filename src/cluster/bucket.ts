/**
 * One bucket of functions at one server. Pure: `step` takes an event and returns effects. Source: docs/design.md,
 * section 16.
 *
 *   idle -> claiming -> owned -> leaving -> idle
 *
 * Rules:
 * - Background jobs are handed out only while the lease is valid, every server has announced under this epoch, and a
 *   commit of this epoch that was begun in this term of the lease is stored. So a lease that ran out gives no bucket
 *   back that another server has taken.
 * - A bucket whose commit is fenced is dropped: its next owner hears everything from journal and homes.
 */
import { Announcements } from './announcements.ts';
import type { Owner } from './beat.ts';
import type { BucketEffect, BucketEvent, BucketOptions } from './bucket-events.ts';
import { Claim, type ClaimEffect } from './claim.ts';
import { type Entry, EntryKind, keyText } from './entries.ts';
import { HandOver } from './hand-over.ts';
import { jobOf, putOf, rescue } from './job-puts.ts';
import { JournalWriter, type WriterEffect } from './journal-writer.ts';
import type { NatsReply, NatsRequest } from './nats.ts';
import type { OwnedJob } from './owned-jobs.ts';
import { committed, obey } from './owner-records.ts';
import { bury, complete, reset } from './owner-servers.ts';
import { type OwnerOutbox, OwnerState } from './owner-state.ts';
import type { HomeRecord, OwnerRecord } from './records.ts';
import type { Replay } from './replay.ts';

/** From this part of the room on, clients get QUEUE_ERROR. */
const FULL = 0.9;
/** From this part of the room on, only what makes room is stored. */
const TIGHT = 0.97;

type Asked = 'claim' | 'commit' | 'purge' | 'handOver';
type Phase = 'idle' | 'claiming' | 'owned' | 'leaving';

export class Bucket implements OwnerOutbox {
  readonly #options: BucketOptions;
  #phase: Phase = 'idle';
  #effects: BucketEffect[] = [];
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #claim: Claim | null = null;
  /** Records of the coming epoch. */
  #early: { readonly from: string; readonly epoch: number; readonly record: HomeRecord }[] = [];
  #writer: JournalWriter | null = null;
  #owner: OwnerState | null = null;
  #keyRevision = 0;
  #knownEpoch = 0;
  #announcements: Announcements | null = null;
  #openingTerm = 0;
  /** Term in which a commit was begun that is stored. */
  #confirmedTerm = 0;
  #confirmingTerm = 0;
  #fill = 0;
  #handOver: HandOver | null = null;
  /** Jobs that were acknowledged and are missing in the stream. */
  #rescued: readonly OwnedJob[] | null = null;

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The epoch under which this server owns the bucket; 0 = it does not. */
  get epoch(): number {
    return this.#phase === 'owned' ? (this.#owner as OwnerState).epoch : 0;
  }

  /** Whether every server has announced under this epoch. */
  get isComplete(): boolean {
    return this.#phase === 'owned' && (this.#owner as OwnerState).isComplete;
  }

  /** Live jobs, for listings and checks. */
  get jobs(): readonly OwnedJob[] {
    return this.#owner?.jobs.all() ?? [];
  }

  step(event: BucketEvent): BucketEffect[] {
    this.#effects = [];
    switch (event.type) {
      case 'claim':
        if (this.#phase === 'idle') this.#startClaim(0);
        break;
      case 'reply':
        this.#reply(event.id, event.reply, event.nowMs);
        break;
      case 'record':
        this.#record(event.from, event.epoch, event.record, event.nowMs);
        break;
      case 'key':
        this.#sawKey(event.owner);
        break;
      case 'dead':
        if (this.#owner !== null) bury(this.#owner, event.incarnation);
        break;
      case 'reset':
        if (this.#owner !== null) reset(this.#owner, event.incarnation);
        this.#early = this.#early.filter(({ from }) => from !== event.incarnation);
        break;
      case 'fill':
        this.#setFill(event.ratio);
        break;
      case 'handOver':
        if (this.#phase === 'owned') this.#leave(event.to);
        break;
      case 'tick':
        this.#tick(event.nowMs);
        break;
    }
    return this.#effects;
  }

  // What the rules of the owner cause.

  send(to: string, record: OwnerRecord): void {
    this.#effects.push({ type: 'send', to, epoch: (this.#owner as OwnerState).epoch, record });
  }

  put(job: OwnedJob): void {
    this.#write(this.#writer?.add(putOf(job)));
  }

  forget(job: OwnedJob): void {
    this.#write(this.#writer?.add({ kind: EntryKind.FORGET, key: job.key }));
  }

  #ask(asked: Asked, request: NatsRequest): void {
    const id = ++this.#lastId;
    this.#asked.set(id, asked);
    this.#effects.push({ type: 'request', id, request });
  }

  #reply(id: number, reply: NatsReply, nowMs: number): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    switch (asked) {
      case 'claim':
        this.#claimed(this.#claim?.take(reply) ?? null, nowMs);
        break;
      case 'commit':
        this.#write(this.#writer?.take(reply));
        break;
      case 'purge':
        this.#writer?.takePurged();
        break;
      case 'handOver':
        this.#handedOver(reply);
        break;
    }
    this.#continueHandOver();
  }

  #startClaim(above: number): void {
    const { lease, ownerSubject, journalSubject } = this.#options;
    this.#phase = 'claiming';
    this.#openingTerm = 0;
    this.#claim = new Claim({
      incarnation: lease.incarnation,
      ownerSubject,
      journalSubject,
      mayTake: ({ incarnation }) => lease.isDead(incarnation),
      above,
      readMessages: this.#options.readMessages,
    });
    this.#claimed(this.#claim.start(), Number.NaN);
  }

  #claimed(effect: ClaimEffect | null, nowMs: number): void {
    if (effect === null) return;
    if (effect.type === 'request') {
      const { request } = effect;
      const { journalSubject, lease } = this.#options;
      const isOpening = request.kind === 'publish' && request.subject === journalSubject;
      if (isOpening) this.#openingTerm = lease.term(nowMs);
      this.#ask('claim', request);
    } else if (effect.type === 'gaveUp') this.#drop(effect.reason);
    else this.#open(effect.epoch, effect.keyRevision, effect.replay, nowMs);
  }

  #open(epoch: number, keyRevision: number, replay: Replay, nowMs: number): void {
    const { lease, journalSubject, purgeBytesMin } = this.#options;
    const owner = new OwnerState(epoch, this);
    this.#claim = null;
    this.#phase = 'owned';
    this.#owner = owner;
    this.#keyRevision = keyRevision;
    this.#knownEpoch = epoch;
    this.#announcements = new Announcements(lease, this.#options.ttlMs, nowMs);
    this.#confirmedTerm = lease.term(nowMs) === this.#openingTerm ? this.#openingTerm : 0;
    this.#confirmingTerm = this.#confirmedTerm;
    const { problem } = replay;
    if (problem !== null) this.#error(`read the journal: ${problem}`);
    owner.answers.restore(replay.answers);
    this.#writer = new JournalWriter({
      incarnation: lease.incarnation,
      subject: journalSubject,
      epoch,
      commits: replay.commits,
      purgeBytesMin,
      answered: () => {
        owner.answers.drop((home) => lease.isGone(home));
        return owner.answers.entries();
      },
    });
    for (const put of replay.puts()) {
      const job = jobOf(put);
      if (job === null) {
        this.#error(`job ${keyText(put.key)} has its workload in parts, which are not read yet`);
        continue;
      }
      owner.jobs.add(job);
      owner.jobs.queue(job, false);
    }
    if (this.#rescued !== null) rescue(owner, this.#rescued);
    this.#rescued = null;
    this.#setFill(this.#fill);
    this.#effects.push({ type: 'owned', epoch });
    const early = this.#early;
    this.#early = [];
    for (const one of early) {
      if (one.epoch === epoch) this.#obey(owner, one.from, one.record, nowMs);
      else this.#notOwner(one.from, one.epoch, one.record);
    }
  }

  #drop(reason: string): void {
    if (this.#rescued !== null)
      this.#error(`bucket ${this.#options.bucket}: ${this.#rescued.length} jobs may be lost`);
    const early = this.#early;
    this.#clear();
    // The next claim may have the same epoch, and needs these announcements again.
    for (const { from, epoch, record } of early) this.#notOwner(from, epoch, record);
    this.#effects.push({ type: 'dropped', reason });
  }

  #clear(): void {
    this.#phase = 'idle';
    this.#claim = null;
    this.#writer = null;
    this.#owner = null;
    this.#announcements = null;
    this.#handOver = null;
    this.#early = [];
    this.#asked.clear();
    this.#rescued = null;
  }

  #error(text: string): void {
    this.#effects.push({ type: 'error', text });
  }

  #sawKey({ incarnation, epoch }: Owner): void {
    if (epoch > this.#knownEpoch) this.#knownEpoch = epoch;
    const isOwned = this.#phase === 'owned' && epoch > (this.#owner as OwnerState).epoch;
    if (isOwned && incarnation !== this.#options.lease.incarnation)
      this.#drop(`${incarnation} owns it`);
  }

  #record(from: string, epoch: number, record: HomeRecord, nowMs: number): void {
    if (this.#phase === 'owned' && epoch === (this.#owner as OwnerState).epoch) {
      this.#obey(this.#owner as OwnerState, from, record, nowMs);
      return;
    }
    if (this.#phase === 'claiming' && epoch === this.#claim?.epoch) {
      this.#early.push({ from, epoch, record });
      return;
    }
    if (this.#phase !== 'leaving') this.#notOwner(from, epoch, record);
  }

  #notOwner(from: string, epoch: number, record: HomeRecord): void {
    const isGrab = record.type === 'grab';
    const answer: OwnerRecord = {
      type: 'notOwner',
      known: Math.max(this.#knownEpoch, this.epoch),
      grab: isGrab ? record.grab : 0,
      worker: isGrab ? record.worker : 0,
    };
    this.#effects.push({ type: 'send', to: from, epoch, record: answer });
  }

  #obey(owner: OwnerState, from: string, record: HomeRecord, nowMs: number): void {
    obey(owner, from, record, this.#mayHandOut(owner, nowMs));
    if (record.type === 'done') this.#completeIfDone(owner);
  }

  #mayHandOut(owner: OwnerState, nowMs: number): boolean {
    const term = this.#options.lease.term(nowMs);
    return owner.isComplete && term > 0 && term === this.#confirmedTerm;
  }

  #completeIfDone(owner: OwnerState): void {
    if (!owner.isComplete && this.#announcements?.isDone(owner.done)) complete(owner);
  }

  #tick(nowMs: number): void {
    const owner = this.#owner;
    const writer = this.#writer;
    if (this.#phase !== 'owned' || owner === null || writer === null) return;
    const { lease } = this.#options;
    const term = lease.term(nowMs);
    if (term > 0 && term !== this.#confirmedTerm && term !== this.#confirmingTerm) {
      this.#confirmingTerm = term;
      this.#write(writer.confirm(term));
    }
    this.#write(this.#writer?.tick());
    if (this.#owner !== owner) return;
    this.#completeIfDone(owner);
    if (!owner.isComplete && this.#announcements !== null)
      this.#effects.push(...this.#announcements.overdue(owner.done, nowMs));
  }

  #setFill(ratio: number): void {
    this.#fill = ratio;
    if (this.#owner !== null) this.#owner.isFull = ratio >= FULL;
    this.#write(this.#writer?.setTight(ratio >= TIGHT));
  }

  #write(effects: readonly WriterEffect[] = []): void {
    for (const effect of effects) {
      if (effect.type === 'request') this.#ask(effect.for, effect.request);
      else if (effect.type === 'committed') {
        this.#committed(effect.entries, effect.mark);
        this.#write(this.#writer?.next());
      } else if (effect.type === 'fenced') this.#drop('another server has begun an epoch');
      else this.#startAgain();
    }
  }

  #committed(entries: readonly Entry[], mark: number): void {
    const owner = this.#owner as OwnerState;
    this.#confirmedTerm = Math.max(this.#confirmedTerm, mark);
    committed(owner, entries);
  }

  #startAgain(): void {
    const owner = this.#owner as OwnerState;
    this.#error(
      `bucket ${this.#options.bucket}: the stream has lost commits that it had acknowledged`,
    );
    const rescued = owner.jobs
      .all()
      .filter(({ putFor, state }) => putFor !== null && state !== 'ending');
    const { epoch } = owner;
    this.#clear();
    this.#rescued = rescued;
    this.#startClaim(epoch);
  }

  #leave(to: string): void {
    this.#phase = 'leaving';
    this.#writer?.stop();
    const { ownerSubject, lease } = this.#options;
    const epoch = (this.#owner as OwnerState).epoch + 1;
    this.#handOver = new HandOver(ownerSubject, lease.incarnation, this.#keyRevision, to, epoch);
    this.#continueHandOver();
  }

  /** Once no commit is under way, the key goes to the next owner. */
  #continueHandOver(): void {
    if (this.#writer?.isBusy === false && this.#handOver?.isStarted === false)
      this.#ask('handOver', this.#handOver.start());
  }

  #handedOver(reply: NatsReply): void {
    const handOver = this.#handOver;
    const request = handOver?.take(reply) ?? null;
    if (handOver === null) return;
    if (request === null) this.#drop(`${handOver.to} takes it`);
    else this.#ask('handOver', request);
  }
}

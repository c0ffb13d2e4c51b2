/**
 * The lease of this incarnation of a server, and what it knows of the others. Pure: `step` takes an event and returns
 * effects. Source: docs/design.md, section 16.
 *
 * Rules:
 * - A beat is a compare-and-set on the revision of this server's own last beat. The lease ends LEASE_MARGIN_MS before `ttlMs` after
 *   the beat was sent, so nobody takes it for dead while it is valid.
 * - A beat whose acknowledgement is handled after the lease ended begins a new term. Term 0 is no lease.
 * - A look at all beats counts only if it shows this server's own last beat or a newer one.
 * - Another incarnation is dead when looks that count have shown no new beat of it for `ttlMs` and this server's own
 *   lease has been valid all the while; at once in state `gone`; `ttlMs` after it was seen in state `out`.
 * - An incarnation begins as `starting` and is `up` when no earlier incarnation of its server can be alive.
 */
import {
  type Beat,
  decodeBeat,
  decodeOwner,
  encodeBeat,
  FORMAT_MAX,
  FORMAT_MIN,
  type Owner,
} from './beat.ts';
import { incarnationNumber, type Subjects, serverOf } from './names.ts';
import type { NatsReply, NatsRequest, StoredMessage } from './nats.ts';
import { OtherServers } from './other-servers.ts';

/** The lease ends so long before others may take the server for dead: it covers clocks of different speed. */
export const LEASE_MARGIN_MS = 500;

export type LeaseEvent =
  /**
   * Every sixth of the TTL. `isHealthy`: all threads of the server have moved lately; a hung one must cost the lease.
   */
  | { readonly type: 'tick'; readonly nowMs: number; readonly isHealthy: boolean }
  | {
      readonly type: 'reply';
      readonly id: number;
      readonly reply: NatsReply;
      readonly nowMs: number;
    }
  /** The server takes no bucket and no job any more, but still has some. */
  | { readonly type: 'leave' }
  /** Nothing is left at the server. */
  | { readonly type: 'end' }
  /** An incarnation has owed its announcements for too long. */
  | { readonly type: 'expel'; readonly incarnation: string };

export type LeaseEffect =
  | { readonly type: 'request'; readonly id: number; readonly request: NatsRequest }
  /** The server may take buckets from now on. */
  | { readonly type: 'up' }
  | { readonly type: 'dead'; readonly incarnation: string }
  /** An incarnation that was dead has beaten again. */
  | { readonly type: 'alive'; readonly incarnation: string }
  /** A look that counts: `owners` has the owner keys that it showed. */
  | { readonly type: 'looked' }
  /** The lease is over for good: the incarnation was expelled, or it has ended itself. */
  | { readonly type: 'over'; readonly reason: string };

/** The owner of a bucket. */
export interface OwnerKey extends Owner {
  readonly bucket: number;
}

export interface LeaseOptions {
  readonly server: string;
  readonly subjects: Subjects;
  readonly ttlMs: number;
  /** Chosen at random for this process. */
  readonly nonce: string;
}

type Pending =
  | { readonly for: 'find' }
  | { readonly for: 'beat'; readonly count: number }
  | { readonly for: 'check' }
  | { readonly for: 'look'; readonly sentMs: number }
  | { readonly for: 'expel' };

export class Lease {
  readonly #options: LeaseOptions;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  /** Empty until the number of this incarnation is known. */
  #incarnation = '';
  #state: Beat['state'] = 'starting';
  /** The last beats that may have been stored, by count. */
  readonly #sent = new Map<number, { readonly sentMs: number; readonly isLast: boolean }>();
  #beatCount = 0;
  /** Revision of this server's own last beat that is known to be stored; 0 before the first. */
  #revision = 0;
  #deadlineMs = Number.NEGATIVE_INFINITY;
  #termSinceMs = 0;
  #term = 0;
  #isUp = false;
  #isOver = false;
  /** A beat or a check of one is under way. */
  #isBeating = false;
  #isLooking = false;
  readonly #others: OtherServers;
  /** When the own beat was sent that the last look that counts has shown. */
  #shownSentMs = Number.NEGATIVE_INFINITY;
  #owners: OwnerKey[] = [];

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#others = new OtherServers(options.ttlMs);
  }

  /** Name of this incarnation; empty before its first beat is stored, because another process may have the number. */
  get incarnation(): string {
    return this.#revision === 0 ? '' : this.#incarnation;
  }

  isValid(nowMs: number): boolean {
    return nowMs < this.#deadlineMs && !this.#isOver;
  }

  /** The term of the lease, from 1 on; 0 when there is none at `nowMs`. */
  term(nowMs: number): number {
    return this.isValid(nowMs) ? this.#term : 0;
  }

  get isUp(): boolean {
    return this.#isUp && !this.#isOver;
  }

  /** The last look that counts has shown a beat that this server sent at this time: it saw all that was stored before. */
  get shownSentMs(): number {
    return this.#shownSentMs;
  }

  /** What the last look that counts showed. */
  get owners(): readonly OwnerKey[] {
    return this.#owners;
  }

  /** All incarnations that are not dead, this one included. */
  alive(): string[] {
    const names = this.#incarnation === '' ? [] : [this.#incarnation];
    return [...names, ...this.#others.alive()];
  }

  /** The incarnations that may own buckets, this one included when it may. */
  candidates(): string[] {
    const names = this.isUp && this.#state === 'up' ? [this.#incarnation] : [];
    return [...names, ...this.#others.up()];
  }

  /** Whether the incarnation is dead: what is unknown is not. */
  isDead(incarnation: string): boolean {
    return this.#others.get(incarnation)?.isDead ?? false;
  }

  /** Whether the incarnation will never come back. */
  isGone(incarnation: string): boolean {
    const state = this.#others.get(incarnation)?.beat.state;
    return this.isDead(incarnation) && (state === 'gone' || state === 'out');
  }

  step(event: LeaseEvent): LeaseEffect[] {
    const effects: LeaseEffect[] = [];
    if (this.#isOver) return effects;
    switch (event.type) {
      case 'tick':
        if (this.#incarnation === '') this.#find(effects);
        else if (event.isHealthy) this.#beat(event.nowMs, effects);
        if (this.#incarnation !== '') this.#look(event.nowMs, effects);
        break;
      case 'reply':
        this.#hear(event.id, event.reply, event.nowMs, effects);
        break;
      case 'leave':
        this.#state = 'leaving';
        break;
      case 'end':
        this.#state = 'gone';
        break;
      case 'expel':
        this.#expel(event.incarnation, effects);
        break;
    }
    return effects;
  }

  #ask(request: NatsRequest, pending: Pending, effects: LeaseEffect[]): void {
    const id = ++this.#lastId;
    this.#pending.set(id, pending);
    effects.push({ type: 'request', id, request });
  }

  /** Looks for the earlier incarnations of this server, to choose the next number. */
  #find(effects: LeaseEffect[]): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    const { subjects, server } = this.#options;
    const prefixes = [subjects.beat(`${server}.`)];
    this.#ask({ kind: 'lastOfEach', prefixes }, { for: 'find' }, effects);
  }

  #beat(nowMs: number, effects: LeaseEffect[]): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    const count = ++this.#beatCount;
    const beat: Beat = {
      incarnation: this.#incarnation,
      nonce: this.#options.nonce,
      state: this.#state,
      count,
      formats: [FORMAT_MIN, FORMAT_MAX],
    };
    this.#sent.set(count, { sentMs: nowMs, isLast: this.#state === 'gone' });
    const request = {
      kind: 'publish',
      subject: this.#options.subjects.beat(this.#incarnation),
      bytes: encodeBeat(beat),
      expected: this.#revision,
    } as const;
    this.#ask(request, { for: 'beat', count }, effects);
  }

  #look(nowMs: number, effects: LeaseEffect[]): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { beats, owners } = this.#options.subjects;
    this.#ask(
      { kind: 'lastOfEach', prefixes: [beats, owners] },
      { for: 'look', sentMs: nowMs },
      effects,
    );
  }

  #expel(incarnation: string, effects: LeaseEffect[]): void {
    const other = this.#others.get(incarnation);
    if (other === undefined || other.isDead || other.beat.state === 'out') return;
    const beat = { ...other.beat, state: 'out' } as const;
    const request = {
      kind: 'publish',
      subject: this.#options.subjects.beat(incarnation),
      bytes: encodeBeat(beat),
      expected: other.revision,
    } as const;
    this.#ask(request, { for: 'expel' }, effects);
  }

  #hear(id: number, reply: NatsReply, nowMs: number, effects: LeaseEffect[]): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    switch (pending.for) {
      case 'find':
        this.#isBeating = false;
        if (reply.kind === 'messages') this.#choose(reply.messages);
        break;
      case 'beat':
        if (reply.kind === 'stored') this.#stored(pending.count, reply.sequence, nowMs, effects);
        else this.#check(effects);
        break;
      case 'check':
        if (reply.kind === 'message') this.#checked(reply.message, nowMs, effects);
        else this.#check(effects);
        break;
      case 'look':
        this.#isLooking = false;
        if (reply.kind === 'messages') this.#looked(reply.messages, pending.sentMs, nowMs, effects);
        break;
      case 'expel':
        // A look shows whether it was stored.
        break;
    }
  }

  #choose(messages: readonly StoredMessage[]): void {
    const { server, subjects } = this.#options;
    let last = 0;
    for (const { subject } of messages)
      last = Math.max(last, incarnationNumber(subject.slice(subjects.beats.length)) || 0);
    this.#incarnation = `${server}.${last + 1}`;
  }

  /** It is not known whether the last beat was stored: the leader knows. */
  #check(effects: LeaseEffect[]): void {
    const subject = this.#options.subjects.beat(this.#incarnation);
    this.#ask({ kind: 'last', subject }, { for: 'check' }, effects);
  }

  #checked(message: StoredMessage | null, nowMs: number, effects: LeaseEffect[]): void {
    const beat = message === null ? null : decodeBeat(message.bytes);
    if (message === null || beat === null) {
      this.#isBeating = false;
      // Before the first beat is stored, the next tick tries again.
      if (this.#revision > 0) this.#finish('the beat of this server is missing', effects);
    } else if (beat.nonce !== this.#options.nonce) {
      this.#isBeating = false;
      if (this.#revision > 0) this.#finish('another process beats as this server', effects);
      // It was faster: this process takes the next number.
      else this.#incarnation = '';
    } else if (beat.state === 'out') this.#finish('other servers have expelled this one', effects);
    else this.#stored(beat.count, message.sequence, nowMs, effects);
  }

  #stored(count: number, revision: number, nowMs: number, effects: LeaseEffect[]): void {
    this.#isBeating = false;
    const { sentMs, isLast } = this.#sent.get(count) ?? { sentMs: -1, isLast: false };
    this.#revision = revision;
    for (const known of this.#sent.keys()) if (known < count) this.#sent.delete(known);
    if (nowMs >= this.#deadlineMs) {
      this.#term++;
      this.#termSinceMs = nowMs;
    }
    this.#deadlineMs = Math.max(this.#deadlineMs, sentMs + this.#options.ttlMs - LEASE_MARGIN_MS);
    if (isLast) this.#finish('the server has ended', effects);
  }

  #looked(
    messages: readonly StoredMessage[],
    sentMs: number,
    nowMs: number,
    effects: LeaseEffect[],
  ): void {
    const { beats, owners } = this.#options.subjects;
    const shown = messages.find(
      ({ subject }) => subject === this.#options.subjects.beat(this.#incarnation),
    );
    const own = shown === undefined ? null : decodeBeat(shown.bytes);
    if (shown === undefined || own === null || own.nonce !== this.#options.nonce) return;
    if (this.#revision === 0 || shown.sequence < this.#revision) return;
    if (own.state === 'out') {
      this.#finish('other servers have expelled this one', effects);
      return;
    }
    this.#shownSentMs = this.#sent.get(own.count)?.sentMs ?? this.#shownSentMs;
    const keys: OwnerKey[] = [];
    for (const { subject, sequence, bytes } of messages) {
      if (subject.startsWith(owners)) {
        const owner = decodeOwner(bytes);
        if (owner !== null) keys.push({ bucket: Number(subject.slice(owners.length)), ...owner });
      } else if (subject.startsWith(beats) && subject !== shown.subject) {
        const beat = decodeBeat(bytes);
        if (beat !== null) effects.push(...this.#others.saw(beat, sequence, nowMs));
      }
    }
    this.#owners = keys;
    const hasKept = this.isValid(sentMs) && sentMs - this.#termSinceMs >= this.#options.ttlMs;
    effects.push(...this.#others.judge(sentMs, hasKept));
    if (!this.#isUp && this.isValid(nowMs) && this.#isFirst()) {
      this.#isUp = true;
      this.#state = 'up';
      effects.push({ type: 'up' });
    }
    effects.push({ type: 'looked' });
  }

  /** Whether no earlier incarnation of this server can be alive. */
  #isFirst(): boolean {
    const own = incarnationNumber(this.#incarnation);
    for (const name of this.#others.alive())
      if (serverOf(name) === this.#options.server && incarnationNumber(name) < own) return false;
    return true;
  }

  #finish(reason: string, effects: LeaseEffect[]): void {
    this.#isOver = true;
    effects.push({ type: 'over', reason });
  }
}

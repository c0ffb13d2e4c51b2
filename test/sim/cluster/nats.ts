/**
 * NATS between simulated servers: JetStream in memory with requests that are late, lost, refused wrongly and answered by
 * replicas that lag, times without a leader, and core messages that are lost, repeated and reordered.
 */
import { decodeCommit, encodeCommit } from '../../../src/cluster/commit.ts';
import { EntryKind } from '../../../src/cluster/entries.ts';
import type { Subjects } from '../../../src/cluster/names.ts';
import type { Nats, NatsReply, NatsRequest } from '../../../src/cluster/nats.ts';
import { MemoryJetStream } from '../../support/memory-jetstream.ts';
import type { Random } from '../../support/random.ts';
import type { Clock } from './clock.ts';
import type { Plan } from './plan.ts';

/** A request without answer ends after so long. */
const REQUEST_MS = 1000;
const LAG_CHANGES_MAX = 12;

export class SimNats {
  readonly jetStream: MemoryJetStream;
  /** No stream has a leader before. */
  leaderAtMs = 0;
  /** Servers that reach nothing before the time. */
  readonly cutUntil = new Map<string, number>();
  /** Servers whose reads are answered from an old state: until when, and the state of each stream. */
  readonly staleUntil = new Map<string, number>();
  readonly #stale = new Map<string, number>();
  /** From then on nothing goes wrong. */
  isHealed = false;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #inboxes = new Map<string, (bytes: Uint8Array) => void>();

  constructor(clock: Clock, random: Random, plan: Plan, subjects: Subjects) {
    this.#clock = clock;
    this.#random = random;
    this.#plan = plan;
    this.jetStream = new MemoryJetStream([
      { prefixes: [subjects.beats, subjects.owners], keepsLastOnly: true, maxBytes: 1e9 },
      { prefixes: [subjects.journals], keepsLastOnly: false, maxBytes: 1e9 },
    ]);
  }

  /** A connection of the server `name`. */
  connect(name: string): Nats {
    let isOpen = true;
    const subjects: string[] = [];
    return {
      request: (request, done) => {
        this.#request(name, request, (reply) => {
          if (isOpen) done(reply);
        });
      },
      send: (subject, bytes) => this.#send(name, subject, bytes),
      listen: (subject, hear) => {
        subjects.push(subject);
        this.#inboxes.set(subject, (bytes) => {
          if (isOpen && !this.#isCut(name)) hear(bytes);
        });
      },
      close: () => {
        isOpen = false;
        for (const subject of subjects) this.#inboxes.delete(subject);
      },
    };
  }

  #isCut(name: string): boolean {
    return (this.cutUntil.get(name) ?? 0) > this.#clock.nowMs;
  }

  #oneOf(perThousand: number): boolean {
    return !this.isHealed && this.#random.below(1000) < perThousand;
  }

  #delay(): number {
    return this.#oneOf(this.#plan.slow)
      ? this.#random.below(900)
      : this.#random.between(2, 20) / 10;
  }

  #request(name: string, request: NatsRequest, done: (reply: NatsReply) => void): void {
    const { nowMs } = this.#clock;
    let isOver = false;
    const answer = (reply: NatsReply) => {
      if (!isOver) done(reply);
      isOver = true;
    };
    this.#clock.after(REQUEST_MS, () => answer({ kind: 'silence' }));
    const isSilent = this.#oneOf(this.#plan.silent);
    const way = isSilent ? this.#random.below(3) : 3;
    // Lost on the way there; carried out after the time is over; or only the answer is lost.
    if (this.#isCut(name) || way === 0) return;
    const delayMs = way === 1 ? REQUEST_MS + this.#random.below(2500) : this.#delay();
    this.#clock.after(delayMs, () => {
      if (this.leaderAtMs > this.#clock.nowMs) {
        if (!isRead(request)) return;
      }
      const reply = this.#apply(name, request);
      const isLost = way === 2 || this.#isCut(name) || this.leaderAtMs > nowMs;
      if (!isLost) this.#clock.after(this.#delay(), () => answer(reply));
    });
  }

  #apply(name: string, request: NatsRequest): NatsReply {
    const { broken } = this.#plan;
    const store = this.jetStream;
    if (request.kind === 'publish') {
      if (this.#oneOf(this.#plan.refused)) return { kind: 'refused' };
      const last = store.messages(request.subject).at(-1)?.sequence ?? 0;
      if (broken === 'expected-sequence-is-ignored')
        return store.apply({ ...request, expected: last });
      if (broken === 'answered-submits-are-not-noted') return store.apply(withoutNotes(request));
      return store.apply(request);
    }
    if (request.kind === 'purge' && broken === 'last-message-is-purged')
      return store.apply({ ...request, below: Number.MAX_SAFE_INTEGER });
    if (request.kind === 'first' && broken === 'first-sequence-is-not-asked-for')
      return { kind: 'first', sequence: 0 };
    if (!isRead(request)) return store.apply(request);
    const subject = request.kind === 'read' ? request.subject : (request.prefixes[0] as string);
    const behind = this.#behind(name, subject);
    if (behind > 0) return store.apply(request, behind);
    if (!this.#oneOf(this.#plan.lagging)) return store.apply(request);
    const lag = Math.min(store.changeCount(subject), this.#random.below(LAG_CHANGES_MAX));
    return store.apply(request, lag);
  }

  /** Changes that the replica which answers this server has not seen. */
  #behind(name: string, subject: string): number {
    if ((this.staleUntil.get(name) ?? 0) <= this.#clock.nowMs) return 0;
    const count = this.jetStream.changeCount(subject);
    const stream = `${name} ${subject.split('.')[2]}`;
    const seen = this.#stale.get(stream) ?? count;
    this.#stale.set(stream, seen);
    return count - seen;
  }

  /** From now on a replica that sees nothing new answers the reads of this server. */
  makeStale(name: string, untilMs: number): void {
    this.staleUntil.set(name, untilMs);
    for (const stream of this.#stale.keys())
      if (stream.startsWith(`${name} `)) this.#stale.delete(stream);
  }

  #send(name: string, subject: string, bytes: Uint8Array): void {
    const count = this.#oneOf(this.#plan.repeated) ? 2 : 1;
    for (let i = 0; i < count; i++) {
      if (this.#isCut(name) || this.#oneOf(this.#plan.lost)) continue;
      const delayMs = this.#oneOf(this.#plan.late) ? this.#random.below(3000) : this.#delay();
      this.#clock.after(delayMs, () => this.#inboxes.get(subject)?.(bytes));
    }
  }
}

/** A commit that does not say which submits have an answer. */
function withoutNotes(request: NatsRequest & { kind: 'publish' }): NatsRequest {
  const commit = decodeCommit(request.bytes);
  if (commit === null) return request;
  const entries = commit.entries.filter(({ kind }) => kind !== EntryKind.ANSWERED);
  return { ...request, bytes: encodeCommit({ ...commit, entries }) };
}

/** Whether any replica may answer. */
function isRead(request: NatsRequest): request is NatsRequest & { kind: 'read' | 'lastOfEach' } {
  return request.kind === 'read' || request.kind === 'lastOfEach';
}

/**
 * Who still has to announce what it has to the new owner of a bucket. Rules:
 * - All servers must that are not dead. They are known from a look that has shown a beat which this server sent after it had
 *   opened its epoch: an older look may lack a server that has got a job from the owner before.
 * - A server that owes its announcement for EXPEL_TTLS is expelled. If more than half do, or this server itself does, the fault
 *   is here, and this server leaves.
 */
import type { BucketEffect, LeaseView } from './bucket-events.ts';

const EXPEL_TTLS = 2;

export class Announcements {
  readonly #lease: LeaseView;
  readonly #ttlMs: number;
  readonly #openedMs: number;
  readonly #owesSince = new Map<string, number>();

  constructor(lease: LeaseView, ttlMs: number, openedMs: number) {
    this.#lease = lease;
    this.#ttlMs = ttlMs;
    this.#openedMs = openedMs;
  }

  /** Whether every server has announced everything. `done`: the servers that have said so. */
  isDone(done: ReadonlySet<string>): boolean {
    return this.#lease.shownSentMs >= this.#openedMs && this.#owing(done).length === 0;
  }

  /** What is to be done about servers that owe for too long. */
  overdue(done: ReadonlySet<string>, nowMs: number): BucketEffect[] {
    if (!this.#lease.isValid(nowMs)) return [];
    const owing = this.#owing(done);
    for (const name of owing) if (!this.#owesSince.has(name)) this.#owesSince.set(name, nowMs);
    const since = (name: string) => this.#owesSince.get(name) ?? nowMs;
    const late = owing.filter((name) => nowMs - since(name) >= EXPEL_TTLS * this.#ttlMs);
    const { incarnation: own } = this.#lease;
    const isOwnFault = late.includes(own) || 2 * late.length > this.#lease.alive().length;
    if (isOwnFault) return [{ type: 'stepDown' }];
    return late.map((incarnation) => ({ type: 'expel', incarnation }));
  }

  #owing(done: ReadonlySet<string>): string[] {
    return this.#lease.alive().filter((incarnation) => !done.has(incarnation));
  }
}

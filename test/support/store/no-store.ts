/** A store that keeps nothing: takes every job, calls it durable at the next flush and remembers none. */
import type { Store, StoreHealth, StoreHost, TakeJob, Ticket } from '../../../src/store/store.ts';
import type { StoredJob } from '../../../src/store/stored-job.ts';

export class NoStore implements Store {
  readonly keepsRuns = true;
  readonly #host: StoreHost;
  #waiting: Ticket[] = [];
  #outcomes: Ticket[] = [];
  #lastReference = 0;
  #jobs = 0;
  #commits = 0;
  #changes = 0;
  #committed = 0;

  constructor(host: StoreHost) {
    this.#host = host;
  }

  append(_job: StoredJob, ticket: Ticket, _isAwaited: boolean): number {
    this.#waiting.push(ticket);
    this.#jobs++;
    this.#changes++;
    this.#lastReference++;
    return this.#lastReference;
  }

  update(_job: StoredJob, _reference: number, ticket: Ticket, _isAwaited: boolean): boolean {
    this.#waiting.push(ticket);
    this.#changes++;
    return true;
  }

  forget(_reference: number): void {
    this.#jobs--;
    this.#changes++;
  }

  flush(_nowMs: number): number {
    if (this.#changes === 0) return Number.POSITIVE_INFINITY;
    this.#commits++;
    this.#committed += this.#changes;
    this.#changes = 0;
    if (this.#waiting.length > 0) this.#host.wake();
    this.#outcomes = this.#outcomes.concat(this.#waiting.splice(0));
    return Number.POSITIVE_INFINITY;
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    for (const ticket of this.#outcomes.splice(0)) done(ticket, true);
  }

  replay(_take: TakeJob, done: (error: Error | null) => void): void {
    done(null);
  }

  get health(): StoreHealth {
    return {
      isAccepting: true,
      jobs: this.#jobs,
      uncommitted: this.#changes,
      commits: this.#commits,
      committed: this.#committed,
      commitMs: 0,
      commitMsMax: 0,
      bytes: 0,
    };
  }

  close(done: () => void): void {
    this.flush(0);
    done();
  }
}

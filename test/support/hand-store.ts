/**
 * A store that commits when a test says so, with its kept and waiting jobs and its forgets visible. Rule: it copies
 * its arguments, as every store must.
 */
import type { Store, StoreHealth, StoreHost, TakeJob, Ticket } from '../../src/store/store.ts';
import { StoredJob, type StoredRuns } from '../../src/store/stored-job.ts';

/** An append, or an update of a job that is kept or waits. */
interface HeldPut {
  readonly reference: number;
  readonly job: StoredJob;
  readonly ticket: Ticket;
}

export class HandStore implements Store {
  readonly keepsRuns = true;
  /** False: `append` refuses. */
  isAccepting = true;
  /** Durable jobs, by reference. */
  readonly kept = new Map<number, StoredJob>();
  readonly waiting: HeldPut[] = [];
  #settled: { readonly ticket: Ticket; readonly isStored: boolean }[] = [];
  #forgotten: number[] = [];
  #host: StoreHost | null = null;
  #lastReference = 0;

  /** For `makeStore`: the same store for a second life of the server. */
  readonly make = (host: StoreHost): Store => {
    this.#host = host;
    return this;
  };

  append(job: StoredJob, ticket: Ticket, _isAwaited: boolean): number {
    if (!this.isAccepting) return 0;
    this.#lastReference++;
    this.waiting.push({ reference: this.#lastReference, job: copyOf(job), ticket });
    return this.#lastReference;
  }

  update(job: StoredJob, reference: number, ticket: Ticket, _isAwaited: boolean): boolean {
    if (this.isAccepting) this.waiting.push({ reference, job: copyOf(job), ticket });
    return this.isAccepting;
  }

  forget(reference: number): void {
    this.#forgotten.push(reference);
  }

  flush(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Makes waiting jobs durable: all of them, or one; 0 is the first. */
  commit(one?: number): void {
    for (const { reference, job, ticket } of this.#take(one)) {
      this.kept.set(reference, job);
      this.#settled.push({ ticket, isStored: true });
    }
    for (const reference of this.#forgotten.splice(0)) this.kept.delete(reference);
    this.#host?.wake();
  }

  /** Refuses waiting jobs: all of them, or one. */
  fail(one?: number): void {
    for (const { ticket } of this.#take(one)) this.#settled.push({ ticket, isStored: false });
    this.#host?.wake();
  }

  #take(one?: number): HeldPut[] {
    return one === undefined ? this.waiting.splice(0) : this.waiting.splice(one, 1);
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    for (const { ticket, isStored } of this.#settled.splice(0)) done(ticket, isStored);
  }

  replay(take: TakeJob, done: (error: Error | null) => void): void {
    for (const [reference, job] of this.kept) take(job, reference, reference);
    done(null);
  }

  get health(): StoreHealth {
    return {
      isAccepting: this.isAccepting,
      jobs: this.kept.size,
      uncommitted: this.waiting.length + this.#forgotten.length,
      commits: 0,
      committed: 0,
      commitMs: 0,
      commitMsMax: 0,
      bytes: 0,
    };
  }

  close(done: () => void): void {
    this.commit();
    done();
  }
}

/** The same job in memory of its own. */
export function copyOf(job: StoredJob): StoredJob {
  return StoredJob.of({
    functionName: Uint8Array.from(job.functionName),
    unique: Uint8Array.from(job.unique),
    reducer: Uint8Array.from(job.reducer),
    priority: job.priority,
    startMs: job.startMs,
    workload: Uint8Array.from(job.workload),
    runs: job.runs === null ? null : runsCopyOf(job.runs),
  });
}

function runsCopyOf(runs: StoredRuns): StoredRuns {
  const { handle, details } = runs;
  const copy = { ...runs, details: Uint8Array.from(details) };
  return handle === undefined ? copy : { ...copy, handle: Uint8Array.from(handle) };
}

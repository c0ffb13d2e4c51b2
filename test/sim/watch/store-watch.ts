/**
 * What the store of one shard was given and has acknowledged, through all lives of the shard: a restart must give back
 * each job as it was acknowledged last, or as a later change would have it, and no job may be missing that never ended.
 */
import { createHash } from 'node:crypto';
import type { Store, Ticket } from '../../../src/store/store.ts';
import type { StoredJob, StoredRuns } from '../../../src/store/stored-job.ts';
import { ensure } from '../transcript.ts';

/** The runs of a job at one time. */
interface State {
  readonly attempts: number;
  readonly isDead: boolean;
}

interface Entry {
  /** What the store was given, oldest first. */
  readonly states: State[];
  /** Place of the last state that is durable, -1 = the job may be lost. */
  durable: number;
  /** Updates whose outcome is not known. */
  undecided: number;
  isForgotten: boolean;
}

export class StoreWatch {
  /** Of this life, by reference. */
  #entries = new Map<number, Entry>();
  /** By what tells jobs apart: of this life, and of the one before until it is read. */
  #byKey = new Map<string, Entry[]>();
  #before = new Map<string, Entry[]>();
  readonly #tickets = new Map<Ticket, { readonly entry: Entry; readonly place: number }>();
  #given = new Map<number, StoredRuns | null>();
  /** What is wrong with the jobs that the restart gave back; nobody hears an error that is thrown while they are read. */
  #wrong: string | null = null;

  /** A store of the next life. */
  watch(store: Store): Store {
    this.#before = this.#byKey;
    this.#byKey = new Map();
    this.#entries = new Map();
    this.#given = new Map();
    this.#tickets.clear();
    this.#wrong = null;
    const append = store.append.bind(store);
    store.append = (job, ticket, isAwaited) => {
      const reference = append(job, ticket, isAwaited);
      if (reference > 0) this.#tickets.set(ticket, { entry: this.#add(job, reference), place: 0 });
      return reference;
    };
    const update = store.update.bind(store);
    store.update = (job, reference, ticket, isAwaited) => {
      const isTaken = update(job, reference, ticket, isAwaited);
      if (isTaken) this.#update(job, reference, ticket);
      else this.#entries.delete(reference);
      return isTaken;
    };
    const forget = store.forget.bind(store);
    store.forget = (reference) => {
      const entry = this.#entries.get(reference);
      if (entry !== undefined) entry.isForgotten = true;
      this.#entries.delete(reference);
      forget(reference);
    };
    const takeOutcomes = store.takeOutcomes.bind(store);
    store.takeOutcomes = (done) =>
      takeOutcomes((ticket, isStored) => {
        this.#decide(ticket, isStored);
        done(ticket, isStored);
      });
    const replay = store.replay.bind(store);
    store.replay = (take, done, postponed) =>
      replay(
        (job, reference, order) => {
          this.#check(job);
          this.#given.set(reference, job.runs);
          this.#add(job, reference).durable = 0;
          take(job, reference, order);
        },
        (error) => {
          if (error === null) this.#checkMissing();
          done(error);
        },
        postponed,
      );
    return store;
  }

  /** Checks what the restart gave back. */
  checkRead(): void {
    ensure(this.#wrong === null, () => this.#wrong as string);
  }

  /** What the restart gave back of the runs of a job; undefined for a job of this life. */
  given(reference: number): StoredRuns | null | undefined {
    return this.#given.get(reference);
  }

  /** Whether a change of the job's runs is on its way to the disk. */
  isUndecided(reference: number): boolean {
    return (this.#entries.get(reference)?.undecided ?? 0) > 0;
  }

  /** Checks that the store was told of the runs of a job, unless it refused that. */
  checkTold(reference: number, { attempts, isDead }: State): void {
    const last = this.#entries.get(reference)?.states.at(-1);
    ensure(
      last === undefined || (last.attempts === attempts && last.isDead === isDead),
      () =>
        `the store knows ${JSON.stringify(last)} of a job with ${attempts} attempts, dead: ${isDead}`,
    );
  }

  #add(job: StoredJob, reference: number): Entry {
    const entry = { states: [stateOf(job)], durable: -1, undecided: 0, isForgotten: false };
    this.#entries.set(reference, entry);
    const key = keyOf(job);
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), entry]);
    return entry;
  }

  #update(job: StoredJob, reference: number, ticket: Ticket): void {
    const entry = this.#entries.get(reference);
    if (entry === undefined) return;
    entry.undecided++;
    this.#tickets.set(ticket, { entry, place: entry.states.push(stateOf(job)) - 1 });
  }

  #decide(ticket: Ticket, isStored: boolean): void {
    const decided = this.#tickets.get(ticket);
    if (decided === undefined) return;
    const { entry, place } = decided;
    this.#tickets.delete(ticket);
    if (place > 0) entry.undecided--;
    if (isStored) entry.durable = Math.max(entry.durable, place);
  }

  #check(job: StoredJob): void {
    const [entry, other] = this.#before.get(keyOf(job)) ?? [];
    // Jobs without anything of their own cannot be told apart.
    if (entry === undefined || other !== undefined) return;
    this.#before.delete(keyOf(job));
    const { attempts, isDead } = stateOf(job);
    const possible = entry.states.slice(Math.max(0, entry.durable));
    if (!possible.some((state) => state.attempts === attempts && state.isDead === isDead))
      this.#wrong = `a job comes back with ${attempts} attempts, dead: ${isDead}, must be ${JSON.stringify(possible)}`;
  }

  #checkMissing(): void {
    for (const [entry, other] of this.#before.values())
      if (entry !== undefined && other === undefined && entry.durable >= 0 && !entry.isForgotten)
        this.#wrong = `a durable job does not come back: ${JSON.stringify(entry)}`;
  }
}

function stateOf({ runs }: StoredJob): State {
  return { attempts: runs?.attempts ?? 0, isDead: runs?.isDead ?? false };
}

function keyOf({ functionName, unique, workload }: StoredJob): string {
  const hash = createHash('sha1');
  for (const part of [functionName, unique, workload]) hash.update(`${part.length} `).update(part);
  return hash.digest('hex');
}

/**
 * The broker of one shard, as far as a store in a database sees it: it appends, updates, kicks and forgets jobs within
 * the rules of `Store`, repeats refused updates, and remembers what was acknowledged. Rule: each change of a job's runs
 * has a number, its version, which is kept in the details of the runs; so what a database has is one of these versions.
 */

import type { FoundRuns } from '../../../src/store/database/backend.ts';
import { DatabaseStore } from '../../../src/store/database/database-store.ts';
import { KeyTable } from '../../../src/store/database/key-table.ts';
import { type BatchLimits, PendingBatches } from '../../../src/store/database/pending-batches.ts';
import { StoredJob } from '../../../src/store/stored-job.ts';
import { type Fault, type ModelDatabase, UNFIT } from './model-database.ts';
import { ModelThread } from './model-thread.ts';

interface State {
  readonly isDead: boolean;
  readonly attempts: number;
  readonly hasRuns: boolean;
}

export interface ModelJob {
  readonly number: number;
  readonly unique: string;
  reference: number;
  /** By version. */
  readonly states: State[];
  /** The last version that was acknowledged; -1: not even the job. */
  kept: number;
  /** Its last update was refused: the database has an older version. */
  isBehind: boolean;
  /** Outages when it was appended. */
  readonly outages: number;
}

interface Found {
  readonly number: number;
  readonly version: number;
  readonly isDead: boolean;
  readonly attempts: number;
}

/** Few puts fill a batch, so that several wait. */
const LIMITS: BatchLimits = { bytes: 300, puts: 3, forgets: 2 };
const HAND = 'by hand';
const FLUSH_MS = 1000;
const STRAY = '0123456789ab:stray';

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

function must(isSo: boolean, rule: string): void {
  if (!isSo) throw new Error(rule);
}

/** Whether this name is that of a row that no job has. */
const isByHand = (workload: string): boolean => workload.startsWith(HAND);

/** Rows in use of each key table, to see that each is freed once. */
const usedRows = new WeakMap<KeyTable, Set<number>>();
/** The batches whose outcomes were taken last. */
let lastPending: PendingBatches | null = null;

const { add, free } = KeyTable.prototype;
const { takeOutcomes } = PendingBatches.prototype;

KeyTable.prototype.add = function (this: KeyTable, ...parts): number {
  const row = add.apply(this, parts);
  const used = usedRows.get(this) ?? new Set();
  usedRows.set(this, used);
  must(!used.has(row), 'a row of the key table is used twice');
  used.add(row);
  return row;
};

KeyTable.prototype.free = function (this: KeyTable, row): void {
  must(usedRows.get(this)?.delete(row) === true, 'a row of the key table is freed twice');
  free.call(this, row);
};

PendingBatches.prototype.takeOutcomes = function (this: PendingBatches, done): void {
  lastPending = this;
  takeOutcomes.call(this, done);
};

export class ModelCaller {
  readonly #database: ModelDatabase;
  readonly #relaxedMs: number | null;
  #thread: ModelThread;
  #store: DatabaseStore;
  jobs: ModelJob[] = [];
  /** Jobs that may still be in the database: forgotten or refused, not yet removed. */
  readonly #leaving = new Map<number, ModelJob>();
  /** By number: the version that the database had last. */
  readonly #seen = new Map<number, number>();
  /** By ticket: job and version; a new job has -1. */
  readonly #tickets = new Map<number, { readonly job: ModelJob; readonly version: number }>();
  #lastTicket = 0;
  #lastNumber = 0;
  #nowMs = FLUSH_MS;
  /** Uniques of rows that were made by hand, ever and now. */
  readonly #byHand = new Set<string>();
  readonly #handRows = new Set<string>();
  /** Jobs whose last version the store has not taken, in the order of their changes. */
  readonly #unsaved = new Set<ModelJob>();
  #outages = 0;
  #hadFault = false;

  private constructor(database: ModelDatabase, relaxedMs: number | null) {
    this.#database = database;
    this.#relaxedMs = relaxedMs;
    this.#thread = new ModelThread(database);
    this.#store = this.#newStore();
  }

  static async begin(database: ModelDatabase, relaxedMs: number | null): Promise<ModelCaller> {
    const caller = new ModelCaller(database, relaxedMs);
    await caller.#replay(true);
    return caller;
  }

  get live(): ModelJob[] {
    return this.jobs.filter((job) => !stateOf(job).isDead);
  }

  get dead(): ModelJob[] {
    return this.jobs.filter((job) => stateOf(job).isDead);
  }

  append(unique: string, kind: 'plain' | 'tried' | 'dead', isAwaited: boolean): void {
    if (kind !== 'dead' && !this.#isFree(unique)) return;
    const hasRuns = kind !== 'plain';
    const states = [{ isDead: kind === 'dead', attempts: hasRuns ? 3 : 0, hasRuns }];
    const number = ++this.#lastNumber;
    const job: ModelJob = {
      ...{ number, unique, states, reference: 0, kept: -1 },
      ...{ isBehind: false, outages: this.#outages },
    };
    const ticket = ++this.#lastTicket;
    job.reference = this.#store.append(storedOf(job), ticket, isAwaited);
    if (job.reference === 0) return;
    this.#tickets.set(ticket, { job, version: -1 });
    this.jobs.push(job);
  }

  /** A run has failed, or the job has died. */
  fail(job: ModelJob, isDead: boolean): void {
    this.#change(job, { isDead, attempts: stateOf(job).attempts + 1, hasRuns: true });
  }

  kick(job: ModelJob): void {
    if (this.#isFree(job.unique)) this.#change(job, { isDead: false, attempts: 0, hasRuns: true });
  }

  forget(job: ModelJob): void {
    this.#remove(job);
    this.#store.forget(job.reference);
  }

  /** Adds a row as a user does, unless there is one; removes it again. */
  byHand(unique: string, isThere: boolean): void {
    const { rows } = this.#database;
    const place = `f/${unique}`;
    const row = rows.get(place);
    if (!isThere && row !== undefined && !isByHand(text(row.workload))) return;
    if (!isThere) {
      if (row !== undefined) rows.delete(place);
      this.#handRows.delete(unique);
      return;
    }
    if (row !== undefined) return;
    this.#byHand.add(unique);
    this.#handRows.add(unique);
    rows.set(place, {
      ...{ key: Buffer.from(unique), functionName: Buffer.from('f'), priority: 1 },
      ...{ startSeconds: 0, workload: Buffer.from(`${HAND} ${unique}`) },
    });
  }

  flush(isLater: boolean): void {
    if (isLater) this.#nowMs += FLUSH_MS;
    this.#store.flush(this.#nowMs);
  }

  async write(faults: readonly Fault[], isGivenUp: boolean, isLate: boolean): Promise<void> {
    if (faults.length > 0) this.#hadFault = true;
    if (isGivenUp) this.#hadFault = true;
    await this.#thread.write(faults, isGivenUp, isLate);
  }

  /** The next answer comes; a turn begins. */
  deliver(): void {
    const wasAccepting = this.#store.health.isAccepting;
    this.#thread.deliver();
    if (wasAccepting && !this.#store.health.isAccepting) this.#outages++;
    if (this.#unsaved.size > 0) this.take();
  }

  /** Takes the outcomes, and repeats updates that were refused. */
  take(): void {
    this.#store.takeOutcomes((ticket, isStored) => {
      const known = this.#tickets.get(ticket);
      must(known !== undefined, 'a ticket is answered twice, or was never given');
      this.#tickets.delete(ticket);
      if (known !== undefined) this.#onOutcome(known.job, known.version, isStored);
    });
    const isUnanswered = [...this.#tickets.values()].some(({ version }) => version < 0);
    must(
      this.#store.health.isAccepting || !isUnanswered,
      'an outage leaves a client without answer',
    );
    for (const job of this.#unsaved) if (!this.#update(job)) break;
  }

  lose(): void {
    this.#hadFault = true;
    this.#thread.lose();
  }

  comeBack(): Promise<void> {
    return this.#thread.comeBack();
  }

  /** The shard ends at once, and another takes its place. */
  async restart(faults: readonly Fault[], isGivenUp: boolean, isFirst: boolean): Promise<void> {
    await this.#thread.end(faults, isGivenUp);
    for (const job of this.jobs) if (job.kept < 0) this.#leaving.set(job.number, job);
    const before = new Map(
      [...this.jobs, ...this.#leaving.values()].map((job) => [job.number, job]),
    );
    this.check();
    const stored = this.jobs.filter(({ kept }) => kept >= 0).map(({ number }) => number);
    this.#thread = new ModelThread(this.#database);
    this.#store = this.#newStore();
    this.#tickets.clear();
    this.#leaving.clear();
    this.#unsaved.clear();
    this.jobs = [];
    if (isFirst) this.#database.runs.set(STRAY, strayRuns());
    await this.#replay(isFirst, before);
    must(!this.#database.runs.has(STRAY), 'runs without a job stay at a start');
    const back = new Set(this.jobs.map(({ number }) => number));
    must(back.size === this.jobs.length, 'a job comes back twice');
    for (const number of stored) must(back.has(number), 'a stored job does not come back');
  }

  /** What holds at every moment. */
  check(): void {
    const found = this.#found();
    const numbers = new Set(found.map(({ number }) => number));
    must(numbers.size === found.length, 'a job is in the database twice');
    const jobs = new Map(this.jobs.map((job) => [job.number, job]));
    for (const { number, version, isDead, attempts } of found) {
      const job = jobs.get(number) ?? this.#leaving.get(number);
      must(job !== undefined, 'the database has a job that was removed before');
      const state = job?.states[version];
      must(state?.isDead === isDead, 'a job is dead or alive against what it was');
      must(state?.attempts === attempts, 'the attempts of a job are not those of its version');
      must(version >= (this.#seen.get(number) ?? 0), 'a job goes back to an older version');
      this.#seen.set(number, version);
    }
    for (const { number, kept } of this.jobs) {
      if (kept < 0) continue;
      must(numbers.has(number), 'a stored job is not in the database');
      must(
        (this.#seen.get(number) as number) >= kept,
        'an acknowledged update is not in the database',
      );
    }
  }

  /** Lets everything be written; then the database has exactly what the broker has. */
  async settle(): Promise<void> {
    await this.comeBack();
    for (let i = 0; this.#isUnsettled(); i++) {
      must(i < 100, 'the store does not come to rest');
      this.flush(true);
      await this.write([], false, false);
      this.deliver();
      this.take();
      this.check();
    }
    this.take();
    this.#leaving.clear();
    this.check();
    const found = new Map(this.#found().map((one) => [one.number, one]));
    must(found.size === this.jobs.length, 'the database has other jobs than the broker');
    for (const { number, states, isBehind } of this.jobs)
      must(
        isBehind || found.get(number)?.version === states.length - 1,
        'the database does not have the last version of a job',
      );
    const withRuns = this.jobs.filter(({ number }) => this.#keptRuns().has(number)).length;
    must(this.#database.runs.size === withRuns, 'there are runs without a job');
    must(this.#store.health.jobs === this.jobs.length, 'the key table has other rows than jobs');
    must(this.#tickets.size === 0, 'a ticket was not answered');
    must(lastPending?.putBytes === 0, 'bytes are counted that no longer wait');
    if (!this.#hadFault) for (const unique of this.#handRows) this.#checkHand(unique);
  }

  #onOutcome(job: ModelJob, version: number, isStored: boolean): void {
    if (isStored) {
      // A job that has ended meanwhile may come back as it was before.
      if (!this.jobs.includes(job)) return;
      job.kept = Math.max(job.kept, version, 0);
      if (version === job.states.length - 1) job.isBehind = false;
      return;
    }
    const isOutage = version < 0 && this.#outages > job.outages;
    const isEnded = version >= 0 && !this.jobs.includes(job);
    const isExplained = isOutage || isEnded || this.#byHand.has(job.unique) || job.unique === UNFIT;
    must(isExplained, 'a job is refused without a reason');
    if (version === job.states.length - 1) job.isBehind = true;
    if (version >= 0) return;
    this.#remove(job);
  }

  #remove(job: ModelJob): void {
    this.jobs = this.jobs.filter((other) => other !== job);
    this.#unsaved.delete(job);
    this.#leaving.set(job.number, job);
  }

  #change(job: ModelJob, state: State): void {
    job.states.push(state);
    this.#unsaved.add(job);
    this.#update(job);
  }

  #update(job: ModelJob): boolean {
    const ticket = ++this.#lastTicket;
    if (!this.#store.update(storedOf(job), job.reference, ticket, ticket % 2 === 0)) return false;
    this.#unsaved.delete(job);
    this.#tickets.set(ticket, { job, version: job.states.length - 1 });
    return true;
  }

  #isUnsettled(): boolean {
    const isWaiting = this.#store.health.uncommitted > 0 || this.#unsaved.size > 0;
    return isWaiting || this.#thread.isBusy || this.#tickets.size > 0;
  }

  #isFree(unique: string): boolean {
    return unique === '' || !this.live.some((job) => job.unique === unique);
  }

  /** What a start would find. */
  #found(): Found[] {
    const { rows, runs } = this.#database;
    const found: Found[] = [];
    for (const { workload, functionName, key } of rows.values()) {
      if (text(functionName) !== 'f' || isByHand(text(workload))) continue;
      const number = Number(text(workload));
      const own = [...runs.values()].find(
        (one) => !one.isDead && text(one.key) === text(key) && numberIn(one.details) === number,
      );
      const version = own === undefined ? 0 : versionIn(own.details);
      found.push({ number, version, isDead: false, attempts: own?.attempts ?? 0 });
    }
    for (const { isDead, workload, details, attempts } of runs.values())
      if (isDead)
        found.push({
          ...{ number: Number(text(workload)), version: versionIn(details) },
          ...{ isDead, attempts: attempts ?? 0 },
        });
    return found;
  }

  /** Numbers of jobs with runs in the database. */
  #keptRuns(): Set<number> {
    return new Set([...this.#database.runs.values()].map(({ details }) => numberIn(details)));
  }

  /** A row that was made by hand is there until it is removed by hand. */
  #checkHand(unique: string): void {
    const row = this.#database.rows.get(`f/${unique}`);
    must(row !== undefined && isByHand(text(row.workload)), 'a row made by hand is gone');
  }

  #newStore(): DatabaseStore {
    const host = { wake: () => {}, log: () => {}, nowMs: () => this.#nowMs };
    const options = { port: this.#thread.port(), relaxedMs: this.#relaxedMs, keepsRuns: true };
    return new DatabaseStore({ ...options, limits: LIMITS }, host);
  }

  async #replay(
    isFirst: boolean,
    before: ReadonlyMap<number, ModelJob> = new Map(),
  ): Promise<void> {
    const ended: number[] = [];
    this.#store.replay(
      (stored, reference) => {
        const workload = text(stored.workload);
        if (isByHand(workload)) {
          // It is a job like any other, which ends at once.
          this.#handRows.delete(text(stored.unique));
          ended.push(reference);
          return;
        }
        const known = before.get(Number(workload));
        must(known !== undefined, 'a job comes back that was removed');
        const version = stored.runs === null ? 0 : versionIn(stored.runs.details);
        const state = known?.states[version] as State;
        must(
          stored.runs?.isDead === state.isDead || stored.runs === null,
          'a job comes back changed',
        );
        must((stored.runs?.attempts ?? 0) === state.attempts, 'attempts come back changed');
        const { number, unique, states, kept } = known as ModelJob;
        must(text(stored.unique) === unique, 'a unique comes back changed');
        this.jobs.push({
          ...{ number, unique, reference, kept: Math.max(kept, version) },
          ...{ states: states.slice(0, version + 1), isBehind: false, outages: this.#outages },
        });
      },
      (error) => must(error === null, 'the replay fails'),
    );
    await this.#thread.replay(isFirst);
    for (const reference of ended) this.#store.forget(reference);
  }
}

function stateOf(job: ModelJob): State {
  return job.states.at(-1) as State;
}

function storedOf(job: ModelJob): StoredJob {
  const { number, unique, states } = job;
  const { isDead, attempts, hasRuns } = stateOf(job);
  const details = Buffer.from(`${number}:${states.length - 1}`);
  const runs = { attempts, losses: 0, dueMs: 5, delayMs: 3, isDead, details };
  return StoredJob.of({
    ...{ functionName: Buffer.from('f'), unique: Buffer.from(unique), reducer: Buffer.from('') },
    ...{ priority: 1, startMs: 0, workload: Buffer.from(`${number}`), runs: hasRuns ? runs : null },
  });
}

function numberIn(details: Uint8Array | null): number {
  return Number(text(details).split(':')[0]);
}

function versionIn(details: Uint8Array | null): number {
  return Number(text(details).split(':')[1]);
}

/** Runs of a job that another server has taken. */
function strayRuns(): FoundRuns {
  return {
    ...{ id: Buffer.from(STRAY), key: Buffer.from('a'), functionName: Buffer.from('f') },
    ...{ fingerprint: Buffer.alloc(16), handle: null, attempts: 1, losses: 0, dueMs: 0 },
    ...{ delayMs: 0, isDead: false, details: null, priority: null, workload: null },
  };
}

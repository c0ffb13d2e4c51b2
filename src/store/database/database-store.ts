/**
 * The store of one shard whose jobs a database keeps. It gathers changes and hands them, one batch at a time, to the
 * thread that talks to the database (database-thread.ts); during an outage new jobs are refused and forgets are kept.
 * Rule: jobs that `takeOutcomes` reports as stored are in the database; removing a row is repeated until it has
 * succeeded.
 */
import { assert } from '../../base/assert.ts';
import { LogLevel } from '../../base/logger.ts';
import { CommitFigures } from '../commit-figures.ts';
import { FlushGate } from '../flush-gate.ts';
import { mayWait } from '../pending-limit.ts';
import type { Store, StoreHealth, StoreHost, TakeJob, Ticket } from '../store.ts';
import { StoredJob, type StoredRuns } from '../stored-job.ts';
import type { Put } from './backend.ts';
import { KeyTable, PutState } from './key-table.ts';
import type { FromDatabase, Port, ToDatabase } from './messages.ts';
import { putBytes, unpackPuts } from './packed.ts';
import { type BatchLimits, PendingBatches } from './pending-batches.ts';
import { Reasons } from './reasons.ts';
import { IdMaker } from './runs-row.ts';
import { KeyMaker, uniqueOf } from './stored-key.ts';

const NO_BYTES = new Uint8Array(0);

export type StorePort = Port<ToDatabase, FromDatabase>;

export interface DatabaseStoreOptions {
  /** To the thread of the database. */
  readonly port: StorePort;
  /** Interval of batches without a waiting client; null: at once. */
  readonly relaxedMs: number | null;
  /** Whether this kind of database keeps the runs of jobs. */
  readonly keepsRuns: boolean;
  /** Missing: 1 MiB, 8192 puts and 8192 forgets. */
  readonly limits?: BatchLimits;
}

export class DatabaseStore implements Store {
  readonly keepsRuns: boolean;
  readonly #port: StorePort;
  readonly #host: StoreHost;
  readonly #keys = new KeyTable();
  readonly #pending: PendingBatches;
  readonly #keyMaker = new KeyMaker();
  readonly #ids = new IdMaker();
  readonly #reasons: Reasons;
  readonly #gate: FlushGate;
  readonly #figures = new CommitFigures();
  #isAway = true;
  #aways = 0;
  #isClosing = false;
  #closed: (() => void) | null = null;
  #replayed: ((error: Error | null) => void) | null = null;
  #take: TakeJob = () => {};
  #postponed: () => void = () => {};
  #lastOrder = 0;
  #expectedRows = 0;
  /** Puts and forgets being written. */
  #sent = 0;

  constructor(options: DatabaseStoreOptions, host: StoreHost) {
    this.#port = options.port;
    this.keepsRuns = options.keepsRuns;
    this.#host = host;
    this.#pending = new PendingBatches(this.#keys, options.limits);
    this.#reasons = new Reasons(host);
    this.#gate = new FlushGate(options.relaxedMs);
  }

  append(job: StoredJob, ticket: Ticket, isAwaited: boolean): number {
    if (this.#isAway || this.#isClosing) return 0;
    if (job.reducer.length > 0) return this.#refuse('its reducer cannot be stored');
    if (job.runs !== null && !this.keepsRuns) return this.#refuse('its runs cannot be stored');
    const key = this.#keyMaker.keyFor(job.unique);
    if (key === null) return this.#refuse('its unique looks like a key of a job without one');
    const put: Put = {
      key,
      functionName: job.functionName,
      priority: job.priority,
      startSeconds: Math.ceil(job.startMs / 1000),
      workload: job.workload,
      runs: job.runs === null ? null : { ...job.runs, id: this.#ids.next() },
    };
    if (!mayWait(this.#pending.putBytes, putBytes(put))) return 0;
    return this.#pending.put(put, ticket, isAwaited) + 1;
  }

  update(job: StoredJob, reference: number, ticket: Ticket, isAwaited: boolean): boolean {
    const { runs } = job;
    assert(this.keepsRuns && runs !== null, 'update a job in a database that keeps no runs');
    if (this.#isAway || this.#isClosing) return false;
    const row = reference - 1;
    const { key, functionName } = this.#keys.key(row);
    const { id } = this.#pending.known(row, () => this.#ids.next());
    const put: Put = {
      key: key.slice(),
      functionName: functionName.slice(),
      priority: job.priority,
      startSeconds: Math.ceil(job.startMs / 1000),
      workload: job.workload.slice(),
      runs: { ...ownRuns(runs), id },
    };
    if (!mayWait(this.#pending.putBytes, putBytes(put))) return false;
    this.#pending.update(row, put, ticket, isAwaited);
    if (this.#pending.hasOutcomes) this.#host.wake();
    return true;
  }

  forget(reference: number): void {
    if (this.#isClosing) return;
    this.#pending.forget(reference - 1);
    if (this.#pending.hasOutcomes) this.#host.wake();
  }

  flush(nowMs: number): number {
    if (this.#isAway || this.#isClosing || this.#pending.isUnderWay || this.#pending.isEmpty)
      return Number.POSITIVE_INFINITY;
    const dueMs = this.#gate.dueMs(this.#pending.isAwaited);
    if (nowMs < dueMs) return dueMs;
    this.#gate.pass(nowMs);
    this.#send();
    return Number.POSITIVE_INFINITY;
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    this.#pending.takeOutcomes(done);
  }

  replay(take: TakeJob, done: (error: Error | null) => void, postponed = () => {}): void {
    this.#take = take;
    this.#postponed = postponed;
    this.#replayed = done;
    this.#port.on('message', (message) => this.#onMessage(message));
    this.#port.on('close', () => this.#onPortClosed());
    this.#port.postMessage({ type: 'replay' });
  }

  get health(): StoreHealth {
    return {
      isAccepting: !this.#isAway && !this.#isClosing,
      jobs: Math.max(this.#keys.count, this.#expectedRows),
      uncommitted: this.#pending.changes,
      ...this.#figures,
      bytes: 0,
    };
  }

  close(done: () => void): void {
    this.#isClosing = true;
    this.#closed = done;
    this.#goOn();
  }

  #refuse(reason: string): 0 {
    this.#reasons.tell(reason);
    return 0;
  }

  #send(): void {
    const chunk = this.#pending.take();
    if (chunk === null) return;
    this.#figures.begin(this.#host.nowMs());
    this.#sent = chunk.putCount + chunk.forgetCount;
    const forgets = chunk.forgets.used.slice();
    const runsForgets = chunk.runsForgets.used.slice();
    const puts = chunk.puts.used;
    const message = { type: 'batch', aways: this.#aways, forgets, runsForgets, puts } as const;
    this.#port.postMessage(message, [forgets.buffer, runsForgets.buffer, puts.buffer]);
  }

  #onMessage(message: FromDatabase): void {
    if (message.type === 'rows') this.#restore(message.puts);
    else if (message.type === 'later') this.#postponed();
    else if (message.type === 'expect') this.#expectedRows = message.rows;
    else if (message.type === 'replayed') this.#onReplayed(message.error, message.isAway);
    else if (message.type === 'written') this.#onWritten(message);
    else if (message.type === 'back') this.#isAway = false;
    else this.#onAway();
    if (this.#pending.hasOutcomes) this.#host.wake();
    this.#goOn();
  }

  #restore(puts: Uint8Array): void {
    for (const put of unpackPuts(puts)) {
      if (put === null) continue;
      const { functionName, priority, workload, runs = null } = put;
      const row = this.#keys.add(put.key, functionName, PutState.STORED, 0);
      if (runs !== null) this.#keys.runs.set(row, { id: runs.id.slice(), hasRow: !runs.isDead });
      const unique = uniqueOf(put.key) as Uint8Array;
      const startMs = put.startSeconds * 1000;
      const parts = { functionName, unique, reducer: NO_BYTES, priority, startMs, workload };
      const kept = runs === null ? null : ownRuns(runs);
      this.#take(StoredJob.of({ ...parts, runs: kept }), row + 1, ++this.#lastOrder);
    }
    this.#port.postMessage({ type: 'taken' });
    // Jobs that came late may wake workers.
    this.#host.wake();
  }

  #onReplayed(error: string | null, isAway: boolean): void {
    this.#expectedRows = 0;
    this.#isAway = isAway || error !== null;
    this.#take = () => {};
    const done = this.#replayed;
    this.#replayed = null;
    done?.(error === null ? null : new Error(error));
  }

  #onWritten({ refusals }: FromDatabase & { readonly type: 'written' }): void {
    this.#pending.written(refusals);
    for (const { reason } of refusals) this.#reasons.tell(reason);
    this.#figures.end(this.#sent - refusals.length, this.#host.nowMs());
  }

  #onAway(): void {
    this.#isAway = true;
    this.#aways++;
    this.#pending.failed();
  }

  /** The thread of the database has ended, so the server ends too. */
  #onPortClosed(): void {
    this.#onAway();
    this.#onReplayed('the thread of the database has ended', true);
    if (this.#pending.hasOutcomes) this.#host.wake();
    this.#goOn();
  }

  /** Sends the next batch, or ends. When the server closes, it does not wait for an unreachable database. */
  #goOn(): void {
    if (this.#pending.isUnderWay) return;
    const isUrgent = this.#closed !== null || this.#gate.dueMs(this.#pending.isAwaited) === 0;
    if (!this.#isAway && !this.#pending.isEmpty) {
      if (isUrgent) this.#send();
      else this.#host.wake();
      return;
    }
    const closed = this.#closed;
    if (closed === null) return;
    this.#closed = null;
    const left = this.#pending.forgets;
    if (left > 0)
      this.#host.log(
        LogLevel.ERROR,
        `the database is away: ${left} jobs that have ended will come back at the next start`,
      );
    const { updates } = this.#pending;
    if (updates > 0)
      this.#host.log(
        LogLevel.ERROR,
        `the database is away: ${updates} jobs will come back with the attempts that they had before their last runs`,
      );
    this.#port.postMessage({ type: 'end' });
    this.#port.close();
    closed();
  }
}

/** Copies, without the id. */
function ownRuns(from: StoredRuns): StoredRuns {
  const { attempts, losses, dueMs, delayMs, isDead, details, handle = NO_BYTES } = from;
  const runs = { attempts, losses, dueMs, delayMs, isDead, details: details.slice() };
  return handle.length === 0 ? runs : { ...runs, handle: handle.slice() };
}

/**
 * Changes that wait for a batch, the batch being written, and outcomes of puts until the server asks. Chunks are
 * written in order, and a forget is never written after a later put of the same key. Rule: after a failed batch the
 * content of the database is unknown, so puts of new jobs are refused and removed with the next batch; forgets and
 * updates of stored jobs are kept until they have been written.
 *
 * A job has at most one put that waits or is being written. A later update takes the place of an update that waits;
 * otherwise it is held until the put has been written.
 */
import type { Ticket } from '../store.ts';
import { Change, type Put, type Refusal } from './backend.ts';
import { Chunk, type Update } from './chunk.ts';
import { type KeyTable, type KnownRuns, PutState } from './key-table.ts';
import { putBytes } from './packed.ts';

/** What one batch takes at most. */
export interface BatchLimits {
  /** Of its puts, except for a single larger workload. */
  readonly bytes: number;
  readonly puts: number;
  readonly forgets: number;
}

const BATCH_LIMITS: BatchLimits = { bytes: 1024 * 1024, puts: 8192, forgets: 8192 };

interface Outcome {
  readonly ticket: Ticket;
  readonly isStored: boolean;
  /** Row of the key table that becomes free when this outcome has been reported, or -1. */
  readonly row: number;
}

export class PendingBatches {
  readonly #keys: KeyTable;
  readonly #limits: BatchLimits;
  readonly #chunks: Chunk[] = [];
  #underWay: Chunk | null = null;
  /** Updates that wait until the put of their job has been written, by row: the last one of each. */
  readonly #held = new Map<number, Update>();
  #outcomes: Outcome[] = [];
  #lastId = 0;
  /** Bytes of puts that are not written yet. */
  putBytes = 0;

  constructor(keys: KeyTable, limits = BATCH_LIMITS) {
    this.#keys = keys;
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#chunks.every((chunk) => chunk.isEmpty);
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  get hasOutcomes(): boolean {
    return this.#outcomes.length > 0;
  }

  /** Puts and forgets that are not written yet, including those being written. */
  get changes(): number {
    const waiting = this.#chunks.reduce((sum, one) => sum + one.putCount + one.forgetCount, 0);
    const underWay = (this.#underWay?.putCount ?? 0) + (this.#underWay?.forgetCount ?? 0);
    return waiting + underWay + this.#held.size;
  }

  get forgets(): number {
    const waiting = this.#chunks.reduce((sum, one) => sum + one.forgetCount, 0);
    return waiting + (this.#underWay?.forgetCount ?? 0);
  }

  /** Updates of stored jobs that are not written yet. */
  get updates(): number {
    const waiting = this.#chunks.reduce((sum, one) => sum + one.updates.size, 0);
    return waiting + (this.#underWay?.updates.size ?? 0) + this.#held.size;
  }

  /** Whether a client waits for a put that is not being written yet. */
  get isAwaited(): boolean {
    return this.#chunks.some((chunk) => chunk.awaited > 0);
  }

  /** A new job. Returns its row in the key table. */
  put(put: Put, ticket: Ticket, isAwaited: boolean): number {
    const chunk = this.#last((last) => last.puts.length < this.#limits.bytes);
    const row = this.#keys.add(put.key, put.functionName, chunk.id, chunk.rows.length);
    const { runs = null } = put;
    if (runs !== null) this.#keys.runs.set(row, { id: runs.id, hasRow: false });
    this.#add(chunk, runs?.isDead ? { ...put, change: Change.RUNS } : put, row, ticket, isAwaited);
    return row;
  }

  /** The runs of a job have changed. `put` has its id and owns its bytes. */
  update(row: number, put: Put, ticket: Ticket, isAwaited: boolean): void {
    const id = this.#keys.batch(row);
    const update = { put, tickets: [ticket], isAwaited };
    if (id === PutState.REFUSED) this.#report(update.tickets, false);
    else if (id === this.#underWay?.id) this.#hold(row, update);
    else if (id === PutState.STORED) this.#addUpdate(row, update, null);
    else this.#replace(id, row, update);
  }

  /** What is known of the runs of a job; `makeId` makes an id when it had none before. */
  known(row: number, makeId: () => Uint8Array): KnownRuns {
    const before = this.#keys.runs.get(row);
    if (before !== undefined) return before;
    const id = this.#keys.batch(row);
    const isNew = id !== PutState.STORED && id !== this.#underWay?.id;
    const made: KnownRuns = { id: makeId(), hasRow: !isNew };
    this.#keys.runs.set(row, made);
    return made;
  }

  /** The job has ended: its row is removed if it exists; its put is dropped if it is not being written yet. */
  forget(row: number): void {
    const id = this.#keys.batch(row);
    if (id === PutState.REFUSED) return;
    if (id === this.#underWay?.id) {
      this.#underWay.forgotten.add(this.#keys.number(row));
      return;
    }
    const chunk =
      id === PutState.STORED
        ? this.#last((last) => last.forgetCount < this.#limits.forgets)
        : this.#drop(id, row);
    if (chunk !== null) this.#forgetIn(chunk, row);
    this.#keys.free(row);
  }

  /** Takes the next chunk for writing; null when nothing waits. */
  take(): Chunk | null {
    while (this.#chunks[0]?.isEmpty) this.putBytes -= (this.#chunks.shift() as Chunk).puts.length;
    this.#underWay = this.#chunks.shift() ?? null;
    return this.#underWay;
  }

  /** The batch is durable, except these puts. */
  written(refusals: readonly Refusal[]): void {
    const chunk = this.#underWay as Chunk;
    this.#underWay = null;
    this.putBytes -= chunk.puts.length;
    const refused = new Set(refusals.map(({ index }) => index));
    for (const [number, row] of chunk.rows.entries()) {
      if (row < 0) continue;
      const isStored = !refused.has(number);
      const isUpdate = chunk.updates.has(number);
      this.#learn(chunk, number, row, isStored);
      if (isUpdate) this.#report(chunk.ticketsOf(number), isStored);
      else this.#told(chunk, number, row, isStored);
      if (!isStored && !isUpdate) continue;
      this.#keys.setBatch(row, PutState.STORED);
      if (chunk.forgotten.has(number)) {
        this.#unhold(row, true);
        this.#forgetIn(this.#first(), row);
        this.#keys.free(row);
      }
    }
    this.#goOn();
  }

  /** The outcome of the batch is unknown, and waiting changes cannot be written soon. */
  failed(): void {
    const chunk = this.#underWay;
    this.#underWay = null;
    for (const waiting of this.#chunks) this.#refuse(waiting);
    if (chunk === null) return;
    const retry = new Chunk(++this.#lastId, true);
    retry.forgetAllOf(chunk);
    const again: (readonly [number, Update])[] = [];
    for (const [number, row] of chunk.rows.entries()) {
      if (row < 0) continue;
      const update = chunk.updates.get(number);
      if (update === undefined) {
        this.#forgetIn(retry, row, chunk.changes.get(number) !== Change.RUNS);
        continue;
      }
      const known = this.#keys.runs.get(row) as KnownRuns;
      if (chunk.changes.get(number) !== Change.RUNS) known.hasRow = null;
      if (!chunk.forgotten.has(number)) again.push([row, update]);
      else {
        this.#report(update.tickets, true);
        this.#unhold(row, true);
        this.#forgetIn(retry, row);
        this.#keys.free(row);
      }
    }
    this.#refuseNew(chunk, () => {});
    this.#dropAll(chunk);
    for (const [row, update] of again)
      this.#addUpdate(row, this.#withHeld(row, update, false), retry);
    if (!retry.isEmpty) this.#chunks.unshift(retry);
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    for (const { ticket, isStored, row } of this.#outcomes.splice(0)) {
      done(ticket, isStored);
      if (row >= 0) this.#keys.free(row);
    }
  }

  #add(chunk: Chunk, put: Put, row: number, ticket: Ticket, isAwaited: boolean): void {
    chunk.put(put, row, ticket, isAwaited);
    this.putBytes += putBytes(put);
  }

  /** Adds an update to `chunk`, or to the last one: a job that is queued again comes after forgets of its key. */
  #addUpdate(row: number, update: Update, chunk: Chunk | null): void {
    const known = this.#keys.runs.get(row) as KnownRuns;
    const change = changeOf(known, update.put);
    const to = chunk ?? this.#last((last) => last.puts.length < this.#limits.bytes);
    this.#keys.setPut(row, to.id, to.update(update, change, row));
    this.putBytes += putBytes(update.put);
  }

  #hold(row: number, update: Update): void {
    const before = this.#held.get(row);
    this.#held.set(row, before === undefined ? update : after(before, update));
  }

  /** An update together with the one that is held of its job, which is older or younger. */
  #withHeld(row: number, update: Update, isOlder: boolean): Update {
    const held = this.#held.get(row);
    this.#held.delete(row);
    if (held === undefined) return update;
    return isOlder ? after(held, update) : after(update, held);
  }

  #unhold(row: number, isStored: boolean): void {
    const held = this.#held.get(row);
    if (held === undefined) return;
    this.#held.delete(row);
    this.#report(held.tickets, isStored);
  }

  /** Updates of jobs that were held wait for a batch now, unless the job waits itself. */
  #goOn(): void {
    for (const [row, update] of this.#held) {
      if (this.#keys.batch(row) !== PutState.STORED) continue;
      this.#held.delete(row);
      // A death frees its key for puts that may be in the first chunk already.
      this.#addUpdate(row, update, update.put.runs?.isDead ? this.#first() : null);
    }
  }

  /** An update takes the place of a put that waits. */
  #replace(id: number, row: number, update: Update): void {
    const chunk = this.#waiting(id);
    const number = this.#keys.number(row);
    const before = chunk.updates.get(number);
    if (before !== undefined) {
      // In this chunk and no later one: its forgets may remove the row that the update adds again.
      chunk.drop(number);
      this.#addUpdate(row, after(before, update), chunk);
      return;
    }
    if (update.put.runs?.isDead !== true) {
      // New jobs are written in the order of their submits.
      this.#hold(row, update);
      return;
    }
    // A death frees its key at once.
    const [ticket = 0, ...others] = chunk.ticketsOf(number);
    const isAwaited = update.isAwaited || chunk.isAwaited(number);
    chunk.drop(number);
    this.#keys.setPut(row, chunk.id, chunk.rows.length);
    const { put, tickets } = this.#withHeld(row, update, true);
    chunk.others.set(chunk.rows.length, [...others, ...tickets]);
    this.#add(chunk, { ...put, change: Change.RUNS }, row, ticket, isAwaited);
  }

  /** The put was written or refused. A job that could not be queued again stays dead. */
  #learn(chunk: Chunk, number: number, row: number, isStored: boolean): void {
    const known = this.#keys.runs.get(row);
    if (known === undefined) return;
    if (isStored) known.hasRow = chunk.hasRowAfter(number, known.hasRow);
    else if (chunk.changes.get(number) === Change.KICK) known.hasRow = false;
  }

  /** Puts of new jobs are refused, updates stay. */
  #refuse(chunk: Chunk): void {
    this.#refuseNew(chunk, (number) => chunk.drop(number));
    if (chunk.updates.size === 0) this.#dropAll(chunk);
  }

  #dropAll(chunk: Chunk): void {
    this.putBytes -= chunk.puts.length;
    chunk.dropAll();
  }

  #refuseNew(chunk: Chunk, drop: (number: number) => void): void {
    for (const [number, row] of chunk.rows.entries()) {
      if (row < 0 || chunk.updates.has(number)) continue;
      this.#told(chunk, number, row, false);
      drop(number);
    }
  }

  /**
   * Records the outcome of the put of a new job. The row of a refused put stays until the refusal is reported, because
   * the server may still refer to it.
   */
  #told(chunk: Chunk, number: number, row: number, isStored: boolean): void {
    const tickets = chunk.ticketsOf(number);
    const last = tickets.length - 1;
    for (const [i, ticket] of tickets.entries())
      this.#outcomes.push({ ticket, isStored, row: isStored || i < last ? -1 : row });
    if (isStored) return;
    this.#keys.setBatch(row, PutState.REFUSED);
    this.#unhold(row, false);
  }

  #report(tickets: readonly Ticket[], isStored: boolean): void {
    for (const ticket of tickets) this.#outcomes.push({ ticket, isStored, row: -1 });
  }

  /**
   * Drops the put of a job that has ended. Its client gets the same answer as for a stored job. Returns the chunk if the
   * job was stored before: its row is removed there, because a job with the same key may be added from there on.
   */
  #drop(id: number, row: number): Chunk | null {
    const chunk = this.#waiting(id);
    const number = this.#keys.number(row);
    const wasStored = chunk.updates.has(number);
    this.#report(chunk.ticketsOf(number), true);
    this.#unhold(row, true);
    chunk.drop(number);
    // An empty chunk may not be taken for long, and its bytes would count as waiting.
    if (chunk.isEmpty) this.#dropAll(chunk);
    return wasStored ? chunk : null;
  }

  /** Removes what the database has of a job. `isUnknown`: its put may have been written. */
  #forgetIn(chunk: Chunk, row: number, isUnknown = false): void {
    const known = this.#keys.runs.get(row);
    if (known === undefined || known.hasRow !== false || isUnknown)
      chunk.forget(this.#keys.key(row));
    if (known !== undefined) chunk.forgetRuns(known.id);
  }

  #waiting(id: number): Chunk {
    return this.#chunks.find((waiting) => waiting.id === id) as Chunk;
  }

  /** The last chunk if it has room, otherwise a new one. */
  #last(hasRoom: (last: Chunk) => boolean): Chunk {
    const last = this.#chunks.at(-1);
    const isOpen = last !== undefined && !last.isRetry && last.rows.length < this.#limits.puts;
    return isOpen && hasRoom(last) ? last : this.#added();
  }

  /** The chunk whose forgets are written before all waiting puts. */
  #first(): Chunk {
    return this.#chunks[0] ?? this.#added();
  }

  #added(): Chunk {
    const chunk = new Chunk(++this.#lastId, false);
    this.#chunks.push(chunk);
    return chunk;
  }
}

/** How an update is written, by what the database has. Each way may be repeated. */
function changeOf({ hasRow }: KnownRuns, { runs }: Put): Change {
  if (runs?.isDead) return hasRow === false ? Change.RUNS : Change.BURY;
  return hasRow === true ? Change.RUNS : Change.KICK;
}

/** Two updates of a job as one: the later one counts. */
function after(before: Update, update: Update): Update {
  const isAwaited = before.isAwaited || update.isAwaited;
  return { put: update.put, tickets: [...before.tickets, ...update.tickets], isAwaited };
}

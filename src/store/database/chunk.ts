/**
 * The changes of a shard for one batch: rows to remove, then rows and runs to write. Rule: its forgets name only rows
 * that were in the database before the batch. So if a unique is used again, the old row is removed before the new one
 * is added.
 */
import type { Ticket } from '../store.ts';
import { Change, type Put, type RowKey } from './backend.ts';
import { Packed } from './packed.ts';

const NO_NAME = new Uint8Array(0);

/** What an update of a stored job needs until it is written. */
export interface Update {
  /** Owns its bytes, to be written again when the outcome of its batch is unknown. */
  readonly put: Put;
  /** Of the update, and of earlier ones that it replaces. */
  readonly tickets: readonly Ticket[];
  readonly isAwaited: boolean;
}

export class Chunk {
  /** Later chunks have greater ids. */
  readonly id: number;
  readonly forgets = new Packed();
  forgetCount = 0;
  /** Ids of runs, packed as keys without a function. */
  readonly runsForgets = new Packed();
  readonly puts = new Packed();
  /**
   * Arrays by number of the put: its row in the key table, -1 when it was dropped; its offset in the packed puts; its
   * ticket.
   */
  readonly rows: number[] = [];
  readonly #offsets: number[] = [];
  readonly tickets: Ticket[] = [];
  /** By number: puts of stored jobs, and changes of all puts with runs. */
  readonly updates = new Map<number, Update>();
  readonly changes = new Map<number, Change>();
  /** By number: tickets of updates that are part of the put of a job that was not stored before. */
  readonly others = new Map<number, readonly Ticket[]>();
  /** Number of puts that were not dropped, and of those for which clients wait. */
  putCount = 0;
  awaited = 0;
  readonly #isAwaited: boolean[] = [];
  /** Numbers of puts that were forgotten while the batch was being written. */
  readonly forgotten = new Set<number>();
  /** It repeats a failed chunk. No put is added to it: with a new put it might fail again and again. */
  readonly isRetry: boolean;

  constructor(id: number, isRetry: boolean) {
    this.id = id;
    this.isRetry = isRetry;
  }

  get isEmpty(): boolean {
    return this.putCount === 0 && this.forgetCount === 0;
  }

  put(put: Put, row: number, ticket: Ticket, isAwaited: boolean): void {
    if (put.runs) this.changes.set(this.rows.length, put.change ?? Change.ADD);
    this.#offsets.push(this.puts.addPut(put));
    this.rows.push(row);
    this.tickets.push(ticket);
    this.#isAwaited.push(isAwaited);
    this.putCount++;
    if (isAwaited) this.awaited++;
  }

  /** Adds an update of a stored job with this change; returns its number. */
  update(update: Update, change: Change, row: number): number {
    const number = this.rows.length;
    this.updates.set(number, update);
    const put = { ...update.put, change };
    this.put(put, row, update.tickets[0] as Ticket, update.isAwaited);
    return number;
  }

  /** All tickets of a put. */
  ticketsOf(number: number): readonly Ticket[] {
    const update = this.updates.get(number);
    if (update !== undefined) return update.tickets;
    return [this.tickets[number] as Ticket, ...(this.others.get(number) ?? [])];
  }

  /** Whether the job of a put has its row when the put has been written, if it had it before or not. */
  hasRowAfter(number: number, before: boolean | null): boolean | null {
    const change = this.changes.get(number);
    return change === Change.RUNS ? before : change !== Change.BURY;
  }

  isAwaited(number: number): boolean {
    return this.#isAwaited[number] as boolean;
  }

  forget({ key, functionName }: RowKey): void {
    this.forgets.addKey(key, functionName);
    this.forgetCount++;
  }

  forgetRuns(id: Uint8Array): void {
    this.runsForgets.addKey(id, NO_NAME);
    this.forgetCount++;
  }

  /** Adds the forgets of another chunk. */
  forgetAllOf(other: Chunk): void {
    this.forgets.addPacked(other.forgets.used);
    this.runsForgets.addPacked(other.runsForgets.used);
    this.forgetCount += other.forgetCount;
  }

  /** Drops all of its puts. */
  dropAll(): void {
    this.puts.length = 0;
    this.rows.length = 0;
    this.#offsets.length = 0;
    this.tickets.length = 0;
    this.#isAwaited.length = 0;
    this.updates.clear();
    this.others.clear();
    this.changes.clear();
    this.putCount = 0;
    this.awaited = 0;
  }

  /** Drops a put that is not being written yet. */
  drop(number: number): void {
    this.puts.drop(this.#offsets[number] as number);
    this.rows[number] = -1;
    this.updates.delete(number);
    this.others.delete(number);
    this.putCount--;
    if (this.#isAwaited[number]) this.awaited--;
  }
}

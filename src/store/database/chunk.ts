/**
 * The changes of a shard for one batch: rows to remove, then rows to add. Rule: its forgets name only rows that were in
 * the database before the batch. So if a unique is used again, the old row is removed before the new one is added.
 */
import type { Ticket } from '../store.ts';
import type { Put, RowKey } from './backend.ts';
import { Packed } from './packed.ts';

export class Chunk {
  /** Later chunks have greater ids. */
  readonly id: number;
  readonly forgets = new Packed();
  forgetCount = 0;
  readonly puts = new Packed();
  /**
   * Arrays by number of the put: its row in the key table, -1 when it was dropped; its offset in the packed puts; its
   * ticket.
   */
  readonly rows: number[] = [];
  readonly #offsets: number[] = [];
  readonly tickets: Ticket[] = [];
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
    this.#offsets.push(this.puts.addPut(put));
    this.rows.push(row);
    this.tickets.push(ticket);
    this.#isAwaited.push(isAwaited);
    this.putCount++;
    if (isAwaited) this.awaited++;
  }

  forget({ key, functionName }: RowKey): void {
    this.forgets.addKey(key, functionName);
    this.forgetCount++;
  }

  /** Adds the forgets of another chunk. */
  forgetAllOf(other: Chunk): void {
    this.forgets.addPacked(other.forgets.used);
    this.forgetCount += other.forgetCount;
  }

  /** Drops all of its puts. */
  dropAll(): void {
    this.puts.length = 0;
    this.rows.length = 0;
    this.#offsets.length = 0;
    this.tickets.length = 0;
    this.#isAwaited.length = 0;
    this.putCount = 0;
    this.awaited = 0;
  }

  /** Drops a put that is not being written yet. */
  drop(number: number): void {
    this.puts.drop(this.#offsets[number] as number);
    this.rows[number] = -1;
    this.putCount--;
    if (this.#isAwaited[number]) this.awaited--;
  }
}

/**
 * What a shard wants done by one batch: rows to remove, then rows to add. Rule: a forget in it concerns a row that is in
 * the database before the batch, so a unique that is used again is removed first and added then.
 */
import type { Ticket } from '../store.ts';
import type { Put, RowKey } from './backend.ts';
import { Packed } from './packed.ts';

export class Chunk {
  /** Ascends with the time of its making. */
  readonly id: number;
  readonly forgets = new Packed();
  forgetCount = 0;
  readonly puts = new Packed();
  /** By number of the put: its row of the key table, -1 when it was dropped; where it is packed; its ticket. */
  readonly rows: number[] = [];
  readonly #offsets: number[] = [];
  readonly tickets: Ticket[] = [];
  /** Puts that were not dropped, and those of them that somebody waits for. */
  putCount = 0;
  awaited = 0;
  readonly #isAwaited: boolean[] = [];
  /** Numbers of puts that were forgotten while the batch was under way. */
  readonly forgotten = new Set<number>();
  /** It repeats what failed: no put is added, or it might fail for the put's sake again and again. */
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

  /** Removes what another chunk should have removed. */
  forgetAllOf(other: Chunk): void {
    this.forgets.addPacked(other.forgets.used);
    this.forgetCount += other.forgetCount;
  }

  /** None of its puts is needed. */
  dropAll(): void {
    this.puts.length = 0;
    this.rows.length = 0;
    this.#offsets.length = 0;
    this.tickets.length = 0;
    this.#isAwaited.length = 0;
    this.putCount = 0;
    this.awaited = 0;
  }

  /** A put that is not under way will not be needed. */
  drop(number: number): void {
    this.puts.drop(this.#offsets[number] as number);
    this.rows[number] = -1;
    this.putCount--;
    if (this.#isAwaited[number]) this.awaited--;
  }
}

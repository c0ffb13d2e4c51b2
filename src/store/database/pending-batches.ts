/**
 * Changes that wait for a batch, the batch being written, and outcomes of puts until the server asks. Chunks are
 * written in order, and a forget is never written after a later put of the same key. Rule: after a failed batch the
 * content of the database is unknown, so its puts are refused and removed with the next batch; forgets are kept until
 * they have been written.
 */
import type { Ticket } from '../store.ts';
import type { Put, Refusal } from './backend.ts';
import { Chunk } from './chunk.ts';
import { type KeyTable, PutState } from './key-table.ts';
import { putBytes } from './packed.ts';

/** Bytes of one batch at most, except for a single larger workload. */
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_PUTS = 8192;
const CHUNK_FORGETS = 8192;

interface Outcome {
  readonly ticket: Ticket;
  readonly isStored: boolean;
  /** Row of the key table that becomes free when this outcome has been reported, or -1. */
  readonly row: number;
}

export class PendingBatches {
  readonly #keys: KeyTable;
  readonly #chunks: Chunk[] = [];
  #underWay: Chunk | null = null;
  #outcomes: Outcome[] = [];
  #lastId = 0;
  /** Bytes of puts that are not written yet. */
  putBytes = 0;

  constructor(keys: KeyTable) {
    this.#keys = keys;
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
    return waiting + (this.#underWay?.putCount ?? 0) + (this.#underWay?.forgetCount ?? 0);
  }

  get forgets(): number {
    const waiting = this.#chunks.reduce((sum, one) => sum + one.forgetCount, 0);
    return waiting + (this.#underWay?.forgetCount ?? 0);
  }

  /** Whether a client waits for a put that is not being written yet. */
  get isAwaited(): boolean {
    return this.#chunks.some((chunk) => chunk.awaited > 0);
  }

  /** Returns the job's row in the key table. */
  put(put: Put, ticket: Ticket, isAwaited: boolean): number {
    const chunk = this.#last((last) => last.puts.length < CHUNK_BYTES);
    const row = this.#keys.add(put.key, put.functionName, chunk.id, chunk.rows.length);
    chunk.put(put, row, ticket, isAwaited);
    this.putBytes += putBytes(put);
    return row;
  }

  /** The job has ended: its row is removed if it exists; its put is dropped if it is not being written yet. */
  forget(row: number): void {
    const id = this.#keys.batch(row);
    if (id === PutState.REFUSED) return;
    if (id === this.#underWay?.id) {
      this.#underWay.forgotten.add(this.#keys.number(row));
      return;
    }
    if (id === PutState.STORED)
      this.#last((last) => last.forgetCount < CHUNK_FORGETS).forget(this.#keys.key(row));
    else this.#drop(id, row);
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
      this.#told(chunk, number, row, isStored);
      if (isStored && chunk.forgotten.has(number)) {
        this.#first().forget(this.#keys.key(row));
        this.#keys.free(row);
      } else if (isStored) this.#keys.setBatch(row, PutState.STORED);
    }
  }

  /** The outcome of the batch is unknown, and waiting changes cannot be written soon. */
  failed(): void {
    const chunk = this.#underWay;
    this.#underWay = null;
    for (const waiting of this.#chunks) this.#refuse(waiting);
    if (chunk === null) return;
    const retry = new Chunk(++this.#lastId, true);
    retry.forgetAllOf(chunk);
    for (const row of chunk.rows) if (row >= 0) retry.forget(this.#keys.key(row));
    this.#refuse(chunk);
    if (!retry.isEmpty) this.#chunks.unshift(retry);
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    for (const { ticket, isStored, row } of this.#outcomes.splice(0)) {
      done(ticket, isStored);
      if (row >= 0) this.#keys.free(row);
    }
  }

  #refuse(chunk: Chunk): void {
    for (const [number, row] of chunk.rows.entries())
      if (row >= 0) this.#told(chunk, number, row, false);
    this.putBytes -= chunk.puts.length;
    chunk.dropAll();
  }

  /**
   * Records the outcome of a put. The row of a refused put stays until the refusal is reported, because the server may
   * still refer to it.
   */
  #told(chunk: Chunk, number: number, row: number, isStored: boolean): void {
    const ticket = chunk.tickets[number] as Ticket;
    this.#outcomes.push({ ticket, isStored, row: isStored ? -1 : row });
    if (!isStored) this.#keys.setBatch(row, PutState.REFUSED);
  }

  /** Drops the put of a job that ended before it was stored. Its client gets the same answer as for a stored job. */
  #drop(id: number, row: number): void {
    const chunk = this.#chunks.find((waiting) => waiting.id === id) as Chunk;
    const number = this.#keys.number(row);
    this.#outcomes.push({ ticket: chunk.tickets[number] as Ticket, isStored: true, row: -1 });
    chunk.drop(number);
  }

  /** The last chunk if it has room, otherwise a new one. */
  #last(hasRoom: (last: Chunk) => boolean): Chunk {
    const last = this.#chunks.at(-1);
    const isOpen = last !== undefined && !last.isRetry && last.rows.length < CHUNK_PUTS;
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

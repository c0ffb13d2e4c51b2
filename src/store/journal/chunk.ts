/**
 * Puts that are written together: gathered in one piece of memory as they come, so that a commit copies nothing.
 * Rule: a chunk that is under way is not added to any more.
 */
import type { StoredJob, Ticket } from '../store.ts';
import { writePut } from './entry.ts';
import { type EntryBytes, entryBytesOf } from './entry-bytes.ts';

export class Chunk {
  readonly #entries: EntryBytes;
  /** Bytes used. */
  length = 0;
  readonly slots: number[] = [];
  /** Of moved puts, where they lie until this chunk is written; empty for new ones. */
  readonly oldSegments: number[] = [];
  /** One a new put; none of moved ones. */
  readonly tickets: Ticket[] = [];
  awaited = 0;

  constructor(byteCount: number) {
    this.#entries = entryBytesOf(new Uint8Array(byteCount));
  }

  get used(): Uint8Array {
    return this.#entries.bytes.subarray(0, this.length);
  }

  get isMoved(): boolean {
    return this.oldSegments.length > 0;
  }

  /** New puts in it. */
  get newPuts(): number {
    return this.tickets.length;
  }

  /** Room for puts, used or not. */
  get bytes(): number {
    return this.#entries.bytes.length;
  }

  hasRoom(byteCount: number): boolean {
    return this.length + byteCount <= this.#entries.bytes.length;
  }

  /** A new put of `byteCount` bytes, for which there is room. */
  put(
    job: StoredJob,
    byteCount: number,
    slot: number,
    id: number,
    salt: number,
    ticket: Ticket,
    isAwaited: boolean,
  ): void {
    writePut(this.#entries, this.length, byteCount, job, slot, id, salt);
    this.length += byteCount;
    this.slots.push(slot);
    this.tickets.push(ticket);
    if (isAwaited) this.awaited++;
  }

  /** A good put of another segment, as it is. */
  move(bytes: Uint8Array, slot: number, oldSegment: number): void {
    this.#entries.bytes.set(bytes, this.length);
    this.length += bytes.length;
    this.slots.push(slot);
    this.oldSegments.push(oldSegment);
  }

  /** Empty, for other puts. */
  reset(): void {
    this.length = 0;
    this.slots.length = 0;
    this.oldSegments.length = 0;
    this.tickets.length = 0;
    this.awaited = 0;
  }
}

/**
 * Puts that are written together: gathered in one piece of memory as they arrive, so that a commit copies nothing.
 * They are new jobs, and among them updates of jobs; or moved jobs only. Rule: a chunk that is being written does not
 * change.
 */
import type { Ticket } from '../store.ts';
import type { StoredJob } from '../stored-job.ts';
import { PUT_HEAD_BYTES, Version, writePut } from './entry.ts';
import { type EntryBytes, entryBytesOf } from './entry-bytes.ts';

/** A put of a job that has an earlier one. */
export interface Update {
  readonly slot: number;
  readonly ticket: Ticket;
  readonly byteCount: number;
  /** Unique among all updates of the journal. */
  readonly revision: number;
}

export class Chunk {
  readonly #entries: EntryBytes;
  /**
   * Slot and ticket of each put but updates. Typed arrays, because a JavaScript array releases its memory when it is
   * emptied.
   */
  readonly #slots: Uint32Array;
  readonly #tickets: Uint32Array;
  #count = 0;
  /** Bytes used. */
  length = 0;
  /** For moved puts, the segments that contain them until this chunk is written; empty for new puts. */
  readonly oldSegments: number[] = [];
  /** Updates, in the order of the calls. */
  readonly updates: Update[] = [];
  /** Bytes of all updates. */
  updateBytes = 0;
  /** The segment must have at least this version. */
  version: Version = Version.PLAIN;
  awaited = 0;

  /** `putsMax`: the caller adds no more puts than this. */
  constructor(byteCount: number, putsMax = Math.floor(byteCount / PUT_HEAD_BYTES)) {
    this.#entries = entryBytesOf(new Uint8Array(byteCount));
    this.#slots = new Uint32Array(putsMax);
    this.#tickets = new Uint32Array(putsMax);
  }

  /** Slots of new or moved puts. */
  get slots(): Uint32Array {
    return this.#slots.subarray(0, this.#count);
  }

  /** Tickets of the new puts; moved puts have none. */
  get tickets(): Uint32Array {
    return this.#tickets.subarray(0, this.newPuts);
  }

  get used(): Uint8Array {
    return this.#entries.bytes.subarray(0, this.length);
  }

  get isMoved(): boolean {
    return this.oldSegments.length > 0;
  }

  /** Number of new puts. */
  get newPuts(): number {
    return this.isMoved ? 0 : this.#count;
  }

  /** Number of new puts and updates. */
  get changes(): number {
    return this.newPuts + this.updates.length;
  }

  /** Size of the memory for puts, used and free. */
  get bytes(): number {
    return this.#entries.bytes.length;
  }

  hasRoom(byteCount: number): boolean {
    return this.length + byteCount <= this.#entries.bytes.length;
  }

  /** Adds a new put of `byteCount` bytes; there must be room. */
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
    if (job.runs !== null) this.version = Version.RUNS;
    this.length += byteCount;
    this.#slots[this.#count] = slot;
    this.#tickets[this.#count++] = ticket;
    if (isAwaited) this.awaited++;
  }

  /** Adds an update; there must be room. `job` has runs. */
  update(job: StoredJob, update: Update, id: number, salt: number, isAwaited: boolean): void {
    const { byteCount, revision, slot } = update;
    writePut(this.#entries, this.length, byteCount, job, slot, id, salt, revision);
    this.version = Version.RUNS;
    this.length += byteCount;
    this.updateBytes += byteCount;
    this.updates.push(update);
    if (isAwaited) this.awaited++;
  }

  /** Adds a valid put of another segment unchanged. */
  move(bytes: Uint8Array, slot: number, oldSegment: number): void {
    this.#entries.bytes.set(bytes, this.length);
    this.length += bytes.length;
    this.#slots[this.#count++] = slot;
    this.oldSegments.push(oldSegment);
  }

  /** Empties the chunk for reuse. */
  reset(): void {
    this.length = 0;
    this.#count = 0;
    this.oldSegments.length = 0;
    this.updates.length = 0;
    this.updateBytes = 0;
    this.version = Version.PLAIN;
    this.awaited = 0;
  }
}

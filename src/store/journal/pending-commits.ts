/**
 * Changes that wait for a commit: new puts and updates in chunks, forgotten slots, puts that are being moved; and
 * outcomes of puts and updates until the server asks. Rule: a slot becomes free when the server can no longer refer to
 * it: after a refusal, when it has been reported; after a forget, when it is durable. A forget waits until no update of
 * its job waits, because an update that is written later would bring the job back. If a put is refused, all later
 * chunks are refused too, and with them the updates of its job.
 */
import type { Ticket } from '../store.ts';
import type { StoredJob } from '../stored-job.ts';
import { Chunk, type Update } from './chunk.ts';
import type { Segments } from './segments.ts';
import { type Slots, Where } from './slots.ts';

const IDLE_CHUNKS_MAX = 2;

interface Outcome {
  readonly tickets: Uint32Array;
  readonly isStored: boolean;
}

/** A job with updates in waiting chunks. */
interface Updated {
  updates: number;
  /** Its forget follows the last one. */
  isForgotten: boolean;
}

export class PendingCommits {
  readonly #slots: Slots;
  readonly #segments: Segments;
  /** Puts are added to the last one. */
  readonly #chunks: Chunk[] = [];
  readonly #idleChunks: Chunk[] = [];
  #forgets: number[] = [];
  /** Goes with the next batch, or is cancelled. */
  moved: Chunk | null = null;
  #outcomes: Outcome[] = [];
  /** Slots of refused puts, which may or may not be on disk. */
  #refused: number[] = [];
  readonly #unknown = new Set<number>();
  /** Jobs with updates in waiting chunks, by slot. */
  readonly #updated = new Map<number, Updated>();
  /** Number of new puts. */
  puts = 0;
  updates = 0;
  /** Bytes of new puts and updates. */
  putBytes = 0;
  awaited = 0;

  readonly #chunkBytes: number;

  constructor(slots: Slots, segments: Segments, chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#slots = slots;
    this.#segments = segments;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0 && this.#forgets.length === 0 && this.moved === null;
  }

  get forgets(): number {
    return this.#forgets.length;
  }

  get hasOutcomes(): boolean {
    return this.#outcomes.length > 0;
  }

  /** The first chunk of the next batch. */
  get firstChunk(): Chunk | null {
    return this.moved ?? this.#chunks[0] ?? null;
  }

  put(
    job: StoredJob,
    byteCount: number,
    slot: number,
    id: number,
    salt: number,
    ticket: Ticket,
    isAwaited: boolean,
  ): void {
    this.#chunkFor(byteCount).put(job, byteCount, slot, id, salt, ticket, isAwaited);
    this.puts++;
    this.putBytes += byteCount;
    if (isAwaited) this.awaited++;
  }

  /** `job` has runs and is not forgotten. */
  update(job: StoredJob, update: Update, id: number, salt: number, isAwaited: boolean): void {
    const { slot, byteCount } = update;
    this.#chunkFor(byteCount).update(job, update, id, salt, isAwaited);
    const updated = this.#updated.get(slot);
    if (updated === undefined) this.#updated.set(slot, { updates: 1, isForgotten: false });
    else updated.updates++;
    this.updates++;
    this.putBytes += byteCount;
    if (isAwaited) this.awaited++;
  }

  /** Whether the put of this slot was refused, which the server does not know yet or only learns now. */
  isRefused(slot: number): boolean {
    return this.#slots.segment(slot) === Where.REFUSED || this.#unknown.has(slot);
  }

  /** The job of this slot has ended; puts that are not being written yet are followed by its forget. */
  forget(slot: number): void {
    if (this.isRefused(slot)) return;
    const updated = this.#updated.size === 0 ? undefined : this.#updated.get(slot);
    if (updated !== undefined) updated.isForgotten = true;
    else if (this.#slots.segment(slot) === Where.PENDING)
      this.#slots.setSegment(slot, Where.DROPPED);
    else this.#forgets.push(slot);
  }

  /** Puts of an old segment that are to be written again. */
  move(chunk: Chunk): void {
    this.moved = chunk;
    this.#slots.setSegments(chunk.slots, Where.UNDER_WAY);
  }

  /** Cancels a move: the puts stay where they are. */
  cancelMove(chunk: Chunk): void {
    if (chunk === this.moved) this.moved = null;
    for (const [i, slot] of chunk.slots.entries())
      this.#slots.setSegment(slot, chunk.oldSegments[i] as number);
  }

  /** The chunk is being written: nothing may be added to it. */
  takeChunk(chunk: Chunk): void {
    if (chunk === this.moved) {
      this.moved = null;
      return;
    }
    this.#chunks.shift();
    this.#uncount(chunk);
    this.#segments.owed += chunk.slots.length;
    for (const slot of chunk.slots) {
      if (this.#slots.segment(slot) === Where.DROPPED) this.#forgets.push(slot);
      this.#slots.setSegment(slot, Where.UNDER_WAY);
    }
    this.#endUpdates(chunk);
  }

  takeForgets(count: number): number[] {
    return this.#forgets.splice(0, count);
  }

  /** Returns forgets that were not written; they come before all others. */
  giveBackForgets(slots: readonly number[]): void {
    this.#forgets = [...slots, ...this.#forgets];
  }

  stored(chunk: Chunk): void {
    this.#report(chunk, true);
    if (
      chunk.isMoved ||
      chunk.bytes !== this.#chunkBytes ||
      this.#idleChunks.length >= IDLE_CHUNKS_MAX
    )
      return;
    chunk.reset();
    this.#idleChunks.push(chunk);
  }

  /** Refuses a chunk that was certainly not written. */
  refuse(chunk: Chunk): void {
    this.#segments.owed -= chunk.slots.length;
    const slots = new Set(chunk.slots);
    this.#forgets = this.#forgets.filter((slot) => !slots.has(slot));
    this.#refuseUnwritten(chunk);
  }

  /** It is unknown whether the chunk is on disk: refuses it and adds forgets for its new puts. */
  markUnknown(chunk: Chunk): void {
    const forgotten = new Set(this.#forgets);
    for (const slot of chunk.slots) if (!forgotten.has(slot)) this.#unknown.add(slot);
    this.#report(chunk, false);
  }

  /** Refuses all waiting new puts and updates, because the wait could be long. */
  refuseAll(): void {
    for (const chunk of this.#chunks.splice(0)) {
      this.#uncount(chunk);
      this.#refuseUnwritten(chunk);
      this.#endUpdates(chunk);
    }
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    for (const { tickets, isStored } of this.#outcomes.splice(0))
      for (const ticket of tickets) done(ticket, isStored);
    for (const slot of this.#refused.splice(0)) this.#slots.free(slot);
    if (this.#unknown.size === 0) return;
    this.#forgets.push(...this.#unknown);
    this.#unknown.clear();
  }

  #refuseUnwritten(chunk: Chunk): void {
    for (const slot of chunk.slots) {
      this.#slots.setSegment(slot, Where.REFUSED);
      this.#refused.push(slot);
    }
    this.#report(chunk, false);
  }

  /** The updates of this chunk wait no more. */
  #endUpdates(chunk: Chunk): void {
    for (const { slot } of chunk.updates) {
      const updated = this.#updated.get(slot) as Updated;
      if (--updated.updates > 0) continue;
      this.#updated.delete(slot);
      if (updated.isForgotten) this.forget(slot);
    }
  }

  #report(chunk: Chunk, isStored: boolean): void {
    if (chunk.newPuts > 0) this.#outcomes.push({ tickets: chunk.tickets.slice(), isStored });
    if (chunk.updates.length === 0) return;
    const tickets = Uint32Array.from(chunk.updates, ({ ticket }) => ticket);
    this.#outcomes.push({ tickets, isStored });
  }

  #uncount(chunk: Chunk): void {
    this.puts -= chunk.newPuts;
    this.updates -= chunk.updates.length;
    this.putBytes -= chunk.length;
    this.awaited -= chunk.awaited;
  }

  #chunkFor(byteCount: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last?.hasRoom(byteCount)) return last;
    const isLarge = byteCount > this.#chunkBytes;
    const idle = isLarge ? undefined : this.#idleChunks.pop();
    const chunk = idle ?? (isLarge ? new Chunk(byteCount, 1) : new Chunk(this.#chunkBytes));
    this.#chunks.push(chunk);
    return chunk;
  }
}

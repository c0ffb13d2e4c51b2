/**
 * Changes that wait for a commit: new puts in chunks, forgotten slots, puts that are being moved; and outcomes of puts
 * until the server asks. Rule: a slot becomes free when the server can no longer refer to it: after a refusal, when it
 * has been reported; after a forget, when it is durable.
 */
import type { Ticket } from '../store.ts';
import type { StoredJob } from '../stored-job.ts';
import { Chunk } from './chunk.ts';
import type { Segments } from './segments.ts';
import { type Slots, Where } from './slots.ts';

const IDLE_CHUNKS_MAX = 2;

interface Outcome {
  readonly tickets: Uint32Array;
  readonly isStored: boolean;
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
  puts = 0;
  putBytes = 0;
  awaited = 0;

  readonly #chunkBytes: number;

  constructor(slots: Slots, segments: Segments, chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#slots = slots;
    this.#segments = segments;
  }

  get isEmpty(): boolean {
    return this.puts === 0 && this.#forgets.length === 0 && this.moved === null;
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

  /** The job of this slot has ended; a put that is not being written yet is followed by its forget. */
  forget(slot: number): void {
    if (this.#unknown.has(slot)) return;
    if (this.#slots.segment(slot) === Where.PENDING) this.#slots.setSegment(slot, Where.DROPPED);
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
  }

  takeForgets(count: number): number[] {
    return this.#forgets.splice(0, count);
  }

  /** Returns forgets that were not written; they come before all others. */
  giveBackForgets(slots: readonly number[]): void {
    this.#forgets = [...slots, ...this.#forgets];
  }

  stored(chunk: Chunk): void {
    if (chunk.newPuts > 0) this.#outcomes.push({ tickets: chunk.tickets.slice(), isStored: true });
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

  /** It is unknown whether the chunk is on disk: refuses its puts and adds forgets for them. */
  markUnknown(chunk: Chunk): void {
    const forgotten = new Set(this.#forgets);
    for (const slot of chunk.slots) if (!forgotten.has(slot)) this.#unknown.add(slot);
    this.#outcomes.push({ tickets: chunk.tickets.slice(), isStored: false });
  }

  /** Refuses all waiting new puts, because the wait could be long. */
  refuseAll(): void {
    for (const chunk of this.#chunks.splice(0)) {
      this.#uncount(chunk);
      this.#refuseUnwritten(chunk);
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
      this.#slots.setSegment(slot, Where.PENDING);
      this.#refused.push(slot);
    }
    this.#outcomes.push({ tickets: chunk.tickets.slice(), isStored: false });
  }

  #uncount(chunk: Chunk): void {
    this.puts -= chunk.newPuts;
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

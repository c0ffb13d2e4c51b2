/**
 * Group commit: everything that waits is written by one write and made durable by one sync. There is one commit at a
 * time; changes that come meanwhile are written by the next one. Rule: in a batch the puts come first, so that a forget
 * is never written before its put; a failed batch is given up as a whole: its place in the file is never used again,
 * and forgets are written for its new puts. A failed update may be on disk too: then the job has it after a restart.
 */
import { LogLevel } from '../../base/logger.ts';
import { CommitFigures } from '../commit-figures.ts';
import type { FileSystem } from '../file-system.ts';
import type { StoreHost } from '../store.ts';
import type { Chunk } from './chunk.ts';
import { FORGET_BYTES, Version, writeForget } from './entry.ts';
import { entryBytesOf } from './entry-bytes.ts';
import type { JournalParts } from './parts.ts';
import type { PendingCommits } from './pending-commits.ts';
import { Room, type Segment, type Segments } from './segments.ts';
import type { Slots } from './slots.ts';

/** Forgets of one batch at most. */
const FORGETS_MAX = 8192;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
/** Pause before a full disk is tried again. */
const GROW_PAUSE_MS = 1_000;

/** The batch being written. */
interface Batch {
  readonly chunk: Chunk | null;
  readonly forgets: readonly number[];
  readonly byteCount: number;
}

export class Committer {
  readonly #files: FileSystem;
  readonly #host: StoreHost;
  readonly #slots: Slots;
  readonly #segments: Segments;
  readonly #pending: PendingCommits;
  readonly #salt: number;
  readonly #forgetBytes = entryBytesOf(new Uint8Array(FORGETS_MAX * FORGET_BYTES));
  /** Called when a commit has ended and none follows at once. */
  onIdle: () => void = () => {};
  isBusy = false;
  /** Writing fails; tried again at `retryAtMs`. */
  #isFailing = false;
  #retryAtMs = 0;
  #retryMs = RETRY_MS_MIN;
  /** The disk is full; tried again at `#growAtMs`. */
  #isFull = false;
  #growAtMs = 0;
  /** Puts, updates and forgets in the current commit. */
  underWay = 0;
  readonly figures = new CommitFigures();

  constructor(parts: JournalParts) {
    this.#files = parts.files;
    this.#host = parts.host;
    this.#slots = parts.slots;
    this.#segments = parts.segments;
    this.#pending = parts.pending;
    this.#salt = parts.salt;
  }

  /** When a failed commit is tried again, or Infinity. */
  get retryAtMs(): number {
    return this.#isFailing ? this.#retryAtMs : Number.POSITIVE_INFINITY;
  }

  /** Whether a put of `byteCount` bytes, to a segment of at least this version, may succeed now. */
  isAccepting(byteCount: number, version: Version = Version.PLAIN): boolean {
    if (!this.#isFailing && !this.#isFull) return true;
    const nowMs = this.#host.nowMs();
    if (this.#isFailing && nowMs < this.#retryAtMs) return false;
    if (!this.#isFull || nowMs >= this.#growAtMs) return true;
    const { putBytes, puts } = this.#pending;
    return this.#segments.roomFor(putBytes + byteCount, puts + 1, version) !== Room.none;
  }

  /** Makes spare segments before the first job needs them. */
  prepare(): void {
    if (this.#segments.wantsSpare(0)) this.#grow(0);
  }

  /** Begins the next commit if something waits and none is running. */
  begin(): void {
    const nowMs = this.#host.nowMs();
    if (this.isBusy || this.#pending.isEmpty) return;
    if (this.#isFailing && nowMs < this.#retryAtMs) return;
    const chunk = this.#pending.firstChunk;
    const putBytes = chunk?.length ?? 0;
    const version = chunk?.version ?? Version.PLAIN;
    const room = this.#segments.roomFor(putBytes, chunk?.newPuts ?? 0, version);
    if (this.#segments.wantsSpare(putBytes, version) && nowMs >= this.#growAtMs)
      this.#grow(putBytes);
    if (room === Room.none) this.#withoutPuts(nowMs);
    else this.#commit(room, chunk, nowMs);
  }

  /** Continues without the puts when there is no room for them; forgets always have room. */
  #withoutPuts(nowMs: number): void {
    const { moved } = this.#pending;
    if (moved !== null) this.#pending.cancelMove(moved);
    if (!this.#segments.isGrowing) this.#refuseAll();
    if (this.#pending.forgets === 0) return;
    const room = this.#segments.roomFor(0, 0);
    if (room !== Room.none) this.#commit(room, null, nowMs);
  }

  #commit(room: Room, chunk: Chunk | null, nowMs: number): void {
    this.isBusy = true;
    this.figures.begin(nowMs);
    if (chunk !== null) this.#pending.takeChunk(chunk);
    this.underWay = chunk?.changes ?? 0;
    const written = (error: Error | null): void => {
      if (error === null) this.#write(chunk);
      else {
        if (chunk?.isMoved) this.#pending.cancelMove(chunk);
        else if (chunk !== null) this.#pending.refuse(chunk);
        this.#failed(error);
      }
    };
    const named = (error: Error | null): void => {
      if (error !== null || this.#segments.isNamed) written(error);
      else this.#segments.name(written);
    };
    if (room === Room.rotate) this.#segments.rotate(named);
    else named(null);
  }

  #write(chunk: Chunk | null): void {
    const segment = this.#segments.active as Segment;
    const batch = this.#take(segment, chunk);
    const pieces = chunk === null ? [] : [chunk.used];
    if (batch.forgets.length > 0)
      pieces.push(this.#forgetBytes.bytes.subarray(0, batch.forgets.length * FORGET_BYTES));
    const at = segment.end;
    segment.end += batch.byteCount;
    this.#files.commit(segment.file, pieces, at, (error) => {
      if (error === null) this.#committed(batch, segment);
      else this.#giveUp(batch, segment, error);
    });
  }

  /** The chunk and as many forgets as fit after it. */
  #take(segment: Segment, chunk: Chunk | null): Batch {
    const free = segment.bytes - segment.end - (chunk?.length ?? 0);
    const forgets = this.#pending.takeForgets(Math.min(FORGETS_MAX, forgetsThatFit(free)));
    for (let i = 0; i < forgets.length; i++) {
      const slot = forgets[i] as number;
      const id = this.#slots.id(slot);
      writeForget(this.#forgetBytes, i * FORGET_BYTES, slot, id, this.#salt);
    }
    this.#segments.owed -= forgets.length;
    this.underWay += forgets.length;
    const byteCount = (chunk?.length ?? 0) + forgets.length * FORGET_BYTES;
    return { chunk, forgets, byteCount };
  }

  #committed(batch: Batch, segment: Segment): void {
    const { chunk, forgets } = batch;
    if (chunk !== null) {
      this.#place(chunk, segment);
      this.#replace(chunk, segment);
    }
    for (const slot of forgets) {
      this.#leave(slot);
      this.#slots.free(slot);
    }
    this.figures.end(this.underWay, this.#host.nowMs());
    if (chunk !== null) this.#pending.stored(chunk);
    if (this.#isFailing) this.#recovered();
    this.#next();
  }

  /** Records the segment of new and moved puts. */
  #place(chunk: Chunk, segment: Segment): void {
    const { slots, oldSegments } = chunk;
    for (let i = 0; i < oldSegments.length; i++) {
      const bytes = this.#slots.byteCount(slots[i] as number);
      this.#segments.count(oldSegments[i] as number, -1, -bytes);
    }
    this.#segments.count(segment.number, slots.length, chunk.length - chunk.updateBytes);
    this.#slots.setSegments(slots, segment.number);
  }

  /** Records the updates, which take the place of earlier puts. */
  #replace(chunk: Chunk, segment: Segment): void {
    for (const { slot, byteCount, revision } of chunk.updates) {
      this.#leave(slot);
      this.#segments.count(segment.number, 1, byteCount);
      this.#slots.replace(slot, segment.number, byteCount, revision);
    }
  }

  /** The put of this slot counts no more. */
  #leave(slot: number): void {
    this.#segments.count(this.#slots.segment(slot), -1, -this.#slots.byteCount(slot));
  }

  /**
   * Gives up a failed batch. It is unknown how much of it is on disk. Its forgets are written again; its new puts may be
   * on disk, so forgets are written for them too. Moved and updated jobs stay where they are.
   */
  #giveUp(batch: Batch, segment: Segment, error: Error): void {
    const { chunk, forgets } = batch;
    this.#segments.owed += forgets.length;
    this.#pending.giveBackForgets(forgets);
    if (chunk?.isMoved) this.#pending.cancelMove(chunk);
    else if (chunk !== null) {
      this.#place(chunk, segment);
      this.#pending.markUnknown(chunk);
    }
    this.#failed(error);
  }

  #failed(error: Error): void {
    const { message } = error;
    if (!this.#isFailing)
      this.#log(LogLevel.ERROR, `cannot be written, background jobs are refused: ${message}`);
    this.#isFailing = true;
    this.#retryAtMs = this.#host.nowMs() + this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
    this.#refuseAll();
    this.#next();
    // The host must call again when it is time.
    this.#host.wake();
  }

  #recovered(): void {
    this.#isFailing = false;
    this.#retryMs = RETRY_MS_MIN;
    this.#log(LogLevel.NOTICE, 'is written again');
  }

  #refuseAll(): void {
    this.#pending.refuseAll();
    if (this.#pending.hasOutcomes) this.#host.wake();
  }

  #grow(putBytes: number): void {
    this.#segments.grow(putBytes, (error) => {
      if (error === null) {
        if (this.#isFull) this.#log(LogLevel.NOTICE, 'has room again');
        this.#isFull = false;
        this.#growAtMs = 0;
        if (this.#segments.wantsSpare(0)) this.#grow(0);
      } else {
        if (!this.#isFull)
          this.#log(
            LogLevel.ERROR,
            `gets no more room, background jobs are refused when it is used up: ${error.message}`,
          );
        this.#isFull = true;
        this.#growAtMs = this.#host.nowMs() + GROW_PAUSE_MS;
      }
      // Puts that waited for room are written now, or refused.
      this.begin();
      if (!this.isBusy) this.onIdle();
      this.#host.wake();
    });
  }

  #next(): void {
    this.isBusy = false;
    this.underWay = 0;
    this.onIdle();
    if (this.#pending.hasOutcomes) this.#host.wake();
  }

  #log(level: number, text: string): void {
    this.#host.log(level, `journal: ${text}`);
  }
}

function forgetsThatFit(bytes: number): number {
  return Math.max(0, Math.floor(bytes / FORGET_BYTES));
}

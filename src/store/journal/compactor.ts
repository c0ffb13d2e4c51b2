/**
 * Keeps the journal small. When most of it is garbage, the jobs of the oldest segment are written again at the end, a
 * chunk in each commit; then the segment is deleted. Invariant at rest: garbage <= live data + two segments.
 */
import { LogLevel } from '../../base/logger.ts';
import type { FileSystem } from '../file-system.ts';
import type { StoreHost } from '../store.ts';
import { Chunk } from './chunk.ts';
import type { Committer } from './committer.ts';
import { goodEntryBytes, HEADER_BYTES, idAt, isPut, revisionAt, slotAt } from './entry.ts';
import { type EntryBytes, entryBytesOf } from './entry-bytes.ts';
import type { JournalParts } from './parts.ts';
import type { PendingCommits } from './pending-commits.ts';
import { Room, type Segment, type Segments } from './segments.ts';
import type { Slots } from './slots.ts';

export class Compactor {
  readonly #files: FileSystem;
  readonly #host: StoreHost;
  readonly #slots: Slots;
  readonly #segments: Segments;
  readonly #pending: PendingCommits;
  readonly #committer: Committer;
  readonly #garbageMax: number;
  readonly #salt: number;
  #segment: Segment | null = null;
  #file = -1;
  #at = 0;
  #isReading = false;
  /**
   * Number of bytes that were read while a commit was running, or -1. Jobs that this commit forgets must not be moved
   * afterwards.
   */
  #readBytes = -1;
  #isClosing = false;
  #entries: EntryBytes;

  constructor(
    parts: JournalParts,
    committer: Committer,
    sizes: { readonly garbageMax: number; readonly chunkBytes: number },
  ) {
    this.#files = parts.files;
    this.#host = parts.host;
    this.#slots = parts.slots;
    this.#segments = parts.segments;
    this.#pending = parts.pending;
    this.#salt = parts.salt;
    this.#committer = committer;
    this.#garbageMax = sizes.garbageMax;
    this.#entries = entryBytesOf(new Uint8Array(sizes.chunkBytes));
  }

  /**
   * Does one step; call it when no commit is running. It deletes a segment without jobs, or begins to read jobs that
   * are to be moved.
   */
  step(): void {
    if (this.#isReading || this.#pending.moved !== null) return;
    this.#removeEmpty();
    if (this.#isClosing) return;
    if (this.#segment !== null && this.#readBytes >= 0) {
      this.#gather(this.#segment, this.#readBytes);
      return;
    }
    if (this.#segment === null) this.#choose();
    if (this.#segment !== null) this.#read(this.#segment);
  }

  /** No more steps; a running read ends by itself. */
  close(): void {
    this.#isClosing = true;
    if (!this.#isReading) this.#leave();
  }

  #removeEmpty(): void {
    for (;;) {
      const removed = this.#segments.removeOldest((error) => this.#complain('delete', error));
      if (removed === null) return;
      if (removed === this.#segment) this.#leave();
    }
  }

  #choose(): void {
    const { finished, liveBytes } = this.#segments;
    const oldest = finished[0];
    if (oldest === undefined) return;
    const written = finished.reduce((sum, segment) => sum + segment.end, 0);
    if (written - liveBytes <= Math.max(this.#garbageMax, liveBytes)) return;
    this.#segment = oldest;
    this.#at = HEADER_BYTES;
  }

  #read(segment: Segment): void {
    const { length } = this.#entries.bytes;
    if (this.#segments.roomFor(length, 0, segment.version) === Room.none) return;
    this.#isReading = true;
    if (this.#file >= 0) this.#readOn(segment);
    else
      this.#files.open(segment.path, false, (error, file) => {
        if (error !== null) this.#giveUp(error);
        else {
          this.#file = file;
          this.#readOn(segment);
        }
      });
  }

  #readOn(segment: Segment): void {
    this.#files.read(this.#file, this.#entries.bytes, this.#at, (error, count) => {
      this.#isReading = false;
      if (error !== null) this.#giveUp(error);
      else if (this.#isClosing) this.#leave();
      else if (this.#committer.isBusy) this.#readBytes = count;
      else this.#gather(segment, count);
    });
  }

  /** Puts the live entries among the bytes read into a chunk. */
  #gather(segment: Segment, count: number): void {
    this.#readBytes = -1;
    const entries = this.#entries;
    const chunk = new Chunk(entries.bytes.length);
    chunk.version = segment.version;
    const end = Math.min(count, segment.end - this.#at);
    let at = 0;
    for (;;) {
      const byteCount = goodEntryBytes(entries, at, end, this.#salt);
      if (byteCount === 0) break;
      const slot = slotAt(entries, at);
      const isKept =
        isPut(entries, at) &&
        this.#slots.id(slot) === idAt(entries, at) &&
        this.#slots.segment(slot) === segment.number &&
        this.#slots.revision(slot) === revisionAt(entries, at);
      if (isKept) chunk.move(entries.bytes.subarray(at, at + byteCount), slot, segment.number);
      at += byteCount;
    }
    this.#at += at;
    if (at === 0) this.#stepOver(segment, end);
    if (chunk.length > 0) this.#pending.move(chunk);
    else if (this.#at >= segment.end) this.#finish(segment);
    else this.step();
    this.#committer.begin();
  }

  /**
   * Handles an entry that is larger than the bytes read: reads it completely. If it is damaged, the work on the segment
   * ends, and later entries stay there.
   */
  #stepOver(segment: Segment, end: number): void {
    const byteCount = end >= 8 ? this.#entries.view.getUint32(4, true) : 0;
    if (byteCount > this.#entries.bytes.length && this.#at + byteCount <= segment.end)
      this.#entries = entryBytesOf(new Uint8Array(byteCount));
    else this.#giveUp(new Error(`damaged at offset ${this.#at}`));
  }

  #finish(segment: Segment): void {
    if (segment.liveJobs > 0) this.#giveUp(new Error('an entry cannot be found again'));
    else this.#removeEmpty();
  }

  #giveUp(error: Error): void {
    this.#complain('compact', error);
    this.#isReading = false;
    this.#isClosing = true;
    this.#leave();
  }

  #leave(): void {
    if (this.#file >= 0) this.#files.close(this.#file, () => {});
    this.#file = -1;
    this.#readBytes = -1;
    this.#segment = null;
  }

  #complain(what: string, error: Error | null): void {
    if (error !== null)
      this.#host.log(LogLevel.ERROR, `journal: ${what} a segment: ${error.message}`);
  }
}

/**
 * Reads a journal at the start, twice: the first time it checks every entry and finds which jobs are left, the second
 * time it reads these jobs. Each step reads one segment, so that the embedding program can continue. Damage is logged
 * with its offset, counted and skipped. If a crash interrupted the last write, its bytes are removed, so that they are
 * never read again.
 */
import { join } from 'node:path';
import { LogLevel } from '../../base/logger.ts';
import { fileReason } from '../file-reason.ts';
import type { FileSystem } from '../file-system.ts';
import type { StoreHost, TakeJob } from '../store.ts';
import {
  HEADER_BYTES,
  idAt,
  isPut,
  jobAt,
  readHeader,
  revisionAt,
  slotAt,
  Version,
} from './entry.ts';
import { type EntryBytes, entryBytesOf } from './entry-bytes.ts';
import { Losses } from './losses.ts';
import type { JournalParts } from './parts.ts';
import { revisitEntries, type Scan, scanEntries } from './scan.ts';
import { type Segment, type Segments, segmentName } from './segments.ts';
import type { Slots } from './slots.ts';

const READ_VERSIONS = Object.values(Version).join(' and ');

export interface Found {
  readonly number: number;
  readonly bytes: number;
}

export class Recovery {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #host: StoreHost;
  readonly #slots: Slots;
  readonly #segments: Segments;
  readonly #salt: number;
  /** Scans by number of the segment. */
  readonly #scans = new Map<number, Scan>();
  #entries: EntryBytes = entryBytesOf(new Uint8Array(0));
  #lastId = 0;
  #lastRevision = 0;
  readonly #losses: Losses;
  #damages = 0;
  #damagedBytes = 0;

  constructor({ files, folder, host, slots, segments, salt }: JournalParts) {
    this.#files = files;
    this.#folder = folder;
    this.#host = host;
    this.#slots = slots;
    this.#segments = segments;
    this.#salt = salt;
    this.#losses = new Losses(folder, segments.segmentBytes, (text) =>
      host.log(LogLevel.ERROR, text),
    );
  }

  /** The greatest id found. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The greatest revision found. */
  get lastRevision(): number {
    return this.#lastRevision;
  }

  /** Runs all steps, each through `defer`. `logs` in ascending order. Errors of the file system end it. */
  run(
    logs: readonly Found[],
    take: TakeJob,
    defer: (step: () => void) => void,
    done: (error: Error | null) => void,
  ): void {
    const steps = [
      ...logs.map((log, i) => () => this.#index(log, i === logs.length - 1)),
      () => this.#slots.rebuild(),
      () => this.#tellDamage(),
      () => this.#losses.tell(),
      ...logs.map((log) => () => this.#restore(this.#segments.at(log.number), take)),
    ];
    const next = (at: number): void => {
      const step = steps[at];
      if (step === undefined) {
        done(null);
        return;
      }
      try {
        step();
      } catch (error) {
        done(error as Error);
        return;
      }
      defer(() => next(at + 1));
    };
    next(0);
  }

  #index(log: Found, isLast: boolean): void {
    const { number, bytes } = log;
    const segment = this.#segments.adopt(number, bytes, bytes);
    this.#losses.begin(segment);
    const entries = this.#load(segment);
    const salt = this.#saltOf(segment, entries);
    const scan = scanEntries(entries, bytes, salt, (at, byteCount) => {
      if (isPut(entries, at)) this.#place(segment, entries, at, byteCount);
      else this.#clear(entries, at);
    });
    for (const { at, byteCount } of scan.damages) this.#damaged(segment, at, byteCount);
    if (scan.usedEnd > scan.end) this.#cut(segment, scan, isLast);
    segment.end = scan.end;
    this.#scans.set(number, scan);
  }

  #saltOf(segment: Segment, entries: EntryBytes): number {
    const header = readHeader(entries, segment.bytes);
    if (header === null) {
      this.#damaged(segment, 0, Math.min(segment.bytes, HEADER_BYTES));
      return this.#salt;
    }
    const { version, salt } = header;
    if (version !== Version.PLAIN && version !== Version.RUNS)
      throw new Error(
        `read ${segment.path}: its format is ${version}, this version reads ${READ_VERSIONS}`,
      );
    segment.version = version;
    if (version > this.#segments.version) this.#segments.version = version;
    return salt;
  }

  #place(segment: Segment, entries: EntryBytes, at: number, byteCount: number): void {
    const slot = slotAt(entries, at);
    const id = idAt(entries, at);
    this.#losses.saw(id);
    const revision = revisionAt(entries, at);
    if (this.#slots.id(slot) !== 0) this.#leave(slot);
    this.#slots.place(slot, id, segment.number, byteCount, revision);
    this.#segments.count(segment.number, 1, byteCount);
    this.#lastId = Math.max(this.#lastId, id);
    this.#lastRevision = Math.max(this.#lastRevision, revision);
  }

  #clear(entries: EntryBytes, at: number): void {
    const slot = slotAt(entries, at);
    const id = idAt(entries, at);
    this.#lastId = Math.max(this.#lastId, id);
    if (id === 0 || this.#slots.id(slot) !== id) return;
    this.#leave(slot);
    this.#slots.clear(slot);
  }

  #leave(slot: number): void {
    this.#segments.count(this.#slots.segment(slot), -1, -this.#slots.byteCount(slot));
  }

  /**
   * Removes the bytes after the last valid entry: a write that a crash interrupted, or damage without valid entries
   * after it.
   */
  #cut(segment: Segment, scan: Scan, isLast: boolean): void {
    const byteCount = scan.usedEnd - scan.end;
    if (!isLast) {
      this.#damaged(segment, scan.end, byteCount);
      return;
    }
    this.#host.log(
      LogLevel.WARNING,
      `${segment.path}: ${byteCount} bytes at offset ${scan.end} were cut off by the end of the last run, removed`,
    );
    this.#files.mend(segment.path, new Uint8Array(byteCount), scan.end);
  }

  #damaged(segment: Segment, at: number, byteCount: number): void {
    this.#damages++;
    this.#damagedBytes += byteCount;
    this.#host.log(
      LogLevel.ERROR,
      `${segment.path}: ${byteCount} bytes at offset ${at} are damaged, skipped`,
    );
  }

  #tellDamage(): void {
    if (this.#damages === 0) return;
    this.#host.log(
      LogLevel.ERROR,
      `${this.#folder}: ${this.#damages} damaged places, ${this.#damagedBytes} bytes; jobs in them are lost`,
    );
  }

  #restore(segment: Segment, take: TakeJob): void {
    if (segment.liveJobs === 0) return;
    const entries = this.#load(segment);
    revisitEntries(entries, this.#scans.get(segment.number) as Scan, (at) => {
      if (!isPut(entries, at)) return;
      const slot = slotAt(entries, at);
      const id = idAt(entries, at);
      if (this.#slots.id(slot) !== id || this.#slots.segment(slot) !== segment.number) return;
      if (this.#slots.revision(slot) !== revisionAt(entries, at)) return;
      if (!this.#slots.take(slot)) return;
      take(jobAt(entries, at), slot + 1, id);
    });
  }

  /** The bytes of a segment, in memory that the next one reuses. */
  #load(segment: Segment): EntryBytes {
    if (this.#entries.bytes.length < segment.bytes)
      this.#entries = entryBytesOf(new Uint8Array(segment.bytes));
    const path = join(this.#folder, segmentName(segment.number));
    try {
      this.#files.readAll(path, this.#entries.bytes);
    } catch (error) {
      // Not every error of the system names the file.
      throw new Error(`option --state-dir: read ${path}: ${fileReason(error)}`, { cause: error });
    }
    return this.#entries;
  }
}

/**
 * The embedded store: an append-only journal of puts and forgets in segments, on the file system only. Format:
 * entry.ts. Files: segments.ts. Commits: committer.ts. Rule: jobs that `takeOutcomes` reports as stored survive a
 * power loss; a forget that is committed is final.
 *
 * The first job with runs begins a segment of version 2, and all later segments have it. Rule: before that the caller
 * has made the manifest's format 2 (manifest.ts), durably, so that a server which reads only version 1 refuses the
 * state directory.
 */
import { assert } from '../../base/assert.ts';
import { fileReason } from '../file-reason.ts';
import type { FileSystem } from '../file-system.ts';
import { FlushGate } from '../flush-gate.ts';
import { mayWait } from '../pending-limit.ts';
import type { Store, StoreHealth, StoreHost, TakeJob, Ticket } from '../store.ts';
import type { StoredJob } from '../stored-job.ts';
import { Committer } from './committer.ts';
import { Compactor } from './compactor.ts';
import { ALIGN, HEADER_BYTES, putBytes, Version, versionOf } from './entry.ts';
import type { JournalParts } from './parts.ts';
import { PendingCommits } from './pending-commits.ts';
import { type Found, Recovery } from './recovery.ts';
import { Segments, segmentNumber } from './segments.ts';
import { Slots, Where } from './slots.ts';

const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Some thousand small jobs: the limit of one commit, except for a single larger job. */
const CHUNK_BYTES = 256 * 1024;
/**
 * While the thread has other work, puts are collected for this time, or until so many bytes wait. Each commit
 * interrupts the serving thread on the same core, and a commit of one put costs the disk as much as a commit of a
 * thousand.
 */
const GATHER_MS = 10;
const GATHER_BYTES = CHUNK_BYTES / 2;

export interface JournalOptions {
  readonly files: FileSystem;
  /** Used by this journal only; made when it is missing. */
  readonly folder: string;
  readonly shard: number;
  /** Seed of the checksums; the same in every run. */
  readonly salt: number;
  /** Interval of commits without a waiting client; null: at once. */
  readonly relaxedMs: number | null;
  /** The manifest's format is 2: all new segments have version 2. Default: not before the first job with runs. */
  readonly isVersion2?: boolean;
  readonly segmentBytes?: number;
  /** Lets other work run between two steps of the replay; default: the next turn of the event loop. */
  readonly defer?: (step: () => void) => void;
}

export class Journal implements Store {
  readonly keepsRuns = true;
  readonly #options: JournalOptions;
  readonly #host: StoreHost;
  readonly #parts: JournalParts;
  readonly #slots: Slots;
  readonly #segments: Segments;
  readonly #pending: PendingCommits;
  readonly #committer: Committer;
  readonly #compactor: Compactor;
  readonly #gate: FlushGate;
  #lastId = 0;
  #lastRevision = 0;
  #closed: (() => void) | null = null;
  #isClosing = false;

  constructor(options: JournalOptions, host: StoreHost) {
    const { files, folder, salt, relaxedMs } = options;
    const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    const chunkBytes = Math.min(CHUNK_BYTES, segmentBytes / 8);
    const slots = new Slots();
    const version = options.isVersion2 === true ? Version.RUNS : Version.PLAIN;
    const segments = new Segments({ ...options, segmentBytes, version });
    const pending = new PendingCommits(slots, segments, chunkBytes);
    const parts = { files, folder, salt, host, slots, segments, pending };
    this.#options = options;
    this.#host = host;
    this.#gate = new FlushGate(relaxedMs);
    this.#parts = parts;
    this.#slots = slots;
    this.#segments = segments;
    this.#pending = pending;
    this.#committer = new Committer(parts);
    const sizes = { garbageMax: 2 * segmentBytes, chunkBytes };
    this.#compactor = new Compactor(parts, this.#committer, sizes);
    this.#committer.onIdle = () => this.#goOn();
  }

  append(job: StoredJob, ticket: Ticket, isAwaited: boolean): number {
    const byteCount = putBytes(job);
    if (!this.#takes(job, byteCount)) return 0;
    const id = ++this.#lastId;
    const slot = this.#slots.allocate(id, Where.PENDING, byteCount);
    this.#pending.put(job, byteCount, slot, id, this.#options.salt, ticket, isAwaited);
    return slot + 1;
  }

  update(job: StoredJob, reference: number, ticket: Ticket, isAwaited: boolean): boolean {
    assert(job.runs !== null, 'update a job: it has no runs');
    const slot = reference - 1;
    const id = this.#slots.id(slot);
    assert(id !== 0, 'update a job: the journal has none with this reference');
    const byteCount = putBytes(job);
    if (this.#pending.isRefused(slot) || !this.#takes(job, byteCount)) return false;
    const update = { slot, ticket, byteCount, revision: ++this.#lastRevision };
    this.#pending.update(job, update, id, this.#options.salt, isAwaited);
    return true;
  }

  forget(reference: number): void {
    if (!this.#isClosing) this.#pending.forget(reference - 1);
  }

  flush(nowMs: number, isIdle = true): number {
    if (this.#isClosing || this.#pending.isEmpty || this.#committer.isBusy)
      return Number.POSITIVE_INFINITY;
    const dueMs = this.#gate.dueMs(this.#pending.awaited > 0);
    if (nowMs < dueMs) return dueMs;
    const mayGather = !isIdle && this.#pending.putBytes < GATHER_BYTES;
    if (mayGather && nowMs < this.#gate.passedAtMs + GATHER_MS) {
      this.#host.wake();
      return Number.POSITIVE_INFINITY;
    }
    this.#gate.pass(nowMs);
    this.#committer.begin();
    return this.#committer.retryAtMs;
  }

  takeOutcomes(done: (ticket: Ticket, isStored: boolean) => void): void {
    this.#pending.takeOutcomes(done);
  }

  replay(take: TakeJob, whenRead: (error: Error | null) => void): void {
    const { files, folder } = this.#options;
    const done = (error: Error | null): void => {
      if (error !== null) files.end();
      whenRead(error);
    };
    let logs: Found[];
    let spares: string[];
    try {
      files.makeFolder(folder);
      ({ logs, spares } = this.#look());
    } catch (error) {
      const reason = `option --state-dir: use ${folder}: ${fileReason(error)}`;
      done(new Error(reason, { cause: error }));
      return;
    }
    const recovery = new Recovery(this.#parts);
    recovery.run(logs, take, this.#options.defer ?? setImmediate, (error) => {
      this.#lastId = recovery.lastId;
      this.#lastRevision = recovery.lastRevision;
      this.#segments.owed = this.#slots.count;
      if (error !== null) done(error);
      else
        this.#adopt(spares, 0, () =>
          this.#segments.sync((unsynced) => {
            if (unsynced !== null) done(unsynced);
            else
              this.#reopen((failure) => {
                if (failure === null) this.#committer.prepare();
                done(failure);
              });
          }),
        );
    });
  }

  get health(): StoreHealth {
    const { figures, underWay } = this.#committer;
    const { puts, updates, forgets } = this.#pending;
    return {
      isAccepting: this.#committer.isAccepting(ALIGN),
      jobs: this.#slots.count,
      uncommitted: puts + updates + forgets + underWay,
      ...figures,
      bytes: this.#segments.bytes,
    };
  }

  close(done: () => void): void {
    this.#isClosing = true;
    this.#compactor.close();
    this.#closed = done;
    this.#committer.begin();
    if (!this.#committer.isBusy) this.#goOn();
  }

  /** Whether a put of `byteCount` bytes can wait now. */
  #takes(job: StoredJob, byteCount: number): boolean {
    const version = versionOf(job);
    if (this.#isClosing || !this.#committer.isAccepting(byteCount, version)) return false;
    if (!mayWait(this.#pending.putBytes, byteCount)) return false;
    if (version > this.#segments.version) this.#segments.version = version;
    return true;
  }

  /** Continues after a commit: with the next commit, a step of housekeeping, or the end. */
  #goOn(): void {
    if (this.#closed !== null) this.#closeWhenDone(this.#closed);
    else if (!this.#isClosing) {
      this.#compactor.step();
      if (this.#pending.moved !== null) this.#committer.begin();
      else if (!this.#pending.isEmpty) this.#host.wake();
    }
  }

  /** Closes when all changes are written. A failing write is not repeated: its jobs were never reported as stored. */
  #closeWhenDone(done: () => void): void {
    const isFailing = this.#committer.retryAtMs !== Number.POSITIVE_INFINITY;
    if (!this.#pending.isEmpty && !isFailing) this.#committer.begin();
    if (this.#committer.isBusy || this.#segments.isGrowing) return;
    this.#closed = null;
    this.#segments.close(() => {
      this.#options.files.end();
      done();
    });
  }

  /** The files of the journal. A spare that is incomplete is made again. */
  #look(): { logs: Found[]; spares: string[] } {
    const { files, folder } = this.#options;
    const names = files.list(folder);
    const numbers = names.map(segmentNumber).filter((number) => number > 0);
    const logs = numbers
      .sort((a, b) => a - b)
      .map((number) => {
        const name = names.find((candidate) => segmentNumber(candidate) === number) as string;
        return { number, bytes: files.byteCount(`${folder}/${name}`) };
      });
    for (const name of names) {
      if (!/^new-\d+$/.test(name)) continue;
      this.#segments.skipSpare(name);
      files.remove(`${folder}/${name}`, () => {});
    }
    const spares = names.filter((name) => /^spare-\d+$/.test(name));
    spares.sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
    return { logs, spares };
  }

  #adopt(spares: readonly string[], at: number, done: () => void): void {
    const name = spares[at];
    if (name === undefined) {
      done();
      return;
    }
    const bytes = this.#options.files.byteCount(`${this.#options.folder}/${name}`);
    this.#segments.adoptSpare(name, bytes, () => this.#adopt(spares, at + 1, done));
  }

  /** Continues the last segment, if it is complete. */
  #reopen(done: (error: Error | null) => void): void {
    const last = this.#segments.finished.at(-1);
    const isWhole = last !== undefined && last.bytes % ALIGN === 0 && last.end >= HEADER_BYTES;
    if (isWhole && last.bytes >= HEADER_BYTES) this.#segments.reopen(done);
    else done(null);
  }
}

/**
 * The files of a journal: finished segments, the active one, and spares that are filled with zeros in advance, so that
 * a commit never needs more disk space.
 *
 *   000000000001.log ... finished, oldest first     000000000007.log active     spare-3, spare-4     new-5 being made
 *
 * Invariant: the active segment and the spares have room for the forgets of all puts whose forget is not written yet.
 * So every accepted job can be removed even on a full disk. A segment is deleted when it and all earlier ones have no
 * jobs. New segments have `version`; a spare that was made before it rose gets a new header before it is used.
 */
import { join } from 'node:path';
import type { Done, FileSystem } from '../file-system.ts';
import { FORGET_BYTES, HEADER_BYTES, segmentHeader, Version } from './entry.ts';

const ZEROS = new Uint8Array(256 * 1024);
const NAME_DIGITS = 12;
/** Spares beyond those that forgets need. */
const SPARES_WANTED = 2;

export interface Segment {
  readonly number: number;
  readonly path: string;
  readonly bytes: number;
  version: Version;
  /** Offset of the next entry. */
  end: number;
  /** -1: not open. */
  file: number;
  liveJobs: number;
  liveBytes: number;
}

interface Spare {
  readonly path: string;
  readonly bytes: number;
  readonly file: number;
  /** Version in its header, at least. */
  version: Version;
}

export interface SegmentsOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly shard: number;
  readonly salt: number;
  readonly segmentBytes: number;
  readonly version: Version;
}

/**
 * Where a batch fits: into the active segment; into the next one, after a rotation; or nowhere until there is a new
 * spare.
 */
export const Room = { now: 0, rotate: 1, none: 2 } as const;
export type Room = (typeof Room)[keyof typeof Room];

export class Segments {
  readonly #options: SegmentsOptions;
  readonly #byNumber = new Map<number, Segment>();
  /** Oldest first. */
  readonly finished: Segment[] = [];
  active: Segment | null = null;
  readonly #spares: Spare[] = [];
  #spareForgets = 0;
  #lastNumber = 0;
  #lastSpare = 0;
  /** Version of new segments; it only rises. */
  version: Version;
  /** Number of puts that are written or being written and whose forget is not written yet. */
  owed = 0;
  isGrowing = false;
  /** The name of the active segment is durable: only then are its entries durable. */
  isNamed = true;
  bytes = 0;
  liveBytes = 0;

  constructor(options: SegmentsOptions) {
    this.#options = options;
    this.version = options.version;
  }

  /** Size of a segment at least. */
  get segmentBytes(): number {
    return this.#options.segmentBytes;
  }

  at(number: number): Segment {
    return this.#byNumber.get(number) as Segment;
  }

  /** Adds a segment that existed at the start; numbers ascend. Its version is to be set when it is read. */
  adopt(number: number, bytes: number, end: number): Segment {
    const path = join(this.#options.folder, segmentName(number));
    const { version } = this;
    const segment = { number, path, bytes, version, end, file: -1, liveJobs: 0, liveBytes: 0 };
    this.#byNumber.set(number, segment);
    this.finished.push(segment);
    this.#lastNumber = number;
    this.bytes += bytes;
    return segment;
  }

  /**
   * Makes the contents of the adopted segments durable. The last run may have been killed before a sync, or after one
   * that failed: what it had written is read now, but a loss of power would take it away.
   */
  sync(done: Done, at = 0): void {
    const { files } = this.#options;
    const segment = this.finished[at];
    if (segment === undefined) {
      done(null);
      return;
    }
    files.open(segment.path, false, (error, file) => {
      if (error !== null) done(error);
      else
        files.sync(file, (failure) =>
          files.close(file, () => {
            if (failure === null) this.sync(done, at + 1);
            else done(failure);
          }),
        );
    });
  }

  /** Continues the last adopted segment. */
  reopen(done: Done): void {
    const { files } = this.#options;
    const segment = this.finished.at(-1) as Segment;
    files.open(segment.path, false, (error, file) => {
      if (error !== null) {
        done(error);
        return;
      }
      this.finished.pop();
      segment.file = file;
      this.active = segment;
      this.isNamed = false;
      done(null);
    });
  }

  /** Adds a spare that existed at the start. */
  adoptSpare(name: string, bytes: number, done: Done): void {
    const path = join(this.#options.folder, name);
    this.skipSpare(name);
    this.#options.files.open(path, false, (error, file) => {
      if (error === null) this.#addSpare({ path, bytes, file, version: Version.PLAIN });
      done(error);
    });
  }

  /** Reserves the number of this file: no later spare gets it. */
  skipSpare(name: string): void {
    this.#lastSpare = Math.max(this.#lastSpare, Number(name.slice(name.indexOf('-') + 1)));
  }

  /**
   * Whether `putBytes`, followed by at least one forget, may be written to a segment of at least this version.
   * `putCount`: number of new jobs among them.
   */
  roomFor(putBytes: number, putCount: number, version: Version = Version.PLAIN): Room {
    const owed = this.owed + putCount;
    const rest = this.#restFor(version);
    const least = putBytes > 0 ? putBytes : FORGET_BYTES;
    if (rest >= least && forgetsIn(rest - putBytes) + this.#spareForgets >= owed) return Room.now;
    const next = this.#spares[0];
    if (next === undefined || next.bytes - HEADER_BYTES < least) return Room.none;
    const behind = forgetsIn(next.bytes - HEADER_BYTES - putBytes);
    const others = this.#spareForgets - forgetsIn(next.bytes - HEADER_BYTES);
    return behind + others >= owed ? Room.rotate : Room.none;
  }

  /** Whether a spare with room for a put of `putBytes` should be made; the put needs a segment of this version. */
  wantsSpare(putBytes: number, version: Version = Version.PLAIN): boolean {
    if (this.isGrowing) return false;
    const { segmentBytes } = this.#options;
    const next = this.#spares[0];
    const isTooSmall = next === undefined || next.bytes - HEADER_BYTES < putBytes;
    if (putBytes > segmentBytes - HEADER_BYTES && isTooSmall) return true;
    const free = this.#spareForgets + forgetsIn(this.#restFor(version)) - this.owed;
    return free * FORGET_BYTES < SPARES_WANTED * segmentBytes;
  }

  /** Makes a spare of the usual size, or larger for a put of `putBytes`; such a one is used first. */
  grow(putBytes: number, done: Done): void {
    const { files, folder, segmentBytes } = this.#options;
    const { version } = this;
    const bytes = Math.max(segmentBytes, putBytes + HEADER_BYTES + FORGET_BYTES);
    const number = ++this.#lastSpare;
    const making = join(folder, `new-${number}`);
    const path = join(folder, `spare-${number}`);
    this.isGrowing = true;
    const made = (error: Error | null, file: number): void => {
      if (error === null) this.#addSpare({ path, bytes, file, version });
      const ended = (): void => {
        this.isGrowing = false;
        done(error);
      };
      if (error === null) ended();
      else this.#discard(file, making, ended);
    };
    const synced = (file: number): void =>
      files.sync(file, (error) => {
        if (error !== null) made(error, file);
        else files.rename(making, path, (unnamed) => made(unnamed, file));
      });
    files.open(making, true, (error, file) => {
      if (error !== null) made(error, -1);
      else
        this.#fill(file, bytes, version, (failure) => {
          if (failure !== null) made(failure, file);
          else synced(file);
        });
    });
  }

  /** The next spare becomes the active segment. Call `name` afterwards. */
  rotate(done: Done): void {
    const { files, folder } = this.#options;
    const spare = this.#spares.shift() as Spare;
    const number = this.#lastNumber + 1;
    const path = join(folder, segmentName(number));
    this.#spareForgets -= forgetsIn(spare.bytes - HEADER_BYTES);
    const renamed = (error: Error | null): void => {
      if (error === null) this.#activate(spare, number, path);
      else {
        this.#spares.unshift(spare);
        this.#spareForgets += forgetsIn(spare.bytes - HEADER_BYTES);
      }
      done(error);
    };
    this.#raise(spare, (error) => {
      if (error === null) files.rename(spare.path, path, renamed);
      else renamed(error);
    });
  }

  /** Makes the name of the active segment durable. */
  name(done: Done): void {
    this.#options.files.syncFolder(this.#options.folder, (error) => {
      if (error === null) this.isNamed = true;
      done(error);
    });
  }

  /** Changes the counts of segment `number` by jobs and bytes. */
  count(number: number, jobs: number, bytes: number): void {
    const segment = this.at(number);
    segment.liveJobs += jobs;
    segment.liveBytes += bytes;
    this.liveBytes += bytes;
  }

  /** Removes and deletes the oldest segment when it has no jobs; otherwise null. */
  removeOldest(done: Done): Segment | null {
    const oldest = this.finished[0];
    if (oldest === undefined || oldest.liveJobs > 0) return null;
    this.finished.shift();
    this.#byNumber.delete(oldest.number);
    this.bytes -= oldest.bytes;
    this.#options.files.remove(oldest.path, done);
    return oldest;
  }

  /** Closes all files; their contents stay. */
  close(done: () => void): void {
    const open = [this.active?.file ?? -1, ...this.#spares.map(({ file }) => file)];
    const left = open.filter((file) => file >= 0);
    let waiting = left.length;
    if (waiting === 0) done();
    for (const file of left)
      this.#options.files.close(file, () => {
        if (--waiting === 0) done();
      });
  }

  /** Bytes of the active segment that are free for entries of this version. */
  #restFor(version: Version): number {
    const { active } = this;
    return active === null || active.version < version ? 0 : active.bytes - active.end;
  }

  /** Gives a spare the version of new segments; durable at the end. Calls back at once when it has it. */
  #raise(spare: Spare, done: Done): void {
    const { files, shard, salt } = this.#options;
    const { version } = this;
    if (spare.version >= version) {
      done(null);
      return;
    }
    files.commit(spare.file, [segmentHeader(shard, salt, version)], 0, (error) => {
      if (error === null) spare.version = version;
      done(error);
    });
  }

  #activate({ bytes, version, file }: Spare, number: number, path: string): void {
    this.#lastNumber = number;
    this.#finish();
    const counts = { end: HEADER_BYTES, liveJobs: 0, liveBytes: 0 };
    this.active = { number, path, bytes, version, file, ...counts };
    this.#byNumber.set(number, this.active);
    this.isNamed = false;
  }

  #finish(): void {
    const { active } = this;
    if (active === null) return;
    this.finished.push(active);
    const { file } = active;
    active.file = -1;
    this.#options.files.close(file, () => {});
  }

  /** Adds a spare: at the front when it is larger than usual, because it is needed at once; otherwise at the end. */
  #addSpare(spare: Spare): void {
    if (spare.bytes > this.#options.segmentBytes) this.#spares.unshift(spare);
    else this.#spares.push(spare);
    this.#spareForgets += forgetsIn(spare.bytes - HEADER_BYTES);
    this.bytes += spare.bytes;
  }

  #fill(file: number, bytes: number, version: Version, done: Done): void {
    const { files, shard, salt } = this.#options;
    const next = (at: number): void => {
      const piece = ZEROS.subarray(0, Math.min(ZEROS.length, bytes - at));
      files.write(file, [piece], at, (error) => {
        if (error !== null || at + piece.length >= bytes) done(error);
        else next(at + piece.length);
      });
    };
    files.write(file, [segmentHeader(shard, salt, version)], 0, (error) => {
      if (error !== null) done(error);
      else next(HEADER_BYTES);
    });
  }

  #discard(file: number, path: string, done: () => void): void {
    const { files } = this.#options;
    const remove = () => files.remove(path, done);
    if (file < 0) remove();
    else files.close(file, remove);
  }
}

export function segmentName(number: number): string {
  return `${String(number).padStart(NAME_DIGITS, '0')}.log`;
}

/** Number of a segment from its name, or 0 for other files. */
export function segmentNumber(name: string): number {
  return /^\d{12}\.log$/.test(name) ? Number(name.slice(0, NAME_DIGITS)) : 0;
}

function forgetsIn(bytes: number): number {
  return bytes < FORGET_BYTES ? 0 : Math.floor(bytes / FORGET_BYTES);
}

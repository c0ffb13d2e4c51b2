/**
 * Finds the live job of a function and unique: open addressing with linear probing over pairs of words (hash, job). It
 * never stalls: a table that is too full or too empty is replaced by a fresh one, into which every insert and remove
 * moves 16 buckets of the old one; until that is done, look-ups read the new table, then the old.
 *
 *   old   [ moved: never read again | not moved yet: job, 0 = empty, -1 = removed ]
 *                                   ^ cursor
 *
 * In the new table, removing an entry shifts later entries back, so that there are no marks and probing stays short. In
 * the old table, a removed entry is only marked. Source: docs/design.md, section 10.
 */
import { Account } from '../base/account.ts';
import { assert } from '../base/assert.ts';
import { tableMemory } from '../base/uncounted.ts';

const BUCKETS_MIN = 1024;
const BUCKETS_PER_STEP = 16;
const BUCKET_BYTES = 8;
const REMOVED = -1;
/** Moved buckets of the old table are given back in pieces of this size. */
const DISCARD_BYTES = 1024 * 1024;
const NO_TABLE = new Int32Array(0);

/** Jobs by 32-bit hash. Every call touches O(1) buckets while the low bits of the hashes are well mixed. */
export class UniqueIndex {
  readonly #equals: (job: number) => boolean;
  readonly #discard: ((bytes: Uint8Array) => void) | null;
  readonly #account: Account;
  #table: Int32Array = new Int32Array(2 * BUCKETS_MIN);
  #mask = BUCKETS_MIN - 1;
  /** The table that is being emptied, of length 0 when there is none. */
  #old: Int32Array = NO_TABLE;
  #oldMask = 0;
  /** Buckets of the old table below this are moved. */
  #cursor = 0;
  #discardedBytes = 0;
  #count = 0;
  /** Numbers of entries at which the table is replaced by a greater one (7/10) and by a smaller one (1/8). */
  #growAt = growAt(BUCKETS_MIN);
  #shrinkAt = 0;

  /**
   * `equals` returns whether `job` has the function and unique of the current look-up; it is called only for jobs with
   * the same hash and must not change the index. `discard`, when given, gets memory that will not be read again.
   * `account` is charged for whole tables.
   */
  constructor(
    equals: (job: number) => boolean,
    hooks: { discard: ((bytes: Uint8Array) => void) | null; account?: Account } = { discard: null },
  ) {
    this.#equals = equals;
    this.#discard = hooks.discard;
    this.#account = hooks.account ?? new Account();
    this.#account.held += this.#table.byteLength;
  }

  get count(): number {
    return this.#count;
  }

  /** Memory of the tables. */
  get bytes(): number {
    return this.#table.byteLength + this.#old.byteLength;
  }

  /** Memory that the next insert may need for a greater table; 0 in nearly all cases. */
  get nextGrowth(): number {
    return this.#count >= this.#growAt && this.#old.length === 0 ? 2 * this.#table.byteLength : 0;
  }

  /**
   * The job with this hash that `equals` accepts, or 0. Hashes are int32; the same 32 bits as uint32 work too, but may
   * cost a heap number.
   */
  find(hash: number): number {
    const table = this.#table;
    const mask = this.#mask;
    const wanted = hash | 0;
    for (let bucket = wanted & mask; ; bucket = (bucket + 1) & mask) {
      const job = table[2 * bucket + 1] as number;
      if (job === 0) break;
      if (table[2 * bucket] === wanted && this.#equals(job >>> 0)) return job >>> 0;
    }
    return this.#old.length === 0 ? 0 : this.#findOld(wanted);
  }

  /** Adds a job (not 0, below 2^32-1) under its hash; the caller has checked that no equal one exists. */
  insert(hash: number, job: number): void {
    assert(job > 0 && job < 0xffffffff, 'insert a unique: no such job number');
    if (this.#old.length !== 0) this.#step();
    else if (this.#count >= this.#growAt) this.#replace((this.#mask + 1) * 2);
    put(this.#table, this.#mask, hash | 0, job | 0);
    this.#count++;
  }

  /** Removes a job that was inserted with this hash. */
  remove(hash: number, job: number): void {
    const table = this.#table;
    const mask = this.#mask;
    const wanted = job | 0;
    let bucket = hash & mask;
    for (;;) {
      const found = table[2 * bucket + 1] as number;
      if (found === wanted) {
        closeGap(table, mask, bucket);
        break;
      }
      if (found === 0) {
        this.#removeOld(hash, wanted);
        break;
      }
      bucket = (bucket + 1) & mask;
    }
    this.#count--;
    if (this.#old.length !== 0) this.#step();
    else if (this.#count < this.#shrinkAt) this.#replace((this.#mask + 1) / 2);
  }

  #findOld(hash: number): number {
    const old = this.#old;
    const first = this.#firstOld(hash);
    let bucket = first;
    do {
      const job = old[2 * bucket + 1] as number;
      if (job === 0) return 0;
      if (job !== REMOVED && old[2 * bucket] === hash && this.#equals(job >>> 0)) return job >>> 0;
      bucket = this.#nextOld(bucket);
    } while (bucket !== first);
    return 0;
  }

  #removeOld(hash: number, wanted: number): void {
    assert(this.#old.length !== 0, 'remove a unique: it is not there');
    const old = this.#old;
    const first = this.#firstOld(hash);
    let bucket = first;
    while (old[2 * bucket + 1] !== wanted) {
      assert(old[2 * bucket + 1] !== 0, 'remove a unique: it is not there');
      bucket = this.#nextOld(bucket);
      assert(bucket !== first, 'remove a unique: it is not there');
    }
    old[2 * bucket + 1] = REMOVED;
  }

  /**
   * The bucket in the old table with which probing starts. Probing skips buckets below the cursor and ends when it is
   * back at the start. Entries that were displaced past the end of the table are found after the cursor.
   */
  #firstOld(hash: number): number {
    const thread = hash & this.#oldMask;
    return thread < this.#cursor ? this.#cursor : thread;
  }

  #nextOld(bucket: number): number {
    return bucket === this.#oldMask ? this.#cursor : bucket + 1;
  }

  #replace(buckets: number): void {
    this.#old = this.#table;
    this.#oldMask = this.#mask;
    this.#cursor = 0;
    this.#discardedBytes = 0;
    this.#table = new Int32Array(tableMemory(BUCKET_BYTES * buckets, this.#discard));
    this.#account.held += this.#table.byteLength;
    this.#mask = buckets - 1;
    this.#growAt = growAt(buckets);
    this.#shrinkAt = buckets === BUCKETS_MIN ? 0 : buckets >>> 3;
    this.#step();
  }

  /**
   * Moves the next buckets. Both growing and shrinking read and write memory in ascending order, because low bits
   * choose the bucket.
   */
  #step(): void {
    const old = this.#old;
    const table = this.#table;
    const mask = this.#mask;
    const end = this.#cursor + BUCKETS_PER_STEP;
    for (let bucket = this.#cursor; bucket < end; bucket++) {
      const job = old[2 * bucket + 1] as number;
      if (job !== 0 && job !== REMOVED) put(table, mask, old[2 * bucket] as number, job);
    }
    this.#cursor = end;
    if (BUCKET_BYTES * end - this.#discardedBytes >= DISCARD_BYTES) this.#discardMoved();
    if (end <= this.#oldMask) return;
    this.#account.held -= this.#old.byteLength;
    this.#old = NO_TABLE;
  }

  #discardMoved(): void {
    const from = this.#discardedBytes;
    this.#discardedBytes = BUCKET_BYTES * this.#cursor;
    if (this.#discard === null) return;
    this.#discard(new Uint8Array(this.#old.buffer, from, this.#discardedBytes - from));
  }
}

/** Number of entries at which a table of that many buckets is replaced by a greater one. */
function growAt(buckets: number): number {
  return Math.floor(buckets * 0.7);
}

/** Writes an entry into the first empty bucket, starting with the one that its hash chooses. */
function put(table: Int32Array, mask: number, hash: number, job: number): void {
  let bucket = hash & mask;
  while (table[2 * bucket + 1] !== 0) bucket = (bucket + 1) & mask;
  table[2 * bucket] = hash;
  table[2 * bucket + 1] = job;
}

/** Empties a bucket, and fills the gap with later entries that probing would no longer reach. */
function closeGap(table: Int32Array, mask: number, bucket: number): void {
  let gap = bucket;
  for (let next = (gap + 1) & mask; ; next = (next + 1) & mask) {
    const job = table[2 * next + 1] as number;
    if (job === 0) break;
    const hash = table[2 * next] as number;
    const thread = hash & mask;
    if (((next - thread) & mask) < ((next - gap) & mask)) continue;
    table[2 * gap] = hash;
    table[2 * gap + 1] = job;
    gap = next;
  }
  table[2 * gap + 1] = 0;
}

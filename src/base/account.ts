/**
 * Counts the memory that peers make the server keep, over all threads. Each thread adds up what it holds and draws the
 * right to hold it from one shared word, in steps of 1 MiB. So counting costs one addition, and checking for room costs
 * one comparison. New work stops at 7/8 of the limit; the rest is reserved for finishing work under way. Rule: bytes
 * that are added when something is kept are subtracted when it is given up; estimates are constants.
 *
 *   words   [ units of all threads | of thread 0: drawn, of all holders, of the greatest holder | of thread 1: ... ]
 */

/** Bytes are counted in units of 64 KiB, so that a 32-bit word covers 128 TiB. */
const UNIT_SHIFT = 16;
const UNIT_BYTES = 1 << UNIT_SHIFT;
/**
 * A thread draws at most 1 MiB at a time, and less if the limit is small. It keeps at most the same amount more than it
 * holds.
 */
const STEP_UNITS_MAX = 16;
/** At most this part of the limit is drawn and not used, in all threads together. */
const SPARE_PART = 16;
/** Larger than any machine's memory; keeps sums of units in 32 bits. */
const LIMIT_UNITS_MAX = 2 ** 30;
const THREAD_WORDS = 3;
const DRAWN = 0;
const HOLDERS = 1;
const MOST = 2;

/** The shared words of the accounts of `threadCount` threads. */
export function accountWords(threadCount: number): Int32Array {
  const words = 1 + THREAD_WORDS * threadCount;
  return new Int32Array(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
}

/** A connection, with the memory that this thread keeps for it. */
export interface Holder {
  /** Bytes; only the account changes it. */
  held: number;
}

const unitsOf = (bytes: number) => Math.ceil(bytes / UNIT_BYTES);

/** The account of one thread; only that thread uses it. */
export class Account {
  /** Bytes that this thread keeps for peers. */
  held = 0;
  /** Bytes that this thread may hold without drawing more; Infinity without a limit. */
  granted = Number.POSITIVE_INFINITY;
  /**
   * Bytes that this thread may hold when new work is added: `granted`, or -1 when all threads together are near 7/8 of
   * the limit.
   */
  #newTo = Number.POSITIVE_INFINITY;
  /** null without a limit. */
  readonly #words: Int32Array | null;
  readonly #ownWord: number;
  readonly #limitUnits: number;
  readonly #newUnits: number;
  readonly #stepUnits: number;
  #ownUnits = 0;
  readonly #outside: () => number;
  #outsideBytes = 0;

  /**
   * `limitBytes` 0 = no limit. `words` are shared by all threads (see `accountWords`); units that a dead thread of the
   * same number had drawn are given back. `outside` returns the bytes that are counted elsewhere (by the reactor).
   */
  constructor(
    limitBytes = 0,
    words: Int32Array | null = null,
    thread = 0,
    outside: () => number = () => 0,
  ) {
    this.#words = limitBytes === 0 ? null : words;
    this.#ownWord = 1 + THREAD_WORDS * thread;
    this.#limitUnits = Math.min(LIMIT_UNITS_MAX, Math.floor(limitBytes / UNIT_BYTES));
    this.#newUnits = Math.floor((this.#limitUnits * 7) / 8);
    this.#outside = outside;
    const threadCount = ((words?.length ?? 4) - 1) / THREAD_WORDS;
    const share = Math.floor(this.#limitUnits / (SPARE_PART * threadCount));
    this.#stepUnits = Math.max(1, Math.min(STEP_UNITS_MAX, share));
    if (this.#words === null) return;
    const stale = Atomics.exchange(this.#words, this.#ownWord + DRAWN, 0);
    Atomics.sub(this.#words, 0, stale);
    this.publish(0, 0);
    this.granted = 0;
    this.#newTo = -1;
  }

  get isLimited(): boolean {
    return this.#words !== null;
  }

  /** The limit of all threads together; 0 = no limit. */
  get limitBytes(): number {
    return this.#words === null ? 0 : this.#limitUnits * UNIT_BYTES;
  }

  /** Adds `bytes` to what `holder` holds; negative subtracts. */
  keep(holder: Holder, bytes: number): void {
    holder.held += bytes;
    this.held += bytes;
  }

  /** Subtracts everything that `holder` holds; call it when the holder has ended. */
  giveUp(holder: Holder): void {
    this.held -= holder.held;
    holder.held = 0;
  }

  /** Reads again how much is counted elsewhere. Call it after a change there that may be large. */
  refresh(): void {
    const bytes = this.#outside();
    this.held += bytes - this.#outsideBytes;
    this.#outsideBytes = bytes;
  }

  /** Whether there is room for `bytes` of new work. It only checks; `keep` draws. */
  admits(bytes: number): boolean {
    return this.held + bytes <= this.#newTo || this.#admitsMore(bytes);
  }

  /**
   * Whether the memory of all threads stays within the limit after `bytes` more. Used for packets that are sent in many
   * copies.
   */
  fits(bytes: number): boolean {
    return this.held + bytes <= this.granted || this.#fitsMore(bytes);
  }

  /** Draws what this thread holds; returns false when that would exceed the limit of all threads. */
  grow(): boolean {
    const words = this.#words;
    if (words === null || this.held <= this.granted) return true;
    const missing = unitsOf(this.held) - this.#ownUnits;
    // Draws a whole step if there is room, otherwise only what is needed.
    for (const units of [missing + this.#stepUnits - 1, missing]) {
      const total = Atomics.add(words, 0, units) + units;
      if (total <= this.#limitUnits) {
        this.#own(words, units, total);
        return true;
      }
      Atomics.sub(words, 0, units);
    }
    return false;
  }

  /**
   * Draws what is held and one step more, regardless of the limit: the memory is in use already. The additional step
   * saves the next draw.
   */
  overdraw(): void {
    const words = this.#words;
    if (words === null) return;
    const units = unitsOf(this.held) - this.#ownUnits + this.#stepUnits;
    this.#own(words, units, Atomics.add(words, 0, units) + units);
  }

  /**
   * Gives back what is not needed and draws what is held, regardless of the limit. Returns by how many bytes this
   * thread may still grow: Infinity without a limit, negative when all threads together exceed it.
   */
  rebalance(): number {
    this.refresh();
    const words = this.#words;
    if (words === null) return Number.POSITIVE_INFINITY;
    const needed = unitsOf(this.held);
    const spare = this.#ownUnits - needed;
    const kept = needed === 0 ? 0 : this.#stepUnits;
    const change = spare < 0 ? -spare : Math.min(0, kept - spare);
    const total = Atomics.add(words, 0, change) + change;
    this.#own(words, change, total);
    return (this.#limitUnits - total) * UNIT_BYTES + this.granted - this.held;
  }

  /**
   * Publishes to the other threads what all holders of this thread hold together, and the most that one of them holds.
   * Parts of a unit are dropped: no connection is closed for them.
   */
  publish(holdersBytes: number, mostBytes: number): void {
    if (this.#words === null) return;
    Atomics.store(this.#words, this.#ownWord + HOLDERS, Math.floor(holdersBytes / UNIT_BYTES));
    Atomics.store(this.#words, this.#ownWord + MOST, unitsOf(mostBytes));
  }

  /**
   * The thread with the greatest holder, as last published. -1 while all holders together hold at most the reserved
   * eighth of the limit: then other data, such as jobs, fills the memory.
   */
  get threadOfMost(): number {
    const words = this.#words;
    if (words === null) return -1;
    let best = (this.#ownWord - 1) / THREAD_WORDS;
    let most = Atomics.load(words, this.#ownWord + MOST);
    let holders = 0;
    for (let word = 1; word < words.length; word += THREAD_WORDS) {
      holders += Atomics.load(words, word + HOLDERS);
      if (Atomics.load(words, word + MOST) <= most) continue;
      most = Atomics.load(words, word + MOST);
      best = (word - 1) / THREAD_WORDS;
    }
    return holders > this.#limitUnits - this.#newUnits ? best : -1;
  }

  #fitsMore(bytes: number): boolean {
    const words = this.#words;
    if (words === null) return true;
    const others = Atomics.load(words, 0) - this.#ownUnits;
    return others + unitsOf(this.held + bytes) <= this.#limitUnits;
  }

  #own(words: Int32Array, change: number, total: number): void {
    this.#ownUnits += change;
    Atomics.store(words, this.#ownWord + DRAWN, this.#ownUnits);
    this.granted = this.#ownUnits * UNIT_BYTES;
    this.#newTo = total <= this.#newUnits ? this.granted : -1;
  }

  #admitsMore(bytes: number): boolean {
    const words = this.#words;
    if (words === null) return true;
    this.refresh();
    // Counts what other threads have drawn and what this one holds, not what it has drawn and not used.
    const others = Atomics.load(words, 0) - this.#ownUnits;
    return others + unitsOf(this.held + bytes) <= this.#newUnits;
  }
}

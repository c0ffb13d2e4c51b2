/**
 * The memory that peers make the server keep, of all threads together. Each thread adds up what it holds and draws the
 * right to hold it from one shared word, a step of 1 MiB at a time: whoever keeps something does one addition, whoever
 * is about to keep more compares two numbers. New work stops at 7/8 of the limit, the rest is there to finish what is
 * under way. Rule: what is added when something is kept is taken off when it is given up; estimates are constants.
 *
 *   words   [ units of all threads | of thread 0: drawn, of all holders, of the greatest holder | of thread 1: ... ]
 */

/** The unit of the shared words: 32 bits of them are 128 TiB. */
const UNIT_SHIFT = 16;
const UNIT_BYTES = 1 << UNIT_SHIFT;
/** What a thread draws at a time, and may keep beyond what it holds: 1 MiB, less where the limit is small. */
const STEP_UNITS_MAX = 16;
/** All threads together keep at most this part of the limit unused. */
const SPARE_PART = 16;
/** Beyond every machine; keeps sums of units in 32 bits. */
const LIMIT_UNITS_MAX = 2 ** 30;
const THREAD_WORDS = 3;
const DRAWN = 0;
const HOLDERS = 1;
const MOST = 2;

/** Shared words that accounts of so many threads need. */
export function accountWords(threadCount: number): Int32Array {
  const words = 1 + THREAD_WORDS * threadCount;
  return new Int32Array(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
}

/** Somebody who makes this thread hold something: a connection. */
export interface Holder {
  /** Bytes; changed by the account alone. */
  held: number;
}

const unitsOf = (bytes: number) => Math.ceil(bytes / UNIT_BYTES);

/** One thread's account; used by that thread alone. */
export class Account {
  /** Bytes that this thread keeps for peers. */
  held = 0;
  /** Up to here it may hold more without asking; Infinity without a limit. */
  granted = Number.POSITIVE_INFINITY;
  /** The same for new work: `granted`, or -1 when all threads together are near 7/8 of the limit. */
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
   * `limitBytes` 0 = no limit. `words` are shared by all threads, see `accountWords`; what a thread of that number that
   * has died had drawn is given back. `outside` says how much is held that is counted elsewhere (by the reactor).
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

  /** Of all threads together; 0 = no limit. */
  get limitBytes(): number {
    return this.#words === null ? 0 : this.#limitUnits * UNIT_BYTES;
  }

  /** `holder` makes this thread hold `bytes` more; less when negative. */
  keep(holder: Holder, bytes: number): void {
    holder.held += bytes;
    this.held += bytes;
  }

  /** `holder` is gone: all that it held is given up. */
  giveUp(holder: Holder): void {
    this.held -= holder.held;
    holder.held = 0;
  }

  /** Looks again at what is counted elsewhere: after much of it has come at once. */
  refresh(): void {
    const bytes = this.#outside();
    this.held += bytes - this.#outsideBytes;
    this.#outsideBytes = bytes;
  }

  /** Whether there is room for `bytes` of new work. Draws nothing: that is done when they are there. */
  admits(bytes: number): boolean {
    return this.held + bytes <= this.#newTo || this.#admitsMore(bytes);
  }

  /** Whether `bytes` more would be within the limit of all threads; looked at for what comes in many copies. */
  fits(bytes: number): boolean {
    return this.held + bytes <= this.granted || this.#fitsMore(bytes);
  }

  /** Draws what it holds, or fails when that would pass the limit of all threads. */
  grow(): boolean {
    const words = this.#words;
    if (words === null || this.held <= this.granted) return true;
    const missing = unitsOf(this.held) - this.#ownUnits;
    // A whole step while there is one, at the end what is needed.
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

  /** Draws what it holds and a step more, limit or not: nothing can be done about it, so nobody asks for a while. */
  overdraw(): void {
    const words = this.#words;
    if (words === null) return;
    const units = unitsOf(this.held) - this.#ownUnits + this.#stepUnits;
    this.#own(words, units, Atomics.add(words, 0, units) + units);
  }

  /**
   * Gives back what is not needed and draws what is held already, limit or not. Returns by how many bytes this thread
   * may still grow, Infinity without a limit; negative when all threads together hold more than they may.
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
   * Shows the other threads what all holders of this thread hold together, and what the greatest one holds. Part of a unit
   * is nothing to close a connection for.
   */
  publish(holdersBytes: number, mostBytes: number): void {
    if (this.#words === null) return;
    Atomics.store(this.#words, this.#ownWord + HOLDERS, Math.floor(holdersBytes / UNIT_BYTES));
    Atomics.store(this.#words, this.#ownWord + MOST, unitsOf(mostBytes));
  }

  /**
   * The thread with the greatest holder, or -1 while all holders together have no more than the eighth of the limit that
   * new work leaves to them: then others than they fill the memory. As all threads have published last.
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
    // What others have drawn and what is held here; what was drawn here and is not used yet does not count.
    const others = Atomics.load(words, 0) - this.#ownUnits;
    return others + unitsOf(this.held + bytes) <= this.#newUnits;
  }
}

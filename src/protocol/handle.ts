/**
 * Job handles: `PREFIX:` followed by digits only, because clients and monitoring match `H:HOST:DIGITS`.
 *
 *   PREFIX : BOOT(10) SHARD(2) SLOT(8) SERIAL(1..14, no leading zero)
 *
 * BOOT, SHARD and the prefix are constant in a shard. A serial number counts the jobs of a shard and is never reused;
 * serials beyond 14 digits increase BOOT. A run starts BOOTS_PER_RUN above the one before, so no handle ever repeats.
 * Invariant: at most HANDLE_BYTES_MAX bytes (prefix 28 + colon + 34).
 */
import { bytesOf, copyBytes, equalBytes, withView } from '../base/bytes.ts';
import { HANDLE_BYTES_MAX } from './limits.ts';
import { runOfSuffix, suffixStart } from './run-suffix.ts';

/** Longest prefix that leaves room for the digits. */
export const HANDLE_PREFIX_BYTES_MAX = 28;
/** Slots of jobs are below this. */
export const HANDLE_SLOTS = 1e8;
/** Serial numbers with the same boot. */
export const SERIALS_PER_BOOT = 1e14;
/** One run needs at most so many boot numbers, because serials stay below 2^53. */
export const BOOTS_PER_RUN = 91;
/** Boot numbers are below this. */
export const BOOTS = 1e10;

const BOOT_DIGITS = 10;
const SHARD_DIGITS = 2;
const SLOT_DIGITS = 8;
const SERIAL_DIGITS_MAX = 14;
const FIXED_DIGITS = BOOT_DIGITS + SHARD_DIGITS + SLOT_DIGITS;
/** Numbers with so many digits always fit into an int32. */
const RUN_DIGITS = 9;
const ZERO = 0x30;
/** Handles of these serials differ in the last digits only: eight, or fewer in the first block of a boot. */
const BLOCK_SERIALS = 1e8;
const BLOCK_DIGITS = 8;

/** Two digits by their number, as a big-endian 16-bit integer. */
const PAIRS = Uint16Array.from(
  { length: 100 },
  (_, n) => ((ZERO + Math.floor(n / 10)) << 8) | (ZERO + (n % 10)),
);

/** Digits of `n`, which is below 2^31. */
function digitCount(n: number): number {
  if (n < 10_000) return n < 100 ? (n < 10 ? 1 : 2) : n < 1_000 ? 3 : 4;
  if (n < 100_000_000) return n < 1_000_000 ? (n < 100_000 ? 5 : 6) : n < 10_000_000 ? 7 : 8;
  return n < 1_000_000_000 ? 9 : 10;
}

function writeFour(view: DataView, at: number, n: number): void {
  const high = (n / 100) | 0;
  view.setUint16(at, PAIRS[high] as number);
  view.setUint16(at + 2, PAIRS[n - Math.imul(high, 100)] as number);
}

/** Writes `n`, which is below 10^8, with eight digits. */
function writeEight(view: DataView, at: number, n: number): void {
  const high = (n / 10_000) | 0;
  writeFour(view, at, high);
  writeFour(view, at + 4, n - Math.imul(high, 10_000));
}

/** Writes `n`, which is below 2^31, without leading zeros; returns the offset after it. */
function writeShort(view: DataView, at: number, n: number): number {
  const end = at + digitCount(n);
  let i = end;
  let left = n;
  while (left >= 100) {
    const next = (left / 100) | 0;
    i -= 2;
    view.setUint16(i, PAIRS[left - Math.imul(next, 100)] as number);
    left = next;
  }
  if (left >= 10) view.setUint16(i - 2, PAIRS[left] as number);
  else view.setUint8(i - 1, ZERO + left);
  return end;
}

/** The number in `bytes[start, end)`, at most RUN_DIGITS digits; -1 when a byte is not a digit. */
function digitsAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  let wrong = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO;
    // Negative once a digit is below 0 or above 9.
    wrong |= digit | (9 - digit);
    value = Math.imul(value, 10) + digit;
  }
  return wrong < 0 ? -1 : value;
}

/** The number in up to 14 digits; -1 when a byte is not a digit. */
function numberAt(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= RUN_DIGITS) return digitsAt(bytes, start, end);
  const high = digitsAt(bytes, start, end - RUN_DIGITS);
  const low = digitsAt(bytes, end - RUN_DIGITS, end);
  return high < 0 || low < 0 ? -1 : high * 10 ** RUN_DIGITS + low;
}

const padded = (n: number, digits: number) => String(n).padStart(digits, '0');

/** Writes handles of one shard and parses those of every shard. One per thread. */
export class HandleCodec {
  /** `PREFIX:BOOT` of the run's first boot number, and the length of `PREFIX:`. */
  readonly #head: Uint8Array;
  readonly #prefixBytes: number;
  readonly #boot: number;
  /** The handle encoded last; only the slot and the last digits change within a block of serials. */
  readonly #text = withView(new Uint8Array(HANDLE_BYTES_MAX));
  readonly #view = new DataView(this.#text.buffer);
  readonly #slotAt: number;
  #textBytes = 0;
  /** First serial of the block whose digits are in `#text`, and the offset of its last digits. */
  #block = 0;
  #lastAt: number;
  /** Whether serials of the block are padded to BLOCK_DIGITS, because higher digits precede them. */
  #isPadded = false;
  /** Result of the last successful `parse`. */
  shard = 0;
  slot = 0;
  serial = 0;
  /** Of the last successful `parseOfRun`: the number of the run, 0 without one, and the bytes of its suffix. */
  run = 0;
  suffixBytes = 0;

  /** `boot` is the run's first boot number, below BOOTS; `shard` is below 100; `prefix` is used unchanged. */
  constructor(prefix: string, boot: number, shard: number) {
    this.#boot = boot;
    this.#prefixBytes = prefix.length + 1;
    this.#head = withView(bytesOf(`${prefix}:${padded(boot, BOOT_DIGITS)}`));
    const own = padded(shard, SHARD_DIGITS);
    this.#text.set(this.#head);
    this.#text.set(bytesOf(own), this.#head.length);
    this.#slotAt = this.#head.length + own.length;
    this.#lastAt = this.#slotAt + SLOT_DIGITS;
  }

  /**
   * Selects the handle of (slot, serial) in this shard for `write`; returns its length. `slot` is below HANDLE_SLOTS,
   * `serial` counts the shard's jobs in this run, below 2^53.
   */
  encode(slot: number, serial: number): number {
    const view = this.#view;
    if (serial < this.#block || serial >= this.#block + BLOCK_SERIALS) this.#enterBlock(serial);
    const last = (serial - this.#block) | 0;
    writeEight(view, this.#slotAt, slot);
    const at = this.#lastAt;
    if (this.#isPadded) {
      writeEight(view, at, last);
      this.#textBytes = at + BLOCK_DIGITS;
    } else this.#textBytes = writeShort(view, at, last);
    return this.#textBytes;
  }

  /** Writes the handle encoded last; returns the offset after it. */
  write(bytes: Uint8Array, at: number): number {
    return copyBytes(bytes, at, this.#text, 0, this.#textBytes);
  }

  /** Parses a handle into `shard`, `slot`, `serial`. False when it is not a handle of this run. */
  parse(bytes: Uint8Array, start: number, end: number): boolean {
    const head = this.#head;
    const serialAt = start + this.#prefixBytes + FIXED_DIGITS;
    const digits = end - serialAt;
    if (digits < 1 || digits > SERIAL_DIGITS_MAX) return false;
    // A leading zero spells the same number differently: such a text is not a handle of ours.
    if (digits > 1 && bytes[serialAt] === ZERO) return false;
    let boots = 0;
    if (!equalBytes(bytes, start, head, 0, head.length)) {
      boots = this.#laterBoot(bytes, start);
      if (boots < 0) return false;
    }
    const shardAt = start + head.length;
    const slotAt = shardAt + SHARD_DIGITS;
    const shard = digitsAt(bytes, shardAt, slotAt);
    const slot = digitsAt(bytes, slotAt, serialAt);
    const serial = numberAt(bytes, serialAt, end);
    if (shard < 0 || slot < 0 || serial < 0) return false;
    this.shard = shard;
    this.slot = slot;
    this.serial = boots === 0 ? serial : boots * SERIALS_PER_BOOT + serial;
    return true;
  }

  /** Parses a handle that may end with the number of a run into `run`, `suffixBytes` and the results of `parse`. */
  parseOfRun(bytes: Uint8Array, start: number, end: number): boolean {
    this.run = 0;
    this.suffixBytes = 0;
    if (this.parse(bytes, start, end)) return true;
    const at = suffixStart(bytes, start, end);
    if (at === end || !this.parse(bytes, start, at)) return false;
    this.run = runOfSuffix(bytes, at, end);
    this.suffixBytes = end - at;
    return true;
  }

  /** Writes the part that all handles of a block share: the boot number and the first digits of `serial`. */
  #enterBlock(serial: number): void {
    const boots = Math.floor(serial / SERIALS_PER_BOOT);
    const blocks = Math.floor((serial - boots * SERIALS_PER_BOOT) / BLOCK_SERIALS);
    const boot = padded((this.#boot + boots) % BOOTS, BOOT_DIGITS);
    const first = blocks === 0 ? '' : String(blocks);
    this.#text.set(bytesOf(boot), this.#prefixBytes);
    this.#text.set(bytesOf(first), this.#slotAt + SLOT_DIGITS);
    this.#block = boots * SERIALS_PER_BOOT + blocks * BLOCK_SERIALS;
    this.#lastAt = this.#slotAt + SLOT_DIGITS + first.length;
    this.#isPadded = blocks > 0;
  }

  /** Boot number of a handle with our prefix, counted from the run's first one; -1 when it is not of this run. */
  #laterBoot(bytes: Uint8Array, start: number): number {
    const at = start + this.#prefixBytes;
    if (!equalBytes(bytes, start, this.#head, 0, this.#prefixBytes)) return -1;
    const boot = numberAt(bytes, at, at + BOOT_DIGITS);
    if (boot < 0) return -1;
    const boots = (boot - this.#boot + BOOTS) % BOOTS;
    return boots < BOOTS_PER_RUN ? boots : -1;
  }
}

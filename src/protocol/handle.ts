/**
 * Job handles: `PREFIX:BOOT.SHARD.SLOT.SERIAL`, numbers in base 36. Everything up to the slot is constant in a shard.
 * SERIAL is counted per shard and never reused, BOOT differs between runs, so no handle ever repeats.
 * Invariant: at most HANDLE_BYTES_MAX bytes (prefix 35 + colon + 27).
 */
import { bytesOf, copyBytes, equalBytes, withView } from '../base/bytes.ts';
import { HANDLE_BYTES_MAX } from './limits.ts';

/** Longest prefix that leaves room for the numbers. */
export const HANDLE_PREFIX_BYTES_MAX = 35;

/** Value of each base-36 digit by its byte; 36 for every other byte. */
const VALUES = new Uint8Array(256).fill(36);
/** Byte of each base-36 digit. */
const DIGITS = bytesOf('0123456789abcdefghijklmnopqrstuvwxyz');
for (let value = 0; value < 36; value++) VALUES[DIGITS[value] as number] = value;

const DOT = 0x2e;
const TWO_31 = 0x8000_0000;

/** Digits of `n`, which is below 2^31. */
function smallDigits(n: number): number {
  if (n < 46_656) return n < 36 ? 1 : n < 1_296 ? 2 : 3;
  return n < 1_679_616 ? 4 : n < 60_466_176 ? 5 : 6;
}

function digits36(n: number): number {
  let count = 0;
  let left = n;
  for (; left >= TWO_31; left = Math.floor(left / 36)) count++;
  return count + smallDigits(left | 0);
}

/** Writes `n` with `count` digits so that they end before `end`. */
function writeBase36(bytes: Uint8Array, end: number, n: number): void {
  let i = end - 1;
  let left = n;
  // Division of 32-bit integers is a multiplication; serials from 2^31 on take the slow road first.
  for (; left >= TWO_31; i--) {
    const next = Math.floor(left / 36);
    bytes[i] = DIGITS[left - next * 36] as number;
    left = next;
  }
  let small = left | 0;
  for (; small >= 36; i--) {
    const next = (small / 36) | 0;
    bytes[i] = DIGITS[small - Math.imul(next, 36)] as number;
    small = next;
  }
  bytes[i] = DIGITS[small] as number;
}

/** Writes handles of one shard and reads those of every shard. One per thread. */
export class HandleCodec {
  readonly #head: Uint8Array;
  /** The handle encoded last; everything up to the slot never changes. */
  readonly #text = withView(new Uint8Array(HANDLE_BYTES_MAX));
  readonly #ownBytes: number;
  #textBytes = 0;
  /** Result of the last successful `parse`. */
  shard = 0;
  slot = 0;
  serial = 0;

  /** `boot` and `shard` are non-negative integers; `prefix` is used as it is. */
  constructor(prefix: string, boot: number, shard: number) {
    this.#head = bytesOf(`${prefix}:${boot.toString(36)}.`);
    const own = bytesOf(`${prefix}:${boot.toString(36)}.${shard.toString(36)}.`);
    this.#ownBytes = own.length;
    this.#text.set(own);
  }

  /** Makes the handle of (slot, serial) in this shard the one that `write` writes; returns its length. */
  encode(slot: number, serial: number): number {
    const text = this.#text;
    const dot = this.#ownBytes + digits36(slot);
    writeBase36(text, dot, slot);
    text[dot] = DOT;
    const end = dot + 1 + digits36(serial);
    writeBase36(text, end, serial);
    this.#textBytes = end;
    return end;
  }

  /** Writes the handle encoded last; returns the offset behind it. */
  write(bytes: Uint8Array, at: number): number {
    return copyBytes(bytes, at, this.#text, 0, this.#textBytes);
  }

  /** Reads a handle into `shard`, `slot`, `serial`. False when it is none of this run's. */
  parse(bytes: Uint8Array, start: number, end: number): boolean {
    const head = this.#head;
    if (end - start > HANDLE_BYTES_MAX || end - start < head.length + 5) return false;
    if (!equalBytes(bytes, start, head, 0, head.length)) return false;
    let at = this.#number(bytes, start + head.length, end, DOT);
    if (at < 0) return false;
    this.shard = this.#value;
    at = this.#number(bytes, at, end, DOT);
    if (at < 0) return false;
    this.slot = this.#value;
    at = this.#number(bytes, at, end, -1);
    this.serial = this.#value;
    return at >= 0;
  }

  #value = 0;

  /** Reads base-36 digits up to the byte `stop` (or `end` when -1); returns the offset behind it, or -1. */
  #number(bytes: Uint8Array, start: number, end: number, stop: number): number {
    let value = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === stop) {
        this.#value = value;
        return i === start ? -1 : i + 1;
      }
      const digit = VALUES[byte] as number;
      // A leading zero is another spelling of the same number: only ours is a handle.
      if (digit === 36 || (value === 0 && i > start)) return -1;
      value = value * 36 + digit;
    }
    this.#value = value;
    return stop === -1 && end > start && value <= Number.MAX_SAFE_INTEGER ? end : -1;
  }
}

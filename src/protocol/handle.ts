/**
 * Job handles: `PREFIX:BOOT.SHARD.SLOT.SERIAL`, numbers in base 36. Everything up to the slot is constant in a shard.
 * SERIAL is counted per shard and never reused, BOOT differs between runs, so no handle ever repeats.
 * Invariant: at most HANDLE_BYTES_MAX bytes (prefix 35 + colon + 27).
 */
import { bytesOf, copyBytes, equalBytes } from '../base/bytes.ts';
import { HANDLE_BYTES_MAX } from './limits.ts';

/** Longest prefix that leaves room for the numbers. */
export const HANDLE_PREFIX_BYTES_MAX = 35;

function digits36(n: number): number {
  let count = 1;
  for (let left = n; left >= 36; left = Math.floor(left / 36)) count++;
  return count;
}

function writeBase36(bytes: Uint8Array, at: number, n: number, count: number): number {
  let left = n;
  let i = at + count - 1;
  // Integer division is quicker than Math.floor on a double; serials above 2^31 take the slow road first.
  for (; left > 0x7fffffff; i--) {
    const next = Math.floor(left / 36);
    const digit = left - next * 36;
    bytes[i] = digit < 10 ? 48 + digit : 87 + digit;
    left = next;
  }
  let small = left | 0;
  for (; i >= at; i--) {
    const next = (small / 36) | 0;
    const digit = small - next * 36;
    bytes[i] = digit < 10 ? 48 + digit : 87 + digit;
    small = next;
  }
  return at + count;
}

/** Writes handles of one shard and reads those of every shard. One per thread. */
export class HandleCodec {
  readonly #head: Uint8Array;
  readonly #own: Uint8Array;
  /** Result of the last successful `parse`. */
  shard = 0;
  slot = 0;
  serial = 0;

  /** `boot` and `shard` are non-negative integers; `prefix` is used as it is. */
  constructor(prefix: string, boot: number, shard: number) {
    this.#head = bytesOf(`${prefix}:${boot.toString(36)}.`);
    this.#own = bytesOf(`${prefix}:${boot.toString(36)}.${shard.toString(36)}.`);
  }

  /** Length of the handle of (slot, serial) in this shard. */
  byteCount(slot: number, serial: number): number {
    return this.#own.length + digits36(slot) + 1 + digits36(serial);
  }

  /** Writes the handle of (slot, serial) in this shard; returns the offset behind it. */
  write(bytes: Uint8Array, at: number, slot: number, serial: number): number {
    let next = copyBytes(bytes, at, this.#own, 0, this.#own.length);
    next = writeBase36(bytes, next, slot, digits36(slot));
    bytes[next++] = 46;
    return writeBase36(bytes, next, serial, digits36(serial));
  }

  /** Reads a handle into `shard`, `slot`, `serial`. False when it is none of this run's. */
  parse(bytes: Uint8Array, start: number, end: number): boolean {
    const head = this.#head;
    if (end - start > HANDLE_BYTES_MAX || end - start < head.length + 5) return false;
    if (!equalBytes(bytes, start, head, 0, head.length)) return false;
    let at = this.#number(bytes, start + head.length, end, 46);
    if (at < 0) return false;
    this.shard = this.#value;
    at = this.#number(bytes, at, end, 46);
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
      const digit =
        byte >= 97 && byte <= 122 ? byte - 87 : byte >= 48 && byte <= 57 ? byte - 48 : -1;
      // A leading zero is another spelling of the same number: only ours is a handle.
      if (digit < 0 || (value === 0 && i > start)) return -1;
      value = value * 36 + digit;
    }
    this.#value = value;
    return stop === -1 && end > start && value <= Number.MAX_SAFE_INTEGER ? end : -1;
  }
}

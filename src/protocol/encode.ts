/**
 * Writes packets to peers into bytes that the caller has reserved. Sizes are computed first, so nothing is moved.
 * Rule: every function returns the offset after its last byte. Source: Gearman PROTOCOL, "Binary Packet".
 */
import { bytesOf, copyBytes } from '../base/bytes.ts';
import { HEADER_BYTES } from './limits.ts';

/** Header of a packet to a peer: magic \0RES, type and payload length, both 32-bit big-endian. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  type: number,
  payloadBytes: number,
): number {
  bytes[at] = 0;
  bytes[at + 1] = 0x52;
  bytes[at + 2] = 0x45;
  bytes[at + 3] = 0x53;
  bytes[at + 4] = 0;
  bytes[at + 5] = 0;
  bytes[at + 6] = 0;
  bytes[at + 7] = type;
  bytes[at + 8] = payloadBytes >>> 24;
  bytes[at + 9] = payloadBytes >>> 16;
  bytes[at + 10] = payloadBytes >>> 8;
  bytes[at + 11] = payloadBytes;
  return at + HEADER_BYTES;
}

/** Digits of an unsigned 32-bit number in decimal. */
export function decimalBytes(n: number): number {
  let count = 1;
  for (let left = n; left >= 10; left = Math.floor(left / 10)) count++;
  return count;
}

/** Writes an unsigned 32-bit number in decimal. */
export function writeDecimal(bytes: Uint8Array, at: number, n: number): number {
  const end = at + decimalBytes(n);
  let left = n;
  for (let i = end - 1; i >= at; i--) {
    const next = Math.floor(left / 10);
    bytes[i] = 48 + (left - next * 10);
    left = next;
  }
  return end;
}

/** A packet whose payload is a constant text, built once. `\0` in the text separates arguments. */
export function packetOf(type: number, payload: string): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const at = writeHeader(bytes, 0, type, payload.length);
  copyBytes(bytes, at, bytesOf(payload), 0, payload.length);
  return bytes;
}

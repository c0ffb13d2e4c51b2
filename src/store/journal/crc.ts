/**
 * CRC-32 of entries, the one of zlib and of IEEE 802.3 (reflected polynomial 0xedb88320). Short runs are summed here,
 * four bytes at a time: a call of zlib's wants a view of them, which takes longer than the sum.
 */
import { crc32 } from 'node:zlib';
import type { EntryBytes } from './entry-bytes.ts';

const HERE_BYTES_MAX = 512;
const POLYNOMIAL = 0xedb88320;

/** Four tables of 256: what a byte adds when 0, 1, 2 or 3 bytes follow it. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(1024);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
    tables[byte] = sum;
  }
  for (let i = 256; i < 1024; i++) {
    const sum = tables[i - 256] as number;
    tables[i] = (tables[sum & 255] as number) ^ (sum >>> 8);
  }
  return tables;
}

/** The sum of `from[start, end)`, begun with `salt`: an unsigned number of 32 bits. */
export function crcOf(from: EntryBytes, start: number, end: number, salt: number): number {
  const { bytes, view } = from;
  if (end - start > HERE_BYTES_MAX) return crc32(bytes.subarray(start, end), salt);
  let sum = ~salt;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    sum ^= view.getInt32(at, true);
    sum =
      (TABLES[768 + (sum & 255)] as number) ^
      (TABLES[512 + ((sum >>> 8) & 255)] as number) ^
      (TABLES[256 + ((sum >>> 16) & 255)] as number) ^
      (TABLES[sum >>> 24] as number);
  }
  for (; at < end; at++)
    sum = (TABLES[(sum ^ (bytes[at] as number)) & 255] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

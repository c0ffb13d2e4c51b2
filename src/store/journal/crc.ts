/**
 * CRC-32 of entries, the one of zlib and of IEEE 802.3 (reflected polynomial 0xedb88320). Short runs are summed here,
 * eight bytes at a time: zlib needs a view of the bytes, which takes longer than the sum.
 */
import { crc32 } from 'node:zlib';
import type { EntryBytes } from './entry-bytes.ts';

const HERE_BYTES_MAX = 512;
const POLYNOMIAL = 0xedb88320;

/** Eight tables of 256: the effect of a byte when 0 to 7 bytes follow it. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
    tables[byte] = sum;
  }
  for (let i = 256; i < tables.length; i++) {
    const sum = tables[i - 256] as number;
    tables[i] = (tables[sum & 255] as number) ^ (sum >>> 8);
  }
  return tables;
}

/** The sum of `from[start, end)`, started with `salt`, as an unsigned 32-bit number. */
export function crcOf(from: EntryBytes, start: number, end: number, salt: number): number {
  const { bytes, view } = from;
  if (end - start > HERE_BYTES_MAX) return crc32(bytes.subarray(start, end), salt);
  let sum = ~salt;
  let at = start;
  for (const last = end - 7; at < last; at += 8) {
    const low = sum ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    sum =
      (TABLES[1792 + (low & 255)] as number) ^
      (TABLES[1536 + ((low >>> 8) & 255)] as number) ^
      (TABLES[1280 + ((low >>> 16) & 255)] as number) ^
      (TABLES[1024 + (low >>> 24)] as number) ^
      (TABLES[768 + (high & 255)] as number) ^
      (TABLES[512 + ((high >>> 8) & 255)] as number) ^
      (TABLES[256 + ((high >>> 16) & 255)] as number) ^
      (TABLES[high >>> 24] as number);
  }
  for (; at < end; at++)
    sum = (TABLES[(sum ^ (bytes[at] as number)) & 255] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

/**
 * The 32-bit hash of names. Equal in addon and TypeScript core; seeded per process because peers choose the names.
 * Pure; one multiplication a byte, then a finishing mix so that the low bits serve for masks and mod.
 */

/** Hash of `bytes[start, end)`, an int32 (may be negative; use `>>> 0` for mod). */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let h = seed ^ (end - start);
  for (let i = start; i < end; i++)
    h = Math.imul(h ^ (bytes[i] as number), 0x5bd1e995) ^ (h >>> 15);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

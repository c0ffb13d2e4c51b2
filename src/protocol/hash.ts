/**
 * The 32-bit hash of names. The addon and the TypeScript core compute the same hash. Its seed differs in each process,
 * because peers choose the names. It costs one multiplication for each byte; a last step mixes the bits, so that the
 * low bits can be used as an index.
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

/**
 * MurmurHash3, 32 bits: with `-u '#'` the hash of a workload in decimal is the unique key, as in the C tool, so that
 * equal jobs from both tools become one. Source: the public algorithm of Austin Appleby (x86_32 variant); the seed was
 * found by comparing with the C tool.
 */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
/** The C tool's seed is this times the length. */
const SEED = 0xdeadbeef;

function scramble(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

/** The hash as an unsigned number. */
export function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockEnd = bytes.length & ~3;
  let hash = Math.imul(SEED, bytes.length);
  for (let at = 0; at < blockEnd; at += 4) {
    hash ^= scramble(view.getUint32(at, true));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= blockEnd; at--) tail = (tail << 8) | (bytes[at] as number);
  hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

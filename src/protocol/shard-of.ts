/**
 * Which thread owns a function: name -> hash -> bucket -> thread. All functions of a bucket have the same owner.
 * Rule: nothing else computes an owner. Journals are one file a thread, so another formula needs them resharded.
 */
import { hashBytes } from './hash.ts';

/** Bucket of a name's hash. As many as there are hashes: nothing moves single buckets yet. */
function bucketOf(hash: number): number {
  return hash >>> 0;
}

/** Thread that owns the function whose name has this hash: 1 to `shardCount`, or 0 without shards. */
export function shardOf(hash: number, shardCount: number): number {
  return shardCount === 0 ? 0 : 1 + (bucketOf(hash) % shardCount);
}

/** The same by the bytes of the name. */
export function shardOfName(name: Uint8Array, hashSeed: number, shardCount: number): number {
  return shardOf(hashBytes(name, 0, name.length, hashSeed), shardCount);
}

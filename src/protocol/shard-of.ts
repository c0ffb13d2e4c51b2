/**
 * Computes which thread owns a function: name -> hash -> bucket -> thread. All functions of a bucket have the same
 * owner. Rule: no other code computes an owner. Each thread has a journal with the jobs of its functions, so a change
 * of the formula needs a reshard.
 */
import { hashBytes } from './hash.ts';

/** Bucket of a name's hash. Now every hash is its own bucket, because buckets cannot be moved one by one yet. */
function bucketOf(hash: number): number {
  return hash >>> 0;
}

/** Thread that owns the function whose name has this hash: 1 to `shardCount`, or 0 without shards. */
export function shardOf(hash: number, shardCount: number): number {
  return shardCount === 0 ? 0 : 1 + (bucketOf(hash) % shardCount);
}

/** Thread that owns the function with this name. */
export function shardOfName(name: Uint8Array, hashSeed: number, shardCount: number): number {
  return shardOf(hashBytes(name, 0, name.length, hashSeed), shardCount);
}

/** Whether the thread of that number owns functions. */
export function isOwner(thread: number, shardCount: number): boolean {
  return shardCount === 0 ? thread === 0 : thread > 0 && thread <= shardCount;
}

/** Threads that own functions: the shards, or without shards the only thread. */
export function ownerThreads(shardCount: number): number[] {
  return shardCount === 0 ? [0] : Array.from({ length: shardCount }, (_, i) => i + 1);
}

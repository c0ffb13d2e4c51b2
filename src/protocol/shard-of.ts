/**
 * Which thread owns a function: name -> hash -> bucket -> thread. All functions of a bucket have the same owner. Rule:
 * no other code computes an owner. There is one journal for each thread, so a change of the formula needs a reshard.
 */
import { hashBytes } from './hash.ts';

/** Bucket of a name's hash. Every hash is its own bucket: buckets do not move one by one yet. */
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

/** Whether the thread of that number owns functions. */
export function isOwner(thread: number, shardCount: number): boolean {
  return shardCount === 0 ? thread === 0 : thread > 0 && thread <= shardCount;
}

/** Threads that own functions: the shards, or the one thread that is everything. */
export function ownerThreads(shardCount: number): number[] {
  return shardCount === 0 ? [0] : Array.from({ length: shardCount }, (_, i) => i + 1);
}

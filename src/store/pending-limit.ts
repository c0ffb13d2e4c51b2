/**
 * Limits the memory of a store while the disk or the database is too slow; jobs that exceed the limit are refused.
 * Rule: a job of any size is taken when nothing else waits.
 */

/** Bytes of appended jobs that may wait. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** Whether a job of `byteCount` bytes may wait in addition to `pendingBytes`. */
export function mayWait(pendingBytes: number, byteCount: number): boolean {
  return pendingBytes === 0 || pendingBytes + byteCount <= PENDING_BYTES_MAX;
}

/**
 * How much a store keeps in memory while the disk or the database does not keep up; what has no room is refused.
 * Rule: a job of any size has room when nothing else waits.
 */

/** Bytes of appended jobs that may wait. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** Whether a job of `byteCount` bytes may wait behind `pendingBytes`. */
export function mayWait(pendingBytes: number, byteCount: number): boolean {
  return pendingBytes === 0 || pendingBytes + byteCount <= PENDING_BYTES_MAX;
}

/**
 * Memory that V8 does not count. V8 collects garbage when memory outside of its heap grows: with a queue that grows by
 * 10 MB a second it marks the whole heap once a second without finding anything. Shared memory is not counted. Rule:
 * use it only for tables that live as long as the thread, or that give their pages back explicitly. If V8 is to collect
 * memory, it must know its size.
 */
export function uncounted(byteCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(byteCount);
}

/**
 * Memory of a table. With `discard` the table gives pages back to the system itself. With null it drops whole arrays
 * that it does not need, and V8 collects them.
 */
export function tableMemory(
  byteCount: number,
  discard: ((bytes: Uint8Array) => void) | null,
): ArrayBufferLike {
  return discard === null ? new ArrayBuffer(byteCount) : uncounted(byteCount);
}

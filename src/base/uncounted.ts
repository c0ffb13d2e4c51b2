/**
 * Memory that V8 does not count. It takes what lies outside of its heap for a reason to collect garbage: a queue that
 * grows by 10 MB a second makes it mark the whole heap once a second, and there is none. Shared memory is not counted.
 * Rule: for tables that stay, or whose pages are given back by hand. What is dropped is left to the collector, which
 * must know its size.
 */
export function uncounted(byteCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(byteCount);
}

/** Memory of a table that gives its pages back by `discard`, or with null drops what it does not need. */
export function tableMemory(
  byteCount: number,
  discard: ((bytes: Uint8Array) => void) | null,
): ArrayBufferLike {
  return discard === null ? new ArrayBuffer(byteCount) : uncounted(byteCount);
}

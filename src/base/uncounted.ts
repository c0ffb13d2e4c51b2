/**
 * Memory that V8 does not count. It takes what lies outside of its heap for a reason to collect garbage: a queue that
 * grows by 10 MB a second makes it mark the whole heap once a second, and there is none. Shared memory is not counted.
 * Rule: for tables that stay, or whose pages are given back by hand. What is dropped is left to the collector, which
 * must know its size.
 */
export function uncounted(byteCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(byteCount);
}

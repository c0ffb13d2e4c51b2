/**
 * Typed arrays cannot grow in place; this makes the longer copy. The old one must not be used any more.
 */

/** A copy of `from` with `length` elements, at least as many as there are; the new ones are 0. */
export function grown(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}

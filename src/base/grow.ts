/**
 * Typed arrays cannot grow in place; this makes the longer copy. The caller must not use the old one any more.
 */

/** A copy of `from` with `length` elements, at least as many as before; the new ones are 0. */
export function grown(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}

/**
 * Small moves of bytes on the hot path. Short runs are copied in a loop, because a subarray costs an object and a call
 * into the engine; measured break-even is near 70 bytes, garbage not counted.
 */

const LOOP_BYTES_MAX = 80;
/** Text up to this length is made character by character. */
const LOOP_CHARACTERS_MAX = 10;
/** Arguments of one call, far below what any stack takes. */
const RUN_CHARACTERS = 4096;

/** Copies `source[start, end)` to `target` at `at`; returns the offset behind the copy. */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  const count = end - start;
  if (count > LOOP_BYTES_MAX) {
    target.set(source.subarray(start, end), at);
    return at + count;
  }
  let i = start;
  for (const end4 = end - 3; i < end4; i += 4, at += 4) {
    target[at] = source[i] as number;
    target[at + 1] = source[i + 1] as number;
    target[at + 2] = source[i + 2] as number;
    target[at + 3] = source[i + 3] as number;
  }
  for (; i < end; i++) target[at++] = source[i] as number;
  return at;
}

/** True when `a[aStart, aStart + count)` equals `b[bStart, bStart + count)`. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** Bytes of an ASCII or Latin-1 text. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Latin-1 text of `bytes[start, end)`: one character a byte, so `bytesOf` gives the same bytes back. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  if (end - start <= LOOP_CHARACTERS_MAX) {
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
    return text;
  }
  // One string a run: adding single characters makes an object of each.
  for (let i = start; i < end; i += RUN_CHARACTERS) {
    const run = bytes.subarray(i, Math.min(end, i + RUN_CHARACTERS));
    text += String.fromCharCode.apply(null, run as unknown as number[]);
  }
  return text;
}

/** A copy of `bytes[start, end)` that the caller owns. */
export function ownCopy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

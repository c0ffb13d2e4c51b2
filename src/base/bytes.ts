/**
 * Copies and compares short runs of bytes on the hot path. Short runs are copied in a loop, because a subarray costs
 * an object and a call into the engine. Long-lived arrays carry a view of their memory, so that four bytes move at a
 * time.
 */

/** Up to this length a loop is faster than `set` of a subarray: byte by byte, or four at a time with views. */
const LOOP_BYTES_MAX = 80;
const VIEW_BYTES_MAX = 160;
/**
 * Views are used for runs of at least so many bytes. For shorter runs, checking for a view costs more than it saves.
 */
const VIEW_BYTES_MIN = 8;
/** Text up to this length is built character by character. */
const LOOP_CHARACTERS_MAX = 10;
/** Arguments of one call; far below the stack limit of any engine. */
const RUN_CHARACTERS = 4096;

const VIEW = Symbol('view');
type Viewed = Uint8Array & { [VIEW]?: DataView };

/** Attaches a view of its memory to `bytes`: copies between two such arrays are faster. Returns `bytes`. */
export function withView(bytes: Uint8Array): Uint8Array {
  const viewed: Viewed = bytes;
  viewed[VIEW] ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes;
}

/** Copies `source[start, end)` to `target` at `at`; returns the offset after the copy. */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  const count = end - start;
  let i = start;
  let to = at;
  if (count >= VIEW_BYTES_MIN && count <= VIEW_BYTES_MAX) {
    const from = (source as Viewed)[VIEW];
    const into = (target as Viewed)[VIEW];
    if (from !== undefined && into !== undefined) {
      for (const last = end - 3; i < last; i += 4, to += 4)
        into.setInt32(to, from.getInt32(i, true), true);
      for (; i < end; i++) target[to++] = source[i] as number;
      return to;
    }
  }
  if (count > LOOP_BYTES_MAX) {
    target.set(source.subarray(start, end), at);
    return at + count;
  }
  for (const last = end - 3; i < last; i += 4, to += 4) {
    target[to] = source[i] as number;
    target[to + 1] = source[i + 1] as number;
    target[to + 2] = source[i + 2] as number;
    target[to + 3] = source[i + 3] as number;
  }
  for (; i < end; i++) target[to++] = source[i] as number;
  return to;
}

/** True when `a[aStart, aStart + count)` equals `b[bStart, bStart + count)`. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  count: number,
): boolean {
  let i = 0;
  if (count >= VIEW_BYTES_MIN) {
    const left = (a as Viewed)[VIEW];
    const right = (b as Viewed)[VIEW];
    if (left !== undefined && right !== undefined)
      for (const last = count - 3; i < last; i += 4)
        if (left.getInt32(aStart + i, true) !== right.getInt32(bStart + i, true)) return false;
  }
  for (; i < count; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** Bytes of an ASCII or Latin-1 text. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Latin-1 text of `bytes[start, end)`, one character a byte; `bytesOf` reverses it. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  if (end - start <= LOOP_CHARACTERS_MAX) {
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
    return text;
  }
  // One string for each run: adding single characters makes an object for each.
  for (let i = start; i < end; i += RUN_CHARACTERS) {
    const run = bytes.subarray(i, Math.min(end, i + RUN_CHARACTERS));
    text += String.fromCharCode.apply(null, run as unknown as number[]);
  }
  return text;
}

/** A copy of `bytes[start, end)` that the caller owns. */
export function ownCopy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // Not by subarray: a Buffer's subarray is another Buffer, which takes several times as long to make.
  return new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
}

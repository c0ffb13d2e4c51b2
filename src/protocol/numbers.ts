/**
 * Decimal numbers as C parses them: leading blanks and a sign are accepted, parsing stops at the first other byte.
 * Source: observed behaviour of gearmand with SUBMIT_JOB_EPOCH, WORK_STATUS, CAN_DO_TIMEOUT and maxqueue.
 */

const INT64_MAX = 2 ** 63;
const PLUS = 0x2b;
const MINUS = 0x2d;

/** The number at the start of `bytes[start, end)`; 0 when there is none, NaN when it does not fit into 64 bits. */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  const first = firstDigit(bytes, start, end);
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (value >= INT64_MAX) return Number.NaN;
  }
  return first > start && bytes[first - 1] === MINUS ? 0 - value : value;
}

/**
 * The number at the start of the text, cut to unsigned 32 bits as gearmand stores numerators and denominators; NaN
 * becomes 2^32 - 1.
 */
export function parseUint32(bytes: Uint8Array, start: number, end: number): number {
  if (Number.isNaN(parseInteger(bytes, start, end))) return 0xffffffff;
  const first = firstDigit(bytes, start, end);
  // Computed in 32 bits: a double loses its low bits above 2^53.
  let low = 0;
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    low = (Math.imul(low, 10) + digit) | 0;
  }
  return (first > start && bytes[first - 1] === MINUS ? -low : low) >>> 0;
}

/** The offset after leading blanks and one sign, where digits may begin. */
function firstDigit(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at] as number)) at++;
  return at < end && (bytes[at] === MINUS || bytes[at] === PLUS) ? at + 1 : at;
}

const TIMEOUT_DIGITS_MAX = 20;
const TIMEOUT_MS_MIN = 1000;

/**
 * CAN_DO_TIMEOUT's number in milliseconds: at least 1000; 0 for none (0, negative, not a number); -1 when the packet
 * is to be ignored (over 20 bytes, or beyond 64 bits).
 */
export function parseTimeout(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > TIMEOUT_DIGITS_MAX) return -1;
  const value = parseInteger(bytes, start, end);
  if (Number.isNaN(value)) return -1;
  return value <= 0 ? 0 : Math.max(TIMEOUT_MS_MIN, value);
}

function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

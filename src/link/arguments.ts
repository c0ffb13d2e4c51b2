/**
 * Reads the arguments of a received packet in place. Rule: when a NUL is missing, the argument ends at the packet's
 * end.
 */
import { ownCopy } from '../base/bytes.ts';

/** Offset of the NUL that ends the argument at `start`, or `end`. */
export function argumentEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === 0) return at;
  return end;
}

/** All arguments as Latin-1 text; the last one is the rest of the packet. Slow, so only for rare packets. */
export function splitText(bytes: Uint8Array, start: number, end: number, count: number): string[] {
  const texts: string[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const stop = i === count - 1 ? end : argumentEnd(bytes, at, end);
    texts.push(handleText(bytes, at, stop));
    at = Math.min(end, stop + 1);
  }
  return texts;
}

/** Data for the program, which owns it: a copy, unless the packet's memory is its own. */
export function keep(bytes: Uint8Array, start: number, end: number, isOwn: boolean): Uint8Array {
  return isOwn ? bytes.subarray(start, end) : ownCopy(bytes, start, end);
}

/** Node's Latin-1 decoder, the fastest way to a short text; it takes any Uint8Array. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** Bytes as text, one character a byte, for handles and other text that must be sent back unchanged. */
export function handleText(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/** UTF-8 text of `bytes[start, end)`; most is ASCII, and short. */
export function shortText(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return '';
  for (let at = start; at < end; at++)
    if ((bytes[at] as number) > 0x7f) return utf8(bytes.subarray(start, end));
  return handleText(bytes, start, end);
}

const decoder = new TextDecoder();

/** UTF-8 text; invalid bytes become U+FFFD. */
export function utf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

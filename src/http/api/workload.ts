/** How the beginning of a workload is shown. */

/** Bytes of a workload that are shown; more come as a download only. */
export const SHOWN_BYTES_MAX = 16 * 1024;

export type ShownAs = 'auto' | 'text' | 'json' | 'hex';

export interface ShownWorkload {
  readonly kind: 'text' | 'json' | 'hex';
  readonly content: string;
}

/**
 * With `auto`: JSON when the whole of it is, else text when it is UTF-8 without control characters, else hexadecimal
 * digits. Bytes that are not UTF-8 become U+FFFD in text; what is not JSON is shown as text when JSON was asked for.
 */
export function shownWorkload(bytes: Uint8Array, as: ShownAs, isCut: boolean): ShownWorkload {
  if (as === 'hex') return { kind: 'hex', content: hexOf(bytes) };
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (as === 'text') return { kind: 'text', content: text };
  const json = isCut ? null : jsonOf(text);
  if (json !== null) return { kind: 'json', content: json };
  return as === 'json' || isText(text, isCut)
    ? { kind: 'text', content: text }
    : { kind: 'hex', content: hexOf(bytes) };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The text with line breaks and two blanks a level; null when it is not JSON. Scalars stay text. */
function jsonOf(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

/** A cut may divide the last character. */
function isText(text: string, isCut: boolean): boolean {
  const whole = isCut ? text.replace(/\uFFFD{1,3}$/, '') : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is not text
  return !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\uFFFD]/.test(whole);
}

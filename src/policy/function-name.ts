/**
 * Names of functions where a text has other separators: in options, text commands and files. Bytes outside of letters,
 * digits and `_-.` are written as %HH. Names are Latin-1 texts, one character a byte.
 */

const PLAIN = /^[\w.-]+$/;
const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/** The name with every other byte as %HH. */
export function escapeName(name: string): string {
  if (PLAIN.test(name)) return name;
  return name.replace(
    /[^\w.-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The name in a text; undefined when it is empty, holds %00 or a % without two hexadecimal digits. */
export function unescapeName(text: string): string | undefined {
  if (text === '' || /%(?![0-9A-Fa-f]{2})|%00/.test(text)) return undefined;
  return text.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** UTF-8 bytes of a text, one character each: how a name in an option is compared with names on the wire. */
export function latin1Of(text: string): string {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

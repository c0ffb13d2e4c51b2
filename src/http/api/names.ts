/**
 * Bytes in JSON and in paths. Inside of the server a name is a Latin-1 text, one character a byte. Rule: a path and a
 * query may have every byte as %HH; an answer has UTF-8 as text, and other bytes also escaped, so that programs can
 * pass each name back.
 */
import { escapeName } from '../../policy/function-name.ts';
import { ApiProblem } from './problems.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of bytes that are UTF-8; null for others. */
function utf8Of(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * The fields of a name: `{ KEY: text }`, and where its bytes are not UTF-8 `KEYEscaped` too; the text then has U+FFFD
 * for them.
 */
export function nameFields<K extends string>(
  key: K,
  name: string,
): Record<K, string> & Partial<Record<`${K}Escaped`, string>> {
  const bytes = Buffer.from(name, 'latin1');
  const text = utf8Of(bytes);
  const fields = { [key]: text ?? bytes.toString('utf8') };
  if (text === null) fields[`${key}Escaped`] = escapeName(name);
  return fields as Record<K, string> & Partial<Record<`${K}Escaped`, string>>;
}

/** The bytes of a segment of a path, or of a value of a query, as it came. Throws ApiProblem `nameInvalid`. */
export function bytesOfEscaped(raw: string): string {
  if (/%(?![0-9A-Fa-f]{2})|%00/.test(raw) || raw.includes('\0'))
    throw new ApiProblem('nameInvalid', 'allowed are all bytes but 0, as %HH');
  const text = raw.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  // node:http passes bytes of a target above 0x7f as Latin-1.
  return text;
}

/** UTF-8 bytes of a text of a JSON body. Throws ApiProblem `nameInvalid` for U+0000. */
export function bytesOfText(text: string): string {
  if (text.includes('\0')) throw new ApiProblem('nameInvalid', 'a name has no U+0000');
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * Makes untrusted text safe for one line of a log or a terminal. Control characters (C0, DEL, C1), format characters
 * such as bidirectional marks, and Unicode's line and paragraph separators are escaped, so that the text cannot move
 * the cursor, change colours, break the line or reverse its direction.
 */

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `\n` for a line feed, `\x1b` or `\u{202e}` for everything else that is not printable. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\\n';
    const code = (character.codePointAt(0) as number).toString(16);
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`;
  });
}

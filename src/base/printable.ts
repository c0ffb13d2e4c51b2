/**
 * Text from strangers as text that is safe in one line of a log or a terminal. Nothing in it moves the cursor, changes
 * colours, breaks the line or turns the direction of what follows: control characters (C0, DEL, C1), format characters
 * such as bidirectional marks, and the line and paragraph separators of Unicode are written out.
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

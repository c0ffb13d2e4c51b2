/**
 * Finds the options for `--help WORD`. Rule: one letter is the short form of an option; a longer word matches the
 * beginning of a word in name, help or allowed values, ignoring case.
 */
import { flagsOf, type OptionRow } from './row.ts';
import { ANY_TEXT } from './types.ts';

/** Help with the allowed values, where they add information. */
export function fullHelp({ help, type }: OptionRow): string {
  const isOpen = type.argument === null || type.allowed === ANY_TEXT;
  return isOpen ? help : `${help}; allowed: ${type.allowed}`;
}

function isMatch(row: OptionRow, word: string): boolean {
  const wanted = word.replace(/^-+/, '');
  if (wanted.length <= 1) return wanted !== '' && row.short === wanted;
  const text = ` ${flagsOf(row)} ${fullHelp(row)}`.toLowerCase();
  for (let at = -1; ; ) {
    at = text.indexOf(wanted.toLowerCase(), at + 1);
    if (at < 0) return false;
    if (!/[\p{L}\p{N}]/u.test(text.charAt(at - 1))) return true;
  }
}

/** The options that match each of the words, without hidden ones, in their order. */
export function matchingOptions(
  options: readonly OptionRow[],
  words: readonly string[],
): OptionRow[] {
  return options.filter(
    (row) => row.isHidden !== true && words.every((word) => isMatch(row, word)),
  );
}

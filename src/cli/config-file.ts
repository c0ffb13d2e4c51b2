/**
 * gearmand's config file: words of a command line separated by blanks, tabs and line ends. Our additions: `#` as the
 * first character of a line begins a comment, and a value may be quoted, `--log-file="a b"` or `"a b"`.
 */
import { readFileSync } from 'node:fs';
import { fileReason } from '../store/file-reason.ts';

/** Content of a file as Latin-1 or UTF-8 text; throws the system's error. */
export type ReadFile = (path: string) => string;

const readUtf8: ReadFile = (path) => readFileSync(path, 'utf8');

/** One word without its quotes, and where it begins; lines and columns count from 1, columns in characters. */
export interface ConfigWord {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** A word with quotes that do not end, or that end inside of the word. */
export interface BrokenWord {
  readonly reason: string;
  readonly line: number;
  readonly column: number;
}

export interface ConfigText {
  readonly words: readonly ConfigWord[];
  readonly broken: readonly BrokenWord[];
}

const BYTE_ORDER_MARK = /^\uFEFF/;
/** Blanks; then quotes around a whole word or a whole value; or everything up to the next blank. */
const WORD = /[ \t\v\f]*(?:([^\s"'=]*=)?("(?:[^"\\]|\\.)*"|'[^']*')(?=\s|$)|(\S+))/y;
const OPEN_QUOTE = /^(?:[^\s"'=]*=)?(["'])/;

/** The words in the text of a config file. */
export function splitWords(text: string): ConfigText {
  const words: ConfigWord[] = [];
  const broken: BrokenWord[] = [];
  const lines = text.replace(BYTE_ORDER_MARK, '').split(/\r\n|[\r\n]/);
  for (const [i, line] of lines.entries()) {
    if (/^\s*#/.test(line)) continue;
    WORD.lastIndex = 0;
    for (let match = WORD.exec(line); match !== null; match = WORD.exec(line)) {
      const [whole, name = '', quoted, plain] = match;
      const bare = plain ?? `${name}${quoted}`;
      const place = { line: i + 1, column: match.index + whole.length - bare.length + 1 };
      const quote = plain === undefined ? undefined : OPEN_QUOTE.exec(plain)?.[1];
      if (quote !== undefined) {
        broken.push({ ...place, reason: `the quote ${quote} is not closed at the end of a word` });
        break;
      }
      words.push({ ...place, text: plain ?? name + unquoted(quoted as string) });
    }
  }
  return { words, broken };
}

/** The text between quotes. Between double quotes a backslash escapes a quote or a backslash. */
function unquoted(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return quoted.startsWith('"') ? inner.replace(/\\(["\\])/g, '$1') : inner;
}

/**
 * Words of a config file. A missing file has no words, unless it is required (`isRequired`); all other failures throw
 * Error with the path.
 */
export function readConfigFile(path: string, isRequired: boolean, read = readUtf8): ConfigText {
  try {
    return splitWords(read(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isRequired) return { words: [], broken: [] };
    throw new Error(`option --config-file: read ${path}: ${fileReason(error)}`, { cause: error });
  }
}

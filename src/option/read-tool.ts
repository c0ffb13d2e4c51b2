/**
 * Reads a tool's command line into values; long options may be abbreviated where the C tool allows it. Rule: all
 * problems are found before the tool does anything.
 */
import { notAllowed } from './error.ts';
import { flagWithValue, optionMeant, readValue, readWords } from './read-words.ts';
import { flagsOf, type OptionRow, type OptionValues } from './row.ts';
import type { Tool } from './tool.ts';

export interface ReadTool {
  /** Values by key, including defaults. */
  readonly values: OptionValues;
  /** Keys of the options that were given, ordered by where each was given last. */
  readonly given: ReadonlySet<string>;
  /** Words that are neither options nor values of options, in their order. */
  readonly operands: readonly string[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** Writes abbreviated long options in full and leaves other words unchanged; reports ambiguous ones as problems. */
function writtenOut(words: readonly string[], tool: Tool, problems: string[]): string[] {
  const end = words.indexOf('--');
  return words.map((word, i) => {
    if (!word.startsWith('--') || (end >= 0 && i >= end)) return word;
    const [stem = '', ...value] = word.slice(2).split('=');
    if (tool.options.some((row) => row.name === stem)) return word;
    const meant = tool.options.filter((row) => row.name.startsWith(stem));
    const theirs = meant.filter((row) => row.isOwn !== true);
    // An abbreviation that the C tool understands means the same here.
    const names = (theirs.length === 1 ? theirs : meant).map((row) => row.name);
    if (names.length > 1) {
      problems.push(
        `option --${stem} is ambiguous: ${names.map((name) => `--${name}`).join(', ')}`,
      );
    }
    return names.length === 1 ? [`--${names[0]}`, ...value].join('=') : word;
  });
}

/** Describes the problem with a word that commander does not know. */
function unknownOption(word: string, tool: Tool): string {
  const flag = flagWithValue(word, tool.options);
  if (flag !== undefined) return `option --${flag.name} takes no value`;
  return `unknown option ${JSON.stringify(word)}${optionMeant(word, tool.options)}`;
}

/** Reads the words after the program's name; never throws and never exits. */
export function readToolWords(argv: readonly string[], tool: Tool): ReadTool {
  const problems: string[] = [];
  const words = tool.takesAbbreviations ? writtenOut(argv, tool, problems) : argv;
  const read = readWords(words, tool.options);
  // Commander counts every word after an unknown option as unknown; only the first certainly is.
  const unknown = read.unknown[0];
  if (unknown !== undefined && problems.length === 0)
    problems.push(unknownOption(unknown.word, tool));
  if (read.failure !== null) problems.push(read.failure.problem + read.failure.remedy);
  const found = new Map<string, (string | null)[]>();
  for (const { row, word } of read.given) {
    const earlier = found.get(row.key) ?? [];
    // Deleted first, so that the map is ordered by where each option was given last.
    found.delete(row.key);
    found.set(row.key, [...earlier, word]);
  }
  const values: Record<string, unknown> = {};
  for (const row of tool.options)
    values[row.key] = toolValue(row, found.get(row.key), tool, problems);
  const operands = read.operands.map(({ word }) => word);
  return { values, given: new Set(found.keys()), operands, problems };
}

function toolValue(
  row: OptionRow,
  words: readonly (string | null)[] | undefined,
  { onRepeat }: Tool,
  problems: string[],
): unknown {
  if (words === undefined) return row.defaultValue;
  if (words.length > 1 && row.isRepeatable !== true && onRepeat === 'refuse')
    problems.push(`option --${row.name}: given more than once`);
  const refuse = (word: string) => problems.push(notAllowed(flagsOf(row), row, word));
  return readValue(row, words, refuse) ?? row.defaultValue;
}

/**
 * Words of a tool's command line to values; options may be cut short where the C tool allows it.
 * Rule: every problem is found before anything is done.
 */
import { notAllowed } from './error.ts';
import { readValue, readWords } from './read-words.ts';
import { flagsOf, type OptionRow, type OptionValues } from './row.ts';
import type { Tool } from './tool.ts';

export interface ReadTool {
  /** By key, defaults included. */
  readonly values: OptionValues;
  /** Keys of options that were given, in the order in which each was given last. */
  readonly given: ReadonlySet<string>;
  /** Words that are neither options nor values of options, in their order. */
  readonly operands: readonly string[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** Long options that were cut short, written out; ambiguous ones are problems. Leaves all else as it is. */
function writtenOut(words: readonly string[], tool: Tool, problems: string[]): string[] {
  const end = words.indexOf('--');
  return words.map((word, i) => {
    if (!word.startsWith('--') || (end >= 0 && i >= end)) return word;
    const [stem = '', ...value] = word.slice(2).split('=');
    if (tool.options.some((row) => row.name === stem)) return word;
    const meant = tool.options.filter((row) => row.name.startsWith(stem));
    const theirs = meant.filter((row) => row.isOwn !== true);
    // What the C tool understands means here what it means there.
    const names = (theirs.length === 1 ? theirs : meant).map((row) => row.name);
    if (names.length > 1) {
      problems.push(
        `option --${stem} is ambiguous: ${names.map((name) => `--${name}`).join(', ')}`,
      );
    }
    return names.length === 1 ? [`--${names[0]}`, ...value].join('=') : word;
  });
}

/** What is wrong with a word that commander does not know. */
function unknownOption(word: string, tool: Tool): string {
  const name = /^--([^=]+)=/.exec(word)?.[1];
  const isFlag = tool.options.some((row) => row.name === name && row.type.argument === null);
  return isFlag ? `option --${name} takes no value` : `unknown option ${JSON.stringify(word)}`;
}

/** Reads the words after the program's name; never throws and never exits. */
export function readToolWords(argv: readonly string[], tool: Tool): ReadTool {
  const problems: string[] = [];
  const words = tool.takesAbbreviations ? writtenOut(argv, tool, problems) : argv;
  const read = readWords(words, tool.options);
  // Every word after an unknown option is unknown too: only the first is certainly wrong.
  const unknown = read.unknown[0];
  if (unknown !== undefined && problems.length === 0)
    problems.push(unknownOption(unknown.word, tool));
  if (read.failure !== null) problems.push(read.failure.replaceAll("'", ''));
  const found = new Map<string, (string | null)[]>();
  for (const { row, word } of read.given) {
    const earlier = found.get(row.key) ?? [];
    // Taken out first: the order of the map is that of the last time each was given.
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

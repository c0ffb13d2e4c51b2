/**
 * Words of a command line or config file to options, by commander: long options in full, short ones also joined
 * (`-dR`, `-p4731`), `--name=value` or `--name value`, `--` ends them; and the commander that lists the options for
 * help. Rule: what a word means beside others is decided by the caller.
 */
import { Command, CommanderError, Option } from 'commander';
import { flagsOf, type OptionRow, shownDefault } from './row.ts';

/** An option that was given; its word is null for a flag. */
export interface GivenWord {
  readonly row: OptionRow;
  readonly word: string | null;
}

/** A word in its place. */
export interface PlacedWord {
  readonly word: string;
  /** Among all words; -1 for one letter of a group such as `-dX`. */
  readonly index: number;
}

export interface ReadWords {
  /** In their order; an option may be there more than once. */
  readonly given: readonly GivenWord[];
  /** Words that are neither options nor values of options. */
  readonly operands: readonly PlacedWord[];
  /** The first option that is not known, and every word after it that is no known option. */
  readonly unknown: readonly PlacedWord[];
  /** What could not be read, in words; reading ends there. */
  readonly failure: string | null;
}

function makeCommand(
  name: string,
  rows: readonly OptionRow[],
  heading: (group: string) => string,
): Command {
  const command = new Command(name)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const row of rows) {
    const argument = row.type.argument === null ? '' : ` <${row.type.argument}>`;
    const option = new Option(flagsOf(row) + argument, row.help).helpGroup(heading(row.group));
    const shown = shownDefault(row);
    if (shown !== null) option.default(row.defaultValue, shown);
    command.addOption(option.hideHelp(row.isHidden === true));
  }
  return command;
}

/** Commander's own help: usage, then the options by heading. */
export function helpCommand(
  name: string,
  rows: readonly OptionRow[],
  columns: number,
  heading: (group: string) => string,
): Command {
  return makeCommand(name, rows, heading).configureOutput({
    getOutHelpWidth: () => columns,
    getOutHasColors: () => false,
  });
}

/** Separates a word from its index while commander has it: it is in no word of a command line. */
const MARK = '\0';

/** Values and operands keep their index; an option itself must stay as it is. */
function marked(word: string, index: number): string {
  return word.startsWith('-') && !word.includes('=') ? word : `${word}${MARK}${index}`;
}

function unmarked(word: string): string {
  const at = word.lastIndexOf(MARK);
  return at < 0 ? word : word.slice(0, at);
}

/** A word of commander's with its index: that of its mark, or of the first word that is the same. */
function placed(text: string, words: readonly string[]): PlacedWord {
  const word = unmarked(text);
  return { word, index: word === text ? words.indexOf(word) : Number(text.slice(word.length + 1)) };
}

/** Reads words; never throws and never exits. */
export function readWords(words: readonly string[], rows: readonly OptionRow[]): ReadWords {
  const given: GivenWord[] = [];
  const command = makeCommand('', rows, String);
  for (const row of rows)
    command.on(`option:${row.name}`, (word: string | null | undefined) =>
      given.push({ row, word: typeof word === 'string' ? unmarked(word) : null }),
    );
  try {
    const { operands, unknown } = command.parseOptions(words.map(marked));
    const place = (text: string): PlacedWord => placed(text, words);
    return { given, operands: operands.map(place), unknown: unknown.map(place), failure: null };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const failure = unmarked(error.message.replace(/^error: /, ''));
    return { given, operands: [], unknown: [], failure };
  }
}

/**
 * The value of an option from its words, of the last one where only one counts; undefined when none is allowed.
 * `refuse` hears each word that is not.
 */
export function readValue(
  row: OptionRow,
  words: readonly (string | null)[],
  refuse: (word: string) => void,
): unknown {
  const values: unknown[] = [];
  for (const word of words) {
    const value = word === null ? true : row.type.readText(word);
    if (value !== undefined) values.push(value);
    else refuse(word as string);
  }
  return row.isRepeatable === true && values.length > 0 ? values.flat() : values.at(-1);
}

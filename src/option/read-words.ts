/**
 * Splits the words of a command line or config file into options and operands, with commander. Long options are written
 * in full; short ones may be joined (`-dR`, `-p4731`); a value is `--name=value` or `--name value`; `--` ends the
 * options. Also builds the commander object that lists options for help. Rule: the caller decides what words mean
 * together.
 */
import { Command, CommanderError, Option } from 'commander';
import { closest } from '../base/closest.ts';
import { flagsOf, type OptionRow, shownDefault } from './row.ts';

/** An option that was given; its word is null for a flag. */
export interface GivenWord {
  readonly row: OptionRow;
  readonly word: string | null;
}

/** A word and its position. */
export interface PlacedWord {
  readonly word: string;
  /** Position among all words; -1 for a letter inside a group such as `-dX`. */
  readonly index: number;
}

/** A failure in two parts; the caller puts the position of the word between problem and remedy. */
export interface ReadFailure {
  readonly problem: string;
  readonly remedy: string;
}

export interface ReadWords {
  /** In the order given; an option may occur more than once. */
  readonly given: readonly GivenWord[];
  /** Words that are neither options nor values of options. */
  readonly operands: readonly PlacedWord[];
  /** The first unknown option, and each later word that is not a known option. */
  readonly unknown: readonly PlacedWord[];
  /** Why reading stopped; null when all words were read. */
  readonly failure: ReadFailure | null;
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

/**
 * Separates a word from its position while commander handles it; a word of a command line cannot contain this
 * character.
 */
const MARK = '\0';

/** Adds the position to values and operands. Options stay unchanged, so that commander recognizes them. */
function marked(word: string, index: number): string {
  return word.startsWith('-') && !word.includes('=') ? word : `${word}${MARK}${index}`;
}

function unmarked(word: string): string {
  const at = word.lastIndexOf(MARK);
  return at < 0 ? word : word.slice(0, at);
}

/** The position of a word that commander returned: that in its mark, otherwise that of the first equal word. */
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
    return { given, operands: [], unknown: [], failure: failureOf(error, rows) };
  }
}

/** Commander fails in one case only: the last word is an option whose value is missing. */
function failureOf({ message }: CommanderError, rows: readonly OptionRow[]): ReadFailure {
  const name = /--([\w-]+)/.exec(message)?.[1];
  const row = rows.find((each) => each.name === name);
  if (row === undefined) return { problem: unmarked(message.replace(/^error: /, '')), remedy: '' };
  return {
    problem: `option --${name}: argument missing`,
    remedy: `, allowed is ${row.type.allowed}`,
  };
}

/** The option that takes no value and was given one, as `--daemon=yes`. */
export function flagWithValue(word: string, rows: readonly OptionRow[]): OptionRow | undefined {
  const name = /^--([^=]+)=/.exec(word)?.[1];
  return rows.find((row) => row.name === name && row.type.argument === null);
}

/** `, did you mean --port=4731?` for `port=4731`, or nothing. */
export function optionMeant(
  word: string,
  rows: readonly Pick<OptionRow, 'name' | 'isHidden'>[],
): string {
  const [, name = '', rest = ''] = /^-*([^=]*)(=.*)?$/s.exec(word) ?? [];
  const names = rows.filter((row) => row.isHidden !== true).map((row) => row.name);
  const known = closest(name, names);
  return known === null ? '' : `, did you mean --${known}${rest}?`;
}

/**
 * The value of an option; if only one word counts, that of the last one. Undefined when no word is allowed. Calls
 * `refuse` with each word that is not allowed.
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

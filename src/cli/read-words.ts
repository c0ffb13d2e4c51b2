/**
 * Words of a command line or config file to options, by commander: long options in full, short ones also joined
 * (`-dR`, `-p4731`), `--name=value` or `--name value`. What the values mean is decided by whoever merges them.
 */
import { Command, CommanderError, Option } from 'commander';
import { OPTIONS, type OptionRow } from '../server/options.ts';

/** An option that was given: its words in order, null for a flag. */
export interface GivenOption {
  readonly row: OptionRow;
  readonly words: (string | null)[];
}

/** A word that means nothing. */
export interface OddWord {
  readonly word: string;
  /** Among all words; -1 for one letter of a group such as `-dX`. */
  readonly index: number;
}

export interface ReadWords {
  /** By key. */
  readonly given: Map<string, GivenOption>;
  /** Words that are neither options nor values of options. */
  readonly strayWords: readonly OddWord[];
  readonly unknownOptions: readonly OddWord[];
  /** What could not be read, in words; reading ends there. */
  readonly failure: string | null;
}

function commanderOption(row: OptionRow): Option {
  const short = row.short === undefined ? '' : `-${row.short}, `;
  const argument = row.type.argument === null ? '' : ` <${row.type.argument}>`;
  const option = new Option(`${short}--${row.name}${argument}`, row.help).helpGroup(row.group);
  return option.hideHelp(row.isHidden === true);
}

function makeCommand(onOption: (row: OptionRow, word: string | null) => void): Command {
  const command = new Command('gearmand')
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const row of OPTIONS) {
    command.addOption(commanderOption(row));
    command.on(`option:${row.name}`, (word: string | null) => onOption(row, word ?? null));
  }
  return command;
}

/** Separates a word from its index while commander has it: it is in no word of a command line. */
const MARK = '\0';

/** Values and stray words keep their index; an option itself must stay as it is. */
function marked(word: string, index: number): string {
  return word.startsWith('-') && !word.includes('=') ? word : `${word}${MARK}${index}`;
}

/** A word of commander's with its index: that of its mark, or of the first word that is the same. */
function placed(text: string, words: readonly string[]): OddWord {
  const word = unmarked(text);
  return { word, index: word === text ? words.indexOf(word) : Number(text.slice(word.length + 1)) };
}

function unmarked(word: string): string {
  const at = word.lastIndexOf(MARK);
  return at < 0 ? word : word.slice(0, at);
}

/** Reads words; never throws and never exits. */
export function readWords(words: readonly string[]): ReadWords {
  const given = new Map<string, GivenOption>();
  const command = makeCommand((row, markedWord) => {
    const word = markedWord === null ? null : unmarked(markedWord);
    const earlier = given.get(row.key);
    if (earlier === undefined) given.set(row.key, { row, words: [word] });
    else earlier.words.push(word);
  });
  try {
    const { operands, unknown } = command.parseOptions(words.map(marked));
    const oddWord = (text: string): OddWord => placed(text, words);
    const isOption = ({ word }: OddWord): boolean => word.length > 1 && word.startsWith('-');
    const others = unknown.map(oddWord);
    return {
      given,
      strayWords: [...operands.map(oddWord), ...others.filter((each) => !isOption(each))],
      unknownOptions: others.filter(isOption),
      failure: null,
    };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const failure = unmarked(error.message.replace(/^error: /, ''));
    return { given, strayWords: [], unknownOptions: [], failure };
  }
}

const HELP_COLUMNS = 80;

/** The text of `--help`; ends with a line end. */
export function helpText(columns = HELP_COLUMNS): string {
  const command = makeCommand(() => {})
    .usage('[options]')
    .description('a Gearman job server')
    .configureOutput({ getOutHelpWidth: () => columns, getOutHasColors: () => false });
  for (const option of command.options) {
    const row = OPTIONS.find((candidate) => candidate.name === option.name()) as OptionRow;
    const value = row.fallbackText ?? row.type.show(row.fallback);
    const hasDefault = row.fallbackText !== undefined || (row.fallback !== null && value !== 'off');
    if (hasDefault && row.type.argument !== null) option.default(row.fallback, value);
  }
  return command.helpInformation();
}

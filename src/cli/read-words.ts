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

export interface ReadWords {
  /** By key. */
  readonly given: Map<string, GivenOption>;
  /** Words that are neither options nor values of options. */
  readonly strayWords: readonly string[];
  readonly unknownOptions: readonly string[];
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

/** Reads words; never throws and never exits. */
export function readWords(words: readonly string[]): ReadWords {
  const given = new Map<string, GivenOption>();
  const command = makeCommand((row, word) => {
    const earlier = given.get(row.key);
    if (earlier === undefined) given.set(row.key, { row, words: [word] });
    else earlier.words.push(word);
  });
  try {
    const { operands, unknown } = command.parseOptions([...words]);
    const isOption = (word: string): boolean => word.length > 1 && word.startsWith('-');
    return {
      given,
      strayWords: [...operands, ...unknown.filter((word) => !isOption(word))],
      unknownOptions: unknown.filter(isOption),
      failure: null,
    };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const failure = error.message.replace(/^error: /, '');
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

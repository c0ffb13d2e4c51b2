/**
 * Words of a tool's command line to values, by commander: options anywhere, short ones joined with each other and with
 * their value (`-bvf name`, `-p4730`), `--` ends them. Rule: every problem is found before anything is done.
 */
import { Command, CommanderError, Option } from 'commander';
import type { Tool, ToolOption, ToolValues } from './tool-option.ts';

export interface ReadTool {
  /** By key, defaults included. */
  readonly values: ToolValues;
  /** Keys of options that were given, in the order in which each was given last. */
  readonly given: ReadonlySet<string>;
  /** Words that are neither options nor values of options, in their order. */
  readonly operands: readonly string[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

function commanderOption(row: ToolOption): Option {
  const short = row.short === undefined ? '' : `-${row.short}, `;
  const argument = row.type.argument === null ? '' : ` <${row.type.argument}>`;
  return new Option(`${short}--${row.name}${argument}`, row.help).helpGroup(`${row.group}:`);
}

/** A commander that knows the rows and does nothing of its own; `onOption` hears what was given. */
export function makeCommand(
  tool: Tool,
  onOption: (row: ToolOption, word: string | null) => void,
): Command {
  const command = new Command(tool.manual.name)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const row of tool.options) {
    command.addOption(commanderOption(row));
    command.on(`option:${row.name}`, (word: string | null) => onOption(row, word ?? null));
  }
  return command;
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

/** Flags that were given a value, as in `--status=x`. */
function isFlagWithValue(word: string, tool: Tool): boolean {
  const name = /^--([^=]+)=/.exec(word)?.[1];
  return tool.options.some((row) => row.name === name && row.type.argument === null);
}

function readValue(
  row: ToolOption,
  words: readonly (string | null)[],
  problems: string[],
): unknown {
  const values: unknown[] = [];
  for (const word of words) {
    const value = word === null ? true : row.type.readText(word);
    if (value !== undefined) values.push(value);
    else {
      const label = row.short === undefined ? `--${row.name}` : `-${row.short}, --${row.name}`;
      const shown = JSON.stringify(word);
      problems.push(`option ${label}: ${shown} is not allowed, allowed is ${row.type.allowed}`);
    }
  }
  return row.isRepeatable === true ? values.flat() : (values.at(-1) ?? row.fallback);
}

/** Reads the words behind the program's name; never throws and never exits. */
export function readToolWords(argv: readonly string[], tool: Tool): ReadTool {
  const found = new Map<ToolOption, (string | null)[]>();
  const problems: string[] = [];
  const command = makeCommand(tool, (row, word) => {
    const words = found.get(row) ?? [];
    // Taken out first: the order of the map is that of the last time each was given.
    found.delete(row);
    found.set(row, [...words, word]);
  });
  const words = tool.takesAbbreviations ? writtenOut(argv, tool, problems) : [...argv];
  let operands: readonly string[] = [];
  try {
    const read = command.parseOptions(words);
    operands = read.operands;
    // Commander takes everything behind an unknown option as unknown: only the first is certainly wrong.
    const unknown = read.unknown[0];
    if (unknown !== undefined && problems.length === 0) {
      problems.push(
        isFlagWithValue(unknown, tool)
          ? `option ${unknown.split('=', 1)[0]} takes no value`
          : `unknown option ${JSON.stringify(unknown)}`,
      );
    }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    problems.push(error.message.replace(/^error: /, '').replaceAll("'", ''));
  }
  const values: Record<string, unknown> = {};
  for (const row of tool.options) {
    const given = found.get(row);
    if (
      given !== undefined &&
      given.length > 1 &&
      !row.isRepeatable &&
      tool.onRepeat === 'refuse'
    ) {
      problems.push(`option --${row.name}: given more than once`);
    }
    values[row.key] = given === undefined ? row.fallback : readValue(row, given, problems);
  }
  const given = new Set([...found.keys()].map((row) => row.key));
  return { values, given, operands, problems };
}

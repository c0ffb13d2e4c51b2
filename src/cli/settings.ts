/**
 * Makes the settings of one start from command line, environment and config file. The command line wins over GEARTRAIN_
 * variables, variables win over the config file, and the config file wins over defaults. GEARMAND_PORT replaces port
 * 4730 only. Rule: every error is found before anything is started, and names option, value, origin and allowed values.
 */
import { LogLevel } from '../base/logger.ts';
import { type ListenTarget, showListenTarget } from '../option/address-types.ts';
import { conflictsOf, notAllowed, OptionError } from '../option/error.ts';
import {
  flagWithValue,
  type GivenWord,
  optionMeant,
  type PlacedWord,
  type ReadWords,
  readValue,
  readWords,
} from '../option/read-words.ts';
import type { OptionRow, OptionValues } from '../option/row.ts';
import type { ServerOptions } from '../server/options/server-options.ts';
import { SERVER_ROWS } from '../server/options.ts';
import { type ConfigText, type ReadFile, readConfigFile } from './config-file.ts';
import { CONFIG_FILE, type GearmandValues, OPTIONS } from './gearmand-options.ts';
import { isServiceAddress, readVariables, variableOf } from './read-variables.ts';

/** A line for the log, kept until the log is open. */
export interface Note {
  readonly level: number;
  readonly text: string;
}

export interface Settings {
  readonly action: 'run' | 'help' | 'version' | 'check' | 'transfer';
  /** All options by key, including defaults. */
  readonly values: GearmandValues;
  /** Operands of the command line; only `--help` takes them. */
  readonly words: readonly string[];
  /** Keys of the options that were given, in any origin. */
  readonly given: ReadonlySet<string>;
  /** The origin of each of them, in words. */
  readonly origins: ReadonlyMap<string, string>;
  /** For `createServer`, without a logger. */
  readonly server: ServerOptions;
  readonly notes: readonly Note[];
}

/** Values by key with their rows, and the errors. */
interface Collected {
  readonly values: Map<string, unknown>;
  readonly origins: Map<string, string>;
  readonly problems: string[];
  readonly notes: Note[];
}

const COMMAND_LINE = 'command line';
/** At most so many stray words are reported: more would hide the first one. */
const STRAY_WORDS_MAX = 10;

/** Adds the options of one origin. A key that exists already stays, because it came from a stronger origin. */
function collect(
  given: readonly GivenWord[],
  originOf: (row: OptionRow) => string,
  into: Collected,
): void {
  const words = new Map<OptionRow, (string | null)[]>();
  for (const { row, word } of given) words.set(row, [...(words.get(row) ?? []), word]);
  for (const [row, ofRow] of words) {
    const value = checkedValue(row, ofRow, originOf(row), into.problems);
    if (value === undefined || into.values.has(row.key)) continue;
    into.values.set(row.key, value);
    into.origins.set(row.key, originOf(row));
  }
}

/** The value of a word; undefined, with a problem, when the word is not allowed. */
function checkedValue(
  row: OptionRow,
  words: readonly (string | null)[],
  origin: string,
  problems: string[],
): unknown {
  const label = `--${row.name}`;
  if (words.length > 1 && row.isRepeatable !== true) {
    problems.push(`option ${label}: given more than once (${origin})`);
    return undefined;
  }
  const refuse = (word: string) => problems.push(notAllowed(label, row, word, origin));
  const value = readValue(row, words, refuse);
  const reason = value === undefined ? null : (row.refuse?.(value) ?? null);
  if (reason !== null) {
    const shown = row.type.argument === null ? '' : ` ${words[0]}`;
    problems.push(`option ${label}${shown} (${origin}): ${reason}`);
  }
  return value;
}

/** Words of command line or config file; `placeOf` describes the position of a word. */
function collectWords(
  read: ReadWords,
  origin: string,
  into: Collected,
  placeOf: (word: PlacedWord) => string = () => origin,
): void {
  collect(read.given, () => origin, into);
  for (const each of read.unknown.filter(isOption)) {
    const { word } = each;
    const flag = flagWithValue(word, OPTIONS);
    into.problems.push(
      flag === undefined
        ? `unknown option ${JSON.stringify(word)} (${placeOf(each)})${guess(word)}`
        : `option --${flag.name}: takes no value (${placeOf(each)})`,
    );
  }
  const { failure } = read;
  if (failure !== null) into.problems.push(`${failure.problem} (${origin})${failure.remedy}`);
}

function isOption({ word }: PlacedWord): boolean {
  return word.length > 1 && word.startsWith('-');
}

/**
 * Words that are neither options nor values of options. A word after an unknown option is left out, because it is most
 * likely the value of that option.
 */
function straysOf({ operands, unknown }: ReadWords): PlacedWord[] {
  const values = new Set(unknown.filter(isOption).map(({ index }) => index + 1));
  const rest = unknown.filter((each) => !isOption(each) && !values.has(each.index));
  return [...operands, ...rest];
}

function strayWord(word: string, place: string): string {
  return `stray word ${JSON.stringify(word)} (${place})${guess(word)}`;
}

function collectConfigFile(collected: Collected, readFile: ReadFile | undefined): void {
  const chosen = collected.values.get('configFile');
  const path = (chosen ?? CONFIG_FILE) as string;
  let text: ConfigText;
  try {
    text = readConfigFile(path, chosen !== undefined, readFile);
  } catch (error) {
    collected.problems.push((error as Error).message);
    return;
  }
  const { words, broken } = text;
  const at = ({ line, column }: { readonly line: number; readonly column: number }): string =>
    `${path}, line ${line}, column ${column}`;
  const placeOf = ({ index }: PlacedWord): string => {
    const word = words[index];
    return word === undefined ? path : at(word);
  };
  const all = readWords(
    words.map((word) => word.text),
    OPTIONS,
  );
  const given = all.given.filter(({ row }) => row.key !== 'configFile');
  if (given.length < all.given.length) {
    const text = `--config-file in ${path} is ignored, config files are not nested`;
    collected.notes.push({ level: LogLevel.WARNING, text });
  }
  const read = { ...all, given };
  collectWords(read, path, collected, placeOf);
  for (const each of broken) collected.problems.push(`${each.reason} (${at(each)})`);
  const lineOf = ({ index }: PlacedWord): number => words[index]?.line ?? 0;
  const badLines = read.unknown.filter(isOption).map(lineOf);
  const strays = firstOfLines(straysOf(read), badLines, lineOf);
  for (const each of strays.slice(0, STRAY_WORDS_MAX))
    collected.problems.push(strayWord(each.word, placeOf(each)));
  if (strays.length > STRAY_WORDS_MAX)
    collected.problems.push(
      `stray words in ${strays.length - STRAY_WORDS_MAX} further lines (${path})`,
    );
}

/**
 * The first stray word of each line. One mistake causes several stray words: `port = 4730` is three words, and an
 * unknown option is followed by its value.
 */
function firstOfLines(
  strays: readonly PlacedWord[],
  badLines: readonly number[],
  lineOf: (word: PlacedWord) => number,
): PlacedWord[] {
  const seen = new Set(badLines);
  return strays.filter((each) => {
    const line = lineOf(each);
    const isFirst = !seen.has(line);
    seen.add(line);
    return isFirst;
  });
}

function guess(word: string): string {
  return optionMeant(word, OPTIONS);
}

function collectEnvironment(collected: Collected, env: NodeJS.ProcessEnv): void {
  for (const row of OPTIONS) {
    const rule = row.environment;
    const text = rule === undefined ? undefined : env[rule.variable];
    if (rule === undefined || text === undefined || text === '') continue;
    // Set by Kubernetes for a service named `gearmand`.
    if (isServiceAddress(text)) continue;
    const given = collected.values.get(row.key);
    const mayWin =
      rule.wins === 'always' || (rule.wins === 'overDefault' && given === row.defaultValue);
    if (given !== undefined && !mayWin) continue;
    const word = rule.read(text);
    if (word === undefined) {
      const why = `${rule.variable}=${JSON.stringify(text)} (environment) is ignored`;
      const note = `${why}, allowed is ${rule.allowed}`;
      collected.notes.push({ level: LogLevel.WARNING, text: note });
    } else {
      collected.values.set(row.key, row.type.readText(word));
      collected.origins.set(row.key, rule.variable);
    }
  }
}

function valuesOf(collected: Collected): GearmandValues {
  const value = (row: OptionRow): unknown =>
    collected.values.has(row.key) ? collected.values.get(row.key) : row.defaultValue;
  return Object.fromEntries(OPTIONS.map((row) => [row.key, value(row)])) as GearmandValues;
}

function addRowNotes(collected: Collected, values: OptionValues): void {
  for (const row of OPTIONS) {
    if (!collected.values.has(row.key)) continue;
    const missing = row.missing?.(values) ?? null;
    const sentences = [
      row.noEffect,
      missing === null ? null : `--${row.name} has no effect without ${missing}`,
      row.note?.(values[row.key], values),
    ];
    for (const text of sentences) if (text) collected.notes.push({ level: LogLevel.INFO, text });
    const warning = row.warning?.(values[row.key]) ?? null;
    if (warning !== null) collected.notes.push({ level: LogLevel.WARNING, text: warning });
  }
}

/** The values as options of `createServer`; addresses are text again. */
function serverOptions(values: OptionValues): ServerOptions {
  const entries = SERVER_ROWS.map(({ key }) => {
    const value = values[key];
    return [key, key === 'listen' ? (value as ListenTarget[]).map(showListenTarget) : value];
  });
  return Object.fromEntries(entries) as ServerOptions;
}

function actionOf(values: GearmandValues): Settings['action'] {
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (values.checkArgs || values.checkConfig) return 'check';
  return values.export !== null || values.import !== null ? 'transfer' : 'run';
}

/** `argv` has the words after the program's name. Throws OptionError. */
export function readSettings(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile?: ReadFile,
): Settings {
  const collected: Collected = { values: new Map(), origins: new Map(), problems: [], notes: [] };
  const read = readWords(argv, OPTIONS);
  collectWords(read, COMMAND_LINE, collected);
  const words = straysOf(read).map(({ word }) => word);
  if (!collected.values.has('help'))
    for (const word of words) collected.problems.push(strayWord(word, COMMAND_LINE));
  const { given: variables, ignored } = readVariables(env);
  for (const text of ignored) collected.notes.push({ level: LogLevel.WARNING, text });
  collect(variables, (row) => variableOf(row) as string, collected);
  const isQuestion = collected.values.has('help') || collected.values.has('version');
  if (!isQuestion && collected.problems.length === 0) collectConfigFile(collected, readFile);
  if (collected.problems.length > 0) throw new OptionError(collected.problems);
  const given = new Set(collected.values.keys());
  collectEnvironment(collected, env);
  const values = valuesOf(collected);
  const conflicts = isQuestion ? [] : conflictsOf(OPTIONS, values, (row) => `--${row.name}`);
  if (conflicts.length > 0) throw new OptionError(conflicts);
  addRowNotes(collected, values);
  const { notes, origins } = collected;
  const server = serverOptions(values);
  return { action: actionOf(values), values, words, given, origins, server, notes };
}

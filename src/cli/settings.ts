/**
 * From words, environment and config file to the settings of one start. Command line wins over GEARTRAIN_ variables
 * win over config file wins over default; GEARMAND_PORT takes the place of port 4730 only.
 * Rule: every problem is found before anything is started, and says option, value, origin and what is allowed.
 */
import { closest } from '../base/closest.ts';
import { LogLevel } from '../base/logger.ts';
import { type ListenTarget, showListenTarget } from '../server/options/address-types.ts';
import { notAllowed } from '../server/options/option-error.ts';
import { variableOf } from '../server/options/option-row.ts';
import {
  conflictsOf,
  OPTIONS,
  OptionError,
  type OptionRow,
  type OptionValues,
  optionRow,
  type ServerOptions,
} from '../server/options.ts';
import { type ConfigText, type ReadFile, readConfigFile } from './config-file.ts';
import { isServiceAddress, readFlag, readVariables } from './read-variables.ts';
import { type OddWord, type ReadWords, readWords } from './read-words.ts';

/** A line for the log, once there is one. */
export interface Note {
  readonly level: number;
  readonly text: string;
}

export interface Settings {
  readonly action: 'run' | 'help' | 'version' | 'check' | 'transfer';
  /** All options by key, defaults included. */
  readonly values: OptionValues;
  /** Keys of options that were given, wherever. */
  readonly given: ReadonlySet<string>;
  /** Where each of them came from, in words. */
  readonly origins: ReadonlyMap<string, string>;
  /** For `createServer`, without a logger. */
  readonly server: ServerOptions;
  readonly notes: readonly Note[];
}

/** Values by key with the row they belong to, and what went wrong. */
interface Collected {
  readonly values: Map<string, unknown>;
  readonly origins: Map<string, string>;
  readonly problems: string[];
  readonly notes: Note[];
}

const COMMAND_LINE = 'command line';
/** More of them only hide the first. */
const STRAY_WORDS_MAX = 10;

/** A flag has a word only in the environment. */
function readWord(row: OptionRow, word: string): unknown {
  return row.type.argument === null ? readFlag(word) : row.type.readText(word);
}

/** Adds the options of one origin; a key that is there already came from a stronger origin and stays. */
function collect(
  read: ReadWords,
  originOf: string | ((row: OptionRow) => string),
  into: Collected,
  placeOf: (odd: OddWord, origin: string) => string = (_odd, origin) => origin,
): void {
  const found = new Map<string, { readonly value: unknown; readonly origin: string }>();
  for (const [key, { row, words }] of read.given) {
    const label = `--${row.name}`;
    const origin = typeof originOf === 'string' ? originOf : originOf(row);
    if (words.length > 1 && row.isRepeatable !== true) {
      into.problems.push(`option ${label}: given more than once (${origin})`);
      continue;
    }
    const values: unknown[] = [];
    for (const word of words) {
      const value = word === null ? true : readWord(row, word);
      if (value === undefined) into.problems.push(notAllowed(label, row, word, origin));
      else values.push(value);
    }
    if (values.length === 0) continue;
    const value = row.isRepeatable === true ? values.flat() : values[0];
    const reason = row.refuse?.(value) ?? null;
    if (reason !== null) {
      const shown = row.type.argument === null ? '' : ` ${words[0]}`;
      into.problems.push(`option ${label}${shown} (${origin}): ${reason}`);
    }
    found.set(key, { value, origin });
  }
  for (const [key, { value, origin }] of found) {
    if (into.values.has(key)) continue;
    into.values.set(key, value);
    into.origins.set(key, origin);
  }
  for (const odd of read.unknownOptions) {
    const place = placeOf(odd, String(originOf));
    into.problems.push(`unknown option ${JSON.stringify(odd.word)} (${place})${guess(odd.word)}`);
  }
  if (read.failure !== null) into.problems.push(`${read.failure} (${String(originOf)})`);
}

function collectConfigFile(collected: Collected, readFile: ReadFile | undefined): void {
  const row = optionRow('configFile');
  const chosen = collected.values.get('configFile');
  const path = (chosen ?? row.fallback) as string;
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
  const placeOf = ({ index }: OddWord): string => {
    const word = words[index];
    return word === undefined ? path : at(word);
  };
  const read = readWords(words.map((word) => word.text));
  if (read.given.delete('configFile')) {
    const text = `--config-file in ${path} is ignored, config files are not nested`;
    collected.notes.push({ level: LogLevel.WARNING, text });
  }
  collect(read, path, collected, placeOf);
  for (const each of broken) collected.problems.push(`${each.reason} (${at(each)})`);
  const lineOf = ({ index }: OddWord): number => words[index]?.line ?? 0;
  const strays = firstOfLines(read.strayWords, read.unknownOptions.map(lineOf), lineOf);
  for (const odd of strays.slice(0, STRAY_WORDS_MAX))
    collected.problems.push(
      `stray word ${JSON.stringify(odd.word)} (${placeOf(odd)})${guess(odd.word)}`,
    );
  if (strays.length > STRAY_WORDS_MAX)
    collected.problems.push(
      `stray words in ${strays.length - STRAY_WORDS_MAX} further lines (${path})`,
    );
}

/** One stray word mostly brings others: `port = 4730` has three, and an unknown option has its value. */
function firstOfLines(
  strays: readonly OddWord[],
  badLines: readonly number[],
  lineOf: (odd: OddWord) => number,
): OddWord[] {
  const seen = new Set(badLines);
  return strays.filter((odd) => {
    const line = lineOf(odd);
    const isFirst = !seen.has(line);
    seen.add(line);
    return isFirst;
  });
}

/** `, did you mean --port=4731?` for `port=4731`, or nothing. */
function guess(word: string): string {
  const [, name = '', rest = ''] = /^-*([^=]*)(=.*)?$/s.exec(word) ?? [];
  const names = OPTIONS.filter((row) => row.isHidden !== true).map((row) => row.name);
  const known = closest(name, names);
  return known === null ? '' : `, did you mean --${known}${rest}?`;
}

function collectEnvironment(collected: Collected, env: NodeJS.ProcessEnv): void {
  for (const row of OPTIONS) {
    const rule = row.environment;
    const text = rule === undefined ? undefined : env[rule.variable];
    if (rule === undefined || text === undefined || text === '') continue;
    // What Kubernetes sets for a service named `gearmand`.
    if (isServiceAddress(text)) continue;
    const given = collected.values.get(row.key);
    const mayWin =
      rule.wins === 'always' || (rule.wins === 'overDefault' && given === row.fallback);
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

function valuesOf(collected: Collected): OptionValues {
  const value = (row: OptionRow): unknown =>
    collected.values.has(row.key) ? collected.values.get(row.key) : row.fallback;
  return Object.fromEntries(OPTIONS.map((row) => [row.key, value(row)]));
}

function addRowNotes(collected: Collected, values: OptionValues): void {
  for (const row of OPTIONS) {
    if (!collected.values.has(row.key)) continue;
    const sentences = [
      row.effect === 'used' ? null : row.effect,
      row.note?.(values[row.key], values),
    ];
    for (const text of sentences) if (text) collected.notes.push({ level: LogLevel.INFO, text });
    const warning = row.warning?.(values[row.key]) ?? null;
    if (warning !== null) collected.notes.push({ level: LogLevel.WARNING, text: warning });
  }
}

/** Values as `createServer` takes them: targets are written out again. */
function serverOptions(values: OptionValues): ServerOptions {
  const entries = OPTIONS.filter((row) => row.scope === 'server').map((row) => {
    const value = values[row.key];
    const isListen = row.key === 'listen';
    return [row.key, isListen ? (value as ListenTarget[]).map(showListenTarget) : value];
  });
  return Object.fromEntries(entries) as ServerOptions;
}

function actionOf(values: OptionValues): Settings['action'] {
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  if (values.checkArgs === true || values.checkConfig === true) return 'check';
  return values.export !== null || values.import !== null ? 'transfer' : 'run';
}

/** The words behind the program's name, the environment, and how files are read. Throws OptionError. */
export function readSettings(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile?: ReadFile,
): Settings {
  const collected: Collected = { values: new Map(), origins: new Map(), problems: [], notes: [] };
  const read = readWords(argv);
  collect(read, COMMAND_LINE, collected);
  for (const { word } of read.strayWords) {
    const text = `stray word ${JSON.stringify(word)} (${COMMAND_LINE})`;
    collected.problems.push(text + guess(word));
  }
  collect(readVariables(env, collected.notes), (row) => variableOf(row) as string, collected);
  const isQuestion = collected.values.has('help') || collected.values.has('version');
  if (!isQuestion && collected.problems.length === 0) collectConfigFile(collected, readFile);
  if (collected.problems.length > 0) throw new OptionError(collected.problems);
  const given = new Set(collected.values.keys());
  collectEnvironment(collected, env);
  const values = valuesOf(collected);
  const conflicts = isQuestion ? [] : conflictsOf(values, (row) => `--${row.name}`);
  if (conflicts.length > 0) throw new OptionError(conflicts);
  addRowNotes(collected, values);
  const { notes, origins } = collected;
  const server = serverOptions(values);
  return { action: actionOf(values), values, given, origins, server, notes };
}

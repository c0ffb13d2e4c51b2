/**
 * One row of an options table, for `gearmand`, `gearman`, `gearadmin` and `createServer`. Command line, config file,
 * environment, checks, help, manual pages, docs/options.md and the typed options of programs follow from the rows.
 * Rule: a row says what an option is; its owner (a transport, a store, a command) writes it, and nothing here knows one.
 */
import type { OptionType, ProgramType } from './types.ts';

/** All values of one start by key, after defaults; what a row's `note` may look at. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** An environment variable of gearmand's own that stands in for an option. */
export interface EnvironmentRule {
  readonly variable: string;
  /** The word as it would be given to the option, or undefined when the text is not allowed. */
  readonly read: (text: string) => string | undefined;
  /** In words, for the warning about a text that is not allowed. */
  readonly allowed: string;
  /** It beats an option that was given: `overDefault` as long as that has the default value. Left out: never. */
  readonly wins?: 'overDefault' | 'always';
}

/** A row as its owner writes it. */
export interface OptionEntry<V = unknown> {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** The key of the value; left out: `name` in camel case. */
  readonly key?: string;
  readonly type: OptionType<V>;
  /** The value when nothing is given. */
  readonly defaultValue: V;
  /** How help and documents show a default that is computed at start. */
  readonly defaultText?: string;
  readonly help: string;
  /** May be given more than once; its value is the list of all, joined. */
  readonly isRepeatable?: boolean;
  /** Our own: the C command has nothing like it. Only the tools mark that. */
  readonly isOwn?: boolean;
  /** Not shown in help and documents. */
  readonly isHidden?: boolean;
  /** Its value is not shown. */
  readonly isSecret?: boolean;
  /** There is no GEARTRAIN_ variable for it. */
  readonly isWordOnly?: boolean;
  readonly environment?: EnvironmentRule;
  /** The sentence that is logged at INFO when it is given, because it has no meaning here. */
  readonly noEffect?: string;
  /** What it has no effect without, such as `--ssl`, where these values lack that; null otherwise. Logged at INFO. */
  missing?(values: OptionValues): string | null;
  /** A further sentence for INFO that depends on the value or on other options; null for none. */
  note?(value: V, values: OptionValues): string | null;
  /** A sentence for WARNING about a value that an operator did not mean; null for none. */
  warning?(value: V): string | null;
  /** Why this version does not start with this value; null when it does. */
  refuse?(value: V): string | null;
  /** Why this value does not go together with those of other options; null when it does. */
  conflict?(value: V, values: OptionValues): string | null;
}

/** A row that is an option of `createServer` too. */
export interface ProgramEntry<V = unknown> extends OptionEntry<V> {
  readonly type: ProgramType<V>;
  /** The value in a program, where it is another one. */
  readonly embeddedDefault?: V;
  /** What its doc comment says, where `help` is about the command only. */
  readonly doc?: string;
}

/** The rows of one owner under one heading of help and documents. */
export interface OptionTable<E extends OptionEntry = OptionEntry> {
  readonly group: string;
  readonly rows: readonly E[];
}

/** A row in its place. */
export type OptionRow<E extends OptionEntry = OptionEntry> = E & {
  readonly key: string;
  readonly group: string;
};

/** The key of a row's value. */
export function keyOf({ key, name }: Pick<OptionEntry, 'key' | 'name'>): string {
  return key ?? name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** All rows of some tables, in their order. */
export function rowsOf<E extends OptionEntry>(tables: readonly OptionTable<E>[]): OptionRow<E>[] {
  return tables.flatMap(({ group, rows }) =>
    rows.map((row) => ({ ...row, key: keyOf(row), group })),
  );
}

/** `-p, --port`. */
export function flagsOf({ short, name }: OptionEntry): string {
  return short === undefined ? `--${name}` : `-${short}, --${name}`;
}

/** The default in words as help shows it; null where there is none. */
export function shownDefault(row: OptionEntry): string | null {
  if (row.defaultText !== undefined) return row.defaultText;
  return row.type.argument === null || row.defaultValue === null
    ? null
    : row.type.show(row.defaultValue);
}

type Camel<S extends string> = S extends `${infer Head}-${infer Rest}`
  ? `${Head}${Capitalize<Camel<Rest>>}`
  : S;

type KeyOf<E extends OptionEntry> = E extends { readonly key: infer K extends string }
  ? K
  : Camel<E['name']>;

/** Null stands for the default, so it is a value only where it is the default. */
type ValueOf<E extends OptionEntry> =
  E['type'] extends OptionType<infer V>
    ? E['defaultValue'] extends null
      ? V
      : Exclude<V, null>
    : never;

/** The values of some rows by key, as they are after reading. */
export type ValuesOf<E extends OptionEntry> = { readonly [R in E as KeyOf<R>]: ValueOf<R> };

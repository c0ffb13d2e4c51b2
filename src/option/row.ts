/**
 * One row of an options table, for `gearmand`, `gearman`, `gearadmin` and `createServer`. Command line, config file,
 * environment, checks, help, manual pages, documents and the typed options of programs are derived from the rows.
 * Rule: the owner of an option (a transport, a store, a command) writes its row; no option is named in this folder.
 */
import type { OptionType, ProgramType } from './types.ts';

/** All values of one start by key, after defaults; a row's `note` may read them. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** One of gearmand's environment variables that sets an option. */
export interface EnvironmentRule {
  readonly variable: string;
  /** Returns the text as a word for the option, or undefined when the text is not allowed. */
  readonly read: (text: string) => string | undefined;
  /** Allowed values, for the warning about others. */
  readonly allowed: string;
  /**
   * When the variable wins over an option that was given: `overDefault` only while the option has its default value.
   * Left out: never.
   */
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
  /** The value when the option is not given. */
  readonly defaultValue: V;
  /** The default in words for help and documents, if the default is computed at start. */
  readonly defaultText?: string;
  readonly help: string;
  /** The option may be given more than once; its value is the list of all. */
  readonly isRepeatable?: boolean;
  /** The option is an extension: the C command has nothing like it. Only the tools mark such options. */
  readonly isOwn?: boolean;
  /** Not shown in help and documents. */
  readonly isHidden?: boolean;
  /** The value is never shown. */
  readonly isSecret?: boolean;
  /** The option has no GEARTRAIN_ variable. */
  readonly isWordOnly?: boolean;
  readonly environment?: EnvironmentRule;
  /** Logged at INFO when the option is given: why it has no effect here. */
  readonly noEffect?: string;
  /** Names what the option needs, such as `--ssl`, when `values` lack it; null otherwise. Logged at INFO. */
  missing?(values: OptionValues): string | null;
  /** Another sentence for INFO that depends on the value or on other options; null for none. */
  note?(value: V, values: OptionValues): string | null;
  /** A sentence for WARNING about a value that is probably a mistake; null for none. */
  warning?(value: V): string | null;
  /** Why this version cannot start with this value; null when it can. */
  refuse?(value: V): string | null;
  /** Why this value excludes values of other options; null when it does not. */
  conflict?(value: V, values: OptionValues): string | null;
}

/** A row that is an option of `createServer` too. */
export interface ProgramEntry<V = unknown> extends OptionEntry<V> {
  readonly type: ProgramType<V>;
  /** The default in programs, where it differs. */
  readonly embeddedDefault?: V;
  /** The doc comment of the option, where `help` fits the command only. */
  readonly doc?: string;
}

/** The rows of one owner under one heading of the help. */
export interface OptionTable<E extends OptionEntry = OptionEntry> {
  readonly group: string;
  readonly rows: readonly E[];
}

/** A row with its heading. */
export type OptionRow<E extends OptionEntry = OptionEntry> = E & {
  readonly key: string;
  readonly group: string;
};

/** The key of a row's value. */
export function keyOf({ key, name }: Pick<OptionEntry, 'key' | 'name'>): string {
  return key ?? name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** All rows of the given tables, in order. */
export function rowsOf<E extends OptionEntry>(tables: readonly OptionTable<E>[]): OptionRow<E>[] {
  return tables.flatMap(({ group, rows }) =>
    rows.map((row) => ({ ...row, key: keyOf(row), group })),
  );
}

/** `-p, --port`. */
export function flagsOf({ short, name }: OptionEntry): string {
  return short === undefined ? `--${name}` : `-${short}, --${name}`;
}

/** The default in words as help shows it; null when there is none. */
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

/** A null default means "not given", so null is a value only where it is the default. */
type ValueOf<E extends OptionEntry> =
  E['type'] extends OptionType<infer V>
    ? E['defaultValue'] extends null
      ? V
      : Exclude<V, null>
    : never;

/** The values of some rows by key, after reading. */
export type ValuesOf<E extends OptionEntry> = { readonly [R in E as KeyOf<R>]: ValueOf<R> };

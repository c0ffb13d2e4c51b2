/**
 * Reads, checks and names the values of options. A type reads a word of text (and, for the server, a value of a
 * program) and describes in words what it allows, so that all messages and tables agree. Rule: `undefined` means "not
 * allowed"; the caller writes the message.
 */

/** One kind of value. `V` is the type that the program uses. */
export interface OptionType<V> {
  /** The placeholder after the flag in help, such as `n`; null for a flag without a value. */
  readonly argument: string | null;
  /** Allowed values in words, to follow "allowed is". */
  readonly allowed: string;
  /** Reads a word of a command line, a config file or the environment. */
  readText(text: string): V | undefined;
  /** The value for people, as it would be written, with its meaning where that is not obvious. */
  show(value: V): string;
}

/** A kind of value that programs can pass too. */
export interface ProgramType<V> extends OptionType<V> {
  /** Checks a value from a program. */
  accept(value: unknown): V | undefined;
  /** The TypeScript type of what `accept` takes, for the typed options of `createServer`. */
  readonly codeType: string;
  /** Allowed values for the doc comment; left out: same as `allowed`; empty: the type is enough. */
  readonly codeAllowed?: string;
  /** The default for the doc comment; left out: a literal. */
  showCode?(value: V): string;
}

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  /** Such as `milliseconds`. */
  readonly unit?: string;
  /** Values with a special meaning, inside or outside of the range: `{ 0: 'no limit' }`. */
  readonly special?: Readonly<Record<number, string>>;
}

function describeRange(range: IntegerRange, show: (value: number) => string): string {
  const unit = range.unit === undefined ? '' : ` ${range.unit}`;
  const special = Object.entries(range.special ?? {}).map(([n, means]) => `, ${n} = ${means}`);
  return `${show(range.min)} to ${show(range.max)}${unit}${special.join('')}`;
}

function inRange(range: IntegerRange, value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  const isSpecial = Object.hasOwn(range.special ?? {}, value);
  return isSpecial || (value >= range.min && value <= range.max) ? value : undefined;
}

function withMeaning(range: IntegerRange, value: number, shown: string): string {
  const means = range.special?.[value];
  return means === undefined ? shown : `${shown} = ${means}`;
}

const UNIT_ARGUMENTS: Readonly<Record<string, string>> = { milliseconds: 'ms', seconds: 's' };

/** Decimal integers with an optional sign; nothing else may surround the digits. */
export function integer(range: IntegerRange): ProgramType<number> {
  return {
    argument: UNIT_ARGUMENTS[range.unit ?? ''] ?? 'n',
    allowed: describeRange(range, String),
    readText: (text) => (/^[+-]?\d{1,15}$/.test(text) ? inRange(range, Number(text)) : undefined),
    accept: (value) => inRange(range, value),
    show: (value) => withMeaning(range, value, String(value)),
    codeType: 'number',
  };
}

const SIZE_UNITS = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

function showSize(bytes: number): string {
  for (const unit of ['G', 'M', 'K'] as const) {
    if (bytes !== 0 && bytes % SIZE_UNITS[unit] === 0) return `${bytes / SIZE_UNITS[unit]}${unit}`;
  }
  return String(bytes);
}

/** `256 MiB`, for places where a suffix cannot be mistaken for part of the value. */
function showIecSize(bytes: number): string {
  return showSize(bytes).replace(/[KMG]$/, ' $&iB');
}

/** Bytes; text may have a suffix K, M or G (1024 each), programs pass plain numbers. */
export function size(range: Omit<IntegerRange, 'unit'>): ProgramType<number> {
  return {
    argument: 'bytes',
    allowed: `${describeRange({ ...range, unit: 'bytes' }, showSize)} (suffix K, M or G)`,
    readText: (text) => {
      const match = /^(\d{1,15})([KMG]?)$/i.exec(text);
      if (match === null) return undefined;
      const unit = (match[2] as string).toUpperCase() as keyof typeof SIZE_UNITS;
      return inRange(range, Number(match[1]) * SIZE_UNITS[unit]);
    },
    accept: (value) => inRange(range, value),
    show: (value) => withMeaning(range, value, showSize(value)),
    codeType: 'number',
    codeAllowed: describeRange(range, showIecSize),
    showCode: showIecSize,
  };
}

const FLAG_WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'true', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'off'].map((word) => [word, false] as const),
]);

/** True when given; only the environment has words for it. */
export const flag: ProgramType<boolean> = {
  argument: null,
  allowed: 'true or false',
  readText: (text) => FLAG_WORDS.get(text.toLowerCase()),
  accept: (value) => (typeof value === 'boolean' ? value : undefined),
  show: (value) => (value ? 'on' : 'off'),
  codeType: 'boolean',
  codeAllowed: '',
};

/** One of a few words, exactly as written. */
export function choice<const W extends string>(...words: readonly W[]): ProgramType<W> {
  const find = (value: unknown): W | undefined => words.find((word) => word === value);
  return {
    argument: words.length <= 3 ? words.join('|') : 'name',
    allowed: words.join(', '),
    readText: find,
    accept: find,
    show: String,
    codeType: unionOf(words),
    codeAllowed: '',
  };
}

/** `'a' | 'b'`. */
export function unionOf(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' | ');
}

/** Allowed values of a text that follows no rule. */
export const ANY_TEXT = 'any non-empty text';

export interface TextRule {
  /** Such as `file`. */
  readonly argument: string;
  /** Allowed values in words; default: any non-empty text. */
  readonly allowed?: string;
  readonly isAllowed?: (text: string) => boolean;
}

/** Text, or null when not given. */
export function text(rule: TextRule): ProgramType<string | null> {
  const check = (value: unknown): string | undefined =>
    typeof value === 'string' && (rule.isAllowed ?? ((word) => word !== ''))(value)
      ? value
      : undefined;
  return {
    argument: rule.argument,
    allowed: rule.allowed ?? ANY_TEXT,
    readText: check,
    accept: (value) => (value === null ? null : check(value)),
    show: (value) => value ?? 'none',
    codeType: 'string | null',
    codeAllowed: rule.allowed ?? '',
  };
}

export interface ListRule<V> {
  readonly argument: string;
  readonly allowed: string;
  /** Reads one word; undefined when it is not allowed. */
  read(word: string): V | undefined;
  show(value: V): string;
  /** The text for an empty list. */
  readonly none: string;
}

/** A list of words; programs may pass one word. Rows of this type are repeatable. */
export function list<V>(rule: ListRule<V>): ProgramType<readonly V[]> {
  const accept = (value: unknown): V[] | undefined => {
    const words: unknown = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(words)) return undefined;
    const values = words.map((word) => (typeof word === 'string' ? rule.read(word) : undefined));
    return values.includes(undefined) ? undefined : (values as V[]);
  };
  return {
    argument: rule.argument,
    allowed: rule.allowed,
    readText: accept,
    accept,
    show: (values) => values.map(rule.show).join(' ') || rule.none,
    codeType: 'string | readonly string[]',
  };
}

/** Permission bits: octal digits in text (`0660`), a number in programs (`0o660`). */
export const fileMode: ProgramType<number> = {
  argument: 'octal',
  allowed: 'three octal digits, 0000 to 0777',
  readText: (word) => (/^0?[0-7]{3}$/.test(word) ? Number.parseInt(word, 8) : undefined),
  accept: (value) => inRange({ min: 0, max: 0o777 }, value),
  show: (value) => value.toString(8).padStart(4, '0'),
  codeType: 'number',
  codeAllowed: '',
  showCode: (value) => `0o${value.toString(8)}`,
};

/**
 * The shape of one row of THE options table (options.ts). Command line, config file, environment, checks of programs,
 * help text and the README's table all follow from the rows.
 */
import type { OptionType } from './option-type.ts';

/** All values of one start by key, after defaults; what a row's `note` may look at. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** Headings of help and README, in their order. */
export const OptionGroup = {
  listen: 'Listening',
  tls: 'TLS',
  access: 'Access',
  jobs: 'Jobs and workers',
  limits: 'Limits',
  process: 'Process',
  log: 'Log and warnings',
  control: 'Control port and metrics',
  plugins: 'Stores and protocols',
  ignored: 'Accepted for compatibility',
} as const;
export type OptionGroup = (typeof OptionGroup)[keyof typeof OptionGroup];

/** An environment variable that stands in for an option. */
export interface EnvironmentRule {
  readonly variable: string;
  /** The word as it would be given to the option, or undefined when the text is not allowed. */
  readonly read: (text: string) => string | undefined;
  /** In words, for the warning about a text that is not allowed. */
  readonly allowed: string;
  /** It beats an option that was given: `overDefault` as long as that has the default value. Left out: never. */
  readonly wins?: 'overDefault' | 'always';
}

export interface OptionRow<V = unknown> {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** `name` in camel case: the key in `ServerOptions` and in all parsed values. */
  readonly key: string;
  readonly type: OptionType<V>;
  /** The value of the daemon when nothing is given. */
  readonly fallback: V;
  /** The value in a program, where it is another one. */
  readonly embeddedFallback?: V;
  /** How help and README show a default that is computed at start. */
  readonly fallbackText?: string;
  readonly group: OptionGroup;
  /** `server`: also an option of `createServer`; `daemon`: of the command only. */
  readonly scope: 'server' | 'daemon';
  /** `used`, or the sentence that is logged at INFO when it is given, because it has no meaning here. */
  readonly effect: 'used' | string;
  /** A further sentence for INFO that depends on the value or on other options; null for none. */
  note?(value: V, values: OptionValues): string | null;
  /** A sentence for WARNING about a value that an operator did not mean; null for none. */
  warning?(value: V): string | null;
  /** Why this version does not start with this value; null when it does. */
  refuse?(value: V): string | null;
  /** Why this value does not go together with those of other options; null when it does. */
  conflict?(value: V, values: OptionValues): string | null;
  readonly environment?: EnvironmentRule;
  /** May be given more than once; its values are lists that are joined. */
  readonly isRepeatable?: boolean;
  /** Not shown in help and README. */
  readonly isHidden?: boolean;
  /** Its value is shown to nobody. */
  readonly isSecret?: boolean;
  /** There is no GEARTRAIN_ variable for it. */
  readonly isWordOnly?: boolean;
  readonly help: string;
}

const VARIABLE_PREFIX = 'GEARTRAIN_';

/** The environment variable of an option, such as GEARTRAIN_MAX_MEMORY; null where there is none. */
export function variableOf(row: OptionRow): string | null {
  if (row.isWordOnly === true) return null;
  return `${VARIABLE_PREFIX}${row.name.replaceAll('-', '_').toUpperCase()}`;
}

/**
 * The shape of one row of the options tables of `gearman` and `gearadmin`. Command line, checks, help text and the
 * README's tables all follow from the rows.
 */
import type { OptionType } from '../../server/options/option-type.ts';

export interface ToolOption<V = unknown> {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Key of the value after reading. */
  readonly key: string;
  readonly type: OptionType<V>;
  /** The value when nothing is given. */
  readonly fallback: V;
  /** How help and README show a default that is computed at start. */
  readonly fallbackText?: string;
  /** Heading in help and README; groups appear in the order of their first rows. */
  readonly group: string;
  /** May be given more than once; its value is then the list of all, joined. */
  readonly isRepeatable?: boolean;
  /** True: our own, the C tool has nothing like it. */
  readonly isOwn?: boolean;
  readonly help: string;
}

/** Headings and texts around the options, for `--help`. */
export interface Manual {
  readonly name: string;
  /** One line behind the name. */
  readonly summary: string;
  /** Ways to call it, without the name. */
  readonly usage: readonly string[];
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly environment: readonly (readonly [variable: string, means: string])[];
  readonly exitCodes: readonly (readonly [code: number, means: string])[];
  readonly examples: readonly (readonly [command: string, means: string])[];
}

/** Whatever the options table knows of one tool. */
export interface Tool {
  readonly manual: Manual;
  readonly options: readonly ToolOption[];
  /** Long options may be cut short as long as they stay unique, as the C gearadmin allows. */
  readonly takesAbbreviations: boolean;
  /** What an option means that is given twice though it takes one value: an error, or the last one counts. */
  readonly onRepeat: 'refuse' | 'last wins';
}

/** Values by key after reading, defaults included. */
export type ToolValues = Readonly<Record<string, unknown>>;

/** What a tool such as `gearman` knows of its command line: the texts of its manual and its options. */
import type { OptionRow } from './row.ts';

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

export interface Tool {
  readonly manual: Manual;
  readonly options: readonly OptionRow[];
  /** Long options may be cut short as long as they stay unique, as the C gearadmin allows. */
  readonly takesAbbreviations: boolean;
  /** What an option means that is given twice though it takes one value: an error, or the last one counts. */
  readonly onRepeat: 'refuse' | 'last wins';
}

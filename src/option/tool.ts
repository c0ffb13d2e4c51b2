/**
 * The command line of a command such as `gearman`: the texts of its manual and its options. `--help`, the manual page
 * and the tables of docs/ are derived from it.
 */
import type { OptionRow } from './row.ts';

export type Example = readonly [command: string, means: string];
type Pair = readonly [term: string | number, means: string];

/** A heading with a list below it. */
export interface ManualSection {
  readonly title: string;
  readonly items: readonly Pair[];
}

/** Headings and texts around the options. */
export interface Manual {
  readonly name: string;
  /** Section of the manual: 1 = commands, 8 = servers. */
  readonly section: 1 | 8;
  /** One line after the name. */
  readonly summary: string;
  /** Ways to call it, without the name. */
  readonly usage: readonly string[];
  /** Help and the manual page begin with these examples. */
  readonly examples: readonly [Example, Example, Example];
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly environment: readonly Pair[];
  readonly exitCodes: readonly (readonly [code: number, means: string])[];
  /** Sections between environment and exit status. */
  readonly further?: readonly ManualSection[];
  readonly moreExamples?: readonly Example[];
}

export interface Tool {
  readonly manual: Manual;
  readonly options: readonly OptionRow[];
  /** Whether long options may be abbreviated while they stay unambiguous, as the C gearadmin allows. */
  readonly takesAbbreviations: boolean;
  /** What a repeated option with one value means: an error, or the last one counts. */
  readonly onRepeat: 'refuse' | 'last wins';
}

/** The sections after the options, in order; empty sections are left out. */
export function closingSections(manual: Manual): ManualSection[] {
  return [
    { title: 'Environment', items: manual.environment },
    ...(manual.further ?? []),
    { title: 'Exit status', items: manual.exitCodes },
  ].filter(({ items }) => items.length > 0);
}

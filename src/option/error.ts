/**
 * Errors about options: each names the option, the value, where it came from and what is allowed instead.
 */
import type { OptionEntry, OptionRow, OptionValues } from './row.ts';

/** Invalid options. `code` is `ERR_GEARMAN_OPTION`; `problems` has one sentence for each, `message` joins them. */
export class OptionError extends Error {
  /** Never changes. */
  readonly code = 'ERR_GEARMAN_OPTION';
  override readonly name = 'OptionError';
  /** One sentence each: which option, where it came from, what is allowed. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

/** A value given by a program as it would be written in code; never throws. */
export function showGiven(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** `option --port: "x" (command line) is not allowed, allowed is ...`; without `origin` there are no brackets. */
export function notAllowed(
  label: string,
  { type }: OptionEntry,
  value: unknown,
  origin?: string,
): string {
  const from = origin === undefined ? '' : ` (${origin})`;
  return `option ${label}: ${showGiven(value)}${from} is not allowed, allowed is ${type.allowed}`;
}

/** Sentences about values that exclude each other; `label` names the option. */
export function conflictsOf(
  rows: readonly OptionRow[],
  values: OptionValues,
  label: (row: OptionRow) => string,
): string[] {
  return rows.flatMap((row) => {
    const reason = row.conflict?.(values[row.key], values) ?? null;
    return reason === null ? [] : [`option ${label(row)}: ${reason}`];
  });
}

/**
 * What is said about options that are not allowed: always the option, the value, where it came from and what is
 * allowed instead.
 */
import type { OptionRow } from './option-row.ts';

/** Options that are not allowed. `code` is `ERR_GEARMAN_OPTION`; `problems` has one sentence for each, the message joins them. */
export class OptionError extends Error {
  /** Stable. */
  readonly code = 'ERR_GEARMAN_OPTION';
  override readonly name = 'OptionError';
  /** One sentence each: which option, where it came from, what is allowed. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

/** A value of a program, as it would be written in code; never throws. */
export function showGiven(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** `option --port: "x" (command line) is not allowed, allowed is ...`; `origin` null leaves the brackets out. */
export function notAllowed(
  label: string,
  row: OptionRow,
  value: unknown,
  origin: string | null,
): string {
  const from = origin === null ? '' : ` (${origin})`;
  return `option ${label}: ${showGiven(value)}${from} is not allowed, allowed is ${row.type.allowed}`;
}

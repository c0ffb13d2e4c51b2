/**
 * What the server needs of a log. Level names and their order are gearmand's; who writes where is decided outside.
 */

/** From gravest to most talkative; gearmand's names (`--verbose=NAME`). */
export const LogLevel = {
  FATAL: 0,
  ALERT: 1,
  CRITICAL: 2,
  ERROR: 3,
  WARNING: 4,
  NOTICE: 5,
  INFO: 6,
  DEBUG: 7,
} as const;
/** One of the values of `LogLevel`, 0..7. */
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** The name of a level; the number itself where there is none. */
export function levelName(level: number): string {
  const entry = Object.entries(LogLevel).find(([, value]) => value === level);
  return entry?.[0] ?? String(level);
}

/** Facts of a line by name, such as `address`; `thread` is the thread that it comes from. */
export type LogContext = Readonly<Record<string, string | number>>;

/** A sink of lines. Ask `level` first where the text costs something to build. */
export interface Logger {
  /** The most talkative level that is kept: a line is wanted when its level is `<= level`; -1 keeps nothing. */
  readonly level: number;
  /**
   * Takes one line: lower case, no full stop, no line end. Lines above `level` are dropped. Never throws. `context` says
   * the same facts once more for programs; it never has a byte of a workload.
   */
  log(level: number, text: string, context?: LogContext): void;
  /** Keeps lines up to `level` from now on. A logger without it cannot be changed while the server runs. */
  setLevel?(level: number): void;
}

/** Keeps nothing. */
export const nullLogger: Logger = { level: -1, log: () => {} };

/**
 * The logger that the server's parts use. Level names and their order are gearmand's; the caller decides where lines
 * are written.
 */

/** From most severe to most detailed; gearmand's names (`--verbose=NAME`). */
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

/** The name of a level; the number as text for an unknown one. */
export function levelName(level: number): string {
  const entry = Object.entries(LogLevel).find(([, value]) => value === level);
  return entry?.[0] ?? String(level);
}

/** Named facts of a line, such as `address`; `thread` is the thread that logs it. */
export type LogContext = Readonly<Record<string, string | number>>;

/** Receives log lines. Check `level` first where the text is expensive to build. */
export interface Logger {
  /** The most detailed level that is kept: lines with a greater level are dropped; -1 keeps nothing. */
  readonly level: number;
  /**
   * Takes one line: lower case, no full stop, no line end. Drops lines above `level`. Never throws. `context` has the
   * same facts for programs; it never contains bytes of a workload.
   */
  log(level: number, text: string, context?: LogContext): void;
  /** Changes `level` from now on. Loggers without it cannot be changed while the server runs. */
  setLevel?(level: number): void;
}

/** Drops every line. */
export const nullLogger: Logger = { level: -1, log: () => {} };

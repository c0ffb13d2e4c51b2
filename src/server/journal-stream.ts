/**
 * Standard error that goes to systemd's journal: each line begins with its priority, `<3>text`, which the journal
 * removes. Source: sd-daemon(3), and JOURNAL_STREAM in systemd.exec(5).
 */
import { fstatSync } from 'node:fs';
import { LogLevel } from '../base/logger.ts';

const STDERR = 2;

/** Whether standard error goes to the journal, and was not redirected later. */
export function isJournal(env: NodeJS.ProcessEnv = process.env, descriptor = STDERR): boolean {
  const { JOURNAL_STREAM: stream } = env;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** `<N>` for a level of the log. FATAL becomes alert: an emergency would be shown on every terminal of the machine. */
export function journalPriority(level: number): string {
  return `<${Math.max(LogLevel.ALERT, level)}>`;
}

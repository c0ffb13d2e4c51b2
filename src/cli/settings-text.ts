/** What `--check-config` prints: every option that was given, with its value and where it came from, then all remarks. */
import { levelName } from '../base/logger.ts';
import { OPTIONS } from '../server/options.ts';
import type { Settings } from './settings.ts';

/** `NAME = VALUE (origin)` by line, in the order of the table, then `LEVEL text`; ends with a line end. */
export function settingsText(settings: Settings): string {
  const lines = OPTIONS.filter((row) => settings.origins.has(row.key) && row.key !== 'checkConfig');
  const shown = lines.map((row) => {
    const value = row.isSecret === true ? '(secret)' : row.type.show(settings.values[row.key]);
    return `${row.name} = ${value} (${settings.origins.get(row.key)})\n`;
  });
  const notes = settings.notes.map(({ level, text }) => `${levelName(level)} ${text}\n`);
  return (shown.join('') || 'all options have their defaults\n') + notes.join('');
}

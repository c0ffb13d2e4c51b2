/** The output of `--check-config`. */
import { levelName } from '../base/logger.ts';
import type { OptionValues } from '../option/row.ts';
import { OPTIONS } from './gearmand-options.ts';
import type { Settings } from './settings.ts';

/**
 * Every given option with its value and origin, then all remarks: `NAME = VALUE (origin)` by line, in the order of the
 * table, then `LEVEL text`; ends with a line end.
 */
export function settingsText({ origins, notes, ...settings }: Settings): string {
  const values: OptionValues = settings.values;
  const lines = OPTIONS.filter((row) => origins.has(row.key) && row.key !== 'checkConfig');
  const shown = lines.map((row) => {
    const value = row.isSecret === true ? '(secret)' : row.type.show(values[row.key]);
    return `${row.name} = ${value} (${origins.get(row.key)})\n`;
  });
  const remarks = notes.map(({ level, text }) => `${levelName(level)} ${text}\n`);
  return (shown.join('') || 'all options have their defaults\n') + remarks.join('');
}

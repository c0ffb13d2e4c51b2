/** The options of a server as operators see them: values as text, and where they were given. */
import type { OptionFacts } from '../http/api/source.ts';
import { shownDefault } from '../option/row.ts';
import { type ResolvedOptions, SERVER_ROWS, showAddress } from './options.ts';

/** `origins`: where options were given, by key. Secrets are not shown. */
export function optionFacts(
  options: ResolvedOptions,
  origins: ReadonlyMap<string, string>,
): OptionFacts[] {
  const values = options as unknown as Readonly<Record<string, unknown>>;
  return SERVER_ROWS.filter(({ isHidden }) => isHidden !== true).map((row) => ({
    name: row.name,
    value: row.isSecret === true && values[row.key] !== null ? '(set)' : textOf(row, values),
    defaultValue: shownDefault(row),
    origin: origins.get(row.key) ?? 'default',
    help: row.help,
  }));
}

function textOf(
  row: (typeof SERVER_ROWS)[number],
  values: Readonly<Record<string, unknown>>,
): string {
  const value = values[row.key];
  // Its targets are resolved: each has its port.
  if (row.key === 'listen') return (value as ResolvedOptions['listen']).map(showAddress).join(', ');
  return value === null ? '' : row.type.show(value);
}

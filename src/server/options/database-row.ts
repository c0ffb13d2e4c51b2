/** How rows for gearmand's stores are made: each has a meaning with its own `--queue-type` only, in programs too. */
import { OptionGroup, type OptionRow } from './option-row.ts';
import { type OptionType, text } from './option-type.ts';

const ofDatabase = { group: OptionGroup.plugins, scope: 'server', effect: 'used' } as const;

/** Said of an option of a database that is not used. */
const without =
  (name: string, queueType: string) =>
  (_value: unknown, values: Readonly<Record<string, unknown>>): string | null =>
    values.queueType === queueType ? null : `--${name} has no effect without -q ${queueType}`;

export const word = text({ argument: 'text' });

export function row<const N extends string, const K extends string, V>(
  queueType: string,
  name: N,
  key: K,
  type: OptionType<V>,
  fallback: V,
  help: string,
) {
  return {
    ...ofDatabase,
    name,
    key,
    type,
    fallback,
    note: without(name, queueType),
    help: `-q ${queueType}: ${help}`,
  } as const satisfies OptionRow<V>;
}

/** A row whose value is shown to nobody. */
export function secretRow<const N extends string, const K extends string>(
  queueType: string,
  name: N,
  key: K,
  help: string,
) {
  const argument = text({ argument: name.endsWith('password') ? 'password' : 'text' });
  return { ...row(queueType, name, key, argument, null, help), isSecret: true } as const;
}

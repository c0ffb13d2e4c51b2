/** Rows for gearmand's databases: options of programs too. Each has a meaning with its own `--queue-type` only. */
import { OptionGroup, type OptionRow } from './option-row.ts';
import { text } from './option-type.ts';

const ofDatabase = { group: OptionGroup.plugins, scope: 'server', effect: 'used' } as const;

/** Said of an option of a database that is not used. */
const without =
  (name: string, queueType: string) =>
  (_value: unknown, values: Readonly<Record<string, unknown>>): string | null =>
    values.queueType === queueType ? null : `--${name} has no effect without -q ${queueType}`;

export const databaseRows = [
  {
    ...ofDatabase,
    name: 'libsqlite3-db',
    key: 'libsqlite3Db',
    type: text({ argument: 'file' }),
    fallback: null,
    note: without('libsqlite3-db', 'libsqlite3'),
    help: '-q libsqlite3: the SQLite file, made when it is missing',
  },
  {
    ...ofDatabase,
    name: 'libsqlite3-table',
    key: 'libsqlite3Table',
    type: text({ argument: 'table' }),
    fallback: 'gearman_queue',
    note: without('libsqlite3-table', 'libsqlite3'),
    help: '-q libsqlite3: its table, made when it is missing',
  },
] as const satisfies readonly OptionRow[];

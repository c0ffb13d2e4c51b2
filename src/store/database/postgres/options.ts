/** Options of PostgreSQL, with gearmand's names. */
import type { ProgramEntry, ValuesOf } from '../../../option/row.ts';
import { type DatabaseOptions, word } from '../database-options.ts';
import type { PostgresSettings } from './postgres-backend.ts';

const rows = [
  {
    name: 'libpq-conninfo',
    type: word,
    defaultValue: null,
    isSecret: true,
    help: "libpq's connection string, key=value words or a URI; the PG variables are its defaults",
  },
  {
    name: 'libpq-table',
    type: word,
    defaultValue: 'queue',
    help: 'table, made when it is missing',
  },
] as const satisfies readonly ProgramEntry[];

export const postgresOptions = {
  name: 'postgres',
  rows,
  waits: 'asked',
  settings: (values: ValuesOf<(typeof rows)[number]>): PostgresSettings => ({
    conninfo: values.libpqConninfo,
    table: values.libpqTable,
  }),
} as const satisfies DatabaseOptions;

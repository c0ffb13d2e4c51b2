/** Options of SQLite, with gearmand's names. */
import type { ProgramEntry, ValuesOf } from '../../../option/row.ts';
import { flag, text } from '../../../option/types.ts';
import { type DatabaseOptions, word } from '../database-options.ts';
import type { SqliteSettings } from './sqlite-backend.ts';

const rows = [
  {
    name: 'libsqlite3-db',
    type: text({ argument: 'file' }),
    defaultValue: null,
    help: 'the SQLite file, made when it is missing',
  },
  {
    name: 'libsqlite3-table',
    type: word,
    defaultValue: 'gearman_queue',
    help: 'its table, made when it is missing',
  },
  {
    name: 'store-queue-on-shutdown',
    type: flag,
    defaultValue: false,
    help: 'as with gearmand, jobs are written only at an orderly end of the server, and a crash loses them; JOB_CREATED does not mean that a job is on disk',
  },
] as const satisfies readonly ProgramEntry[];

export const sqliteOptions = {
  name: 'libsqlite3',
  rows,
  needs: 'libsqlite3-db',
  waits: 'never',
  settings: (values: ValuesOf<(typeof rows)[number]>): SqliteSettings => ({
    file: values.libsqlite3Db as string,
    table: values.libsqlite3Table,
  }),
} as const satisfies DatabaseOptions;

/** Options of MySQL and MariaDB, with gearmand's names. */
import { port } from '../../../option/address-types.ts';
import type { ProgramEntry, ValuesOf } from '../../../option/row.ts';
import { type DatabaseOptions, password, word } from '../database-options.ts';
import type { MysqlSettings } from './mysql-backend.ts';

const rows = [
  {
    name: 'mysql-host',
    type: word,
    defaultValue: 'localhost',
    help: "host; localhost is the server's own socket if it exists",
  },
  { name: 'mysql-port', type: port, defaultValue: 3306, help: 'port' },
  {
    name: 'mysql-user',
    type: word,
    defaultValue: null,
    help: 'user; default: from [gearmand] or [client] of the option files',
  },
  {
    name: 'mysql-password',
    type: password,
    defaultValue: null,
    isSecret: true,
    help: 'password; default: as for the user',
  },
  { name: 'mysql-db', type: word, defaultValue: null, help: 'database; default: as for the user' },
  {
    name: 'mysql-table',
    type: word,
    defaultValue: 'gearman_queue',
    help: 'table, made when it is missing',
  },
] as const satisfies readonly ProgramEntry[];

export const mysqlOptions = {
  name: 'mysql',
  rows,
  waits: 'asked',
  settings: (values: ValuesOf<(typeof rows)[number]>): MysqlSettings => ({
    host: values.mysqlHost,
    port: values.mysqlPort,
    user: values.mysqlUser,
    password: values.mysqlPassword,
    database: values.mysqlDb,
    table: values.mysqlTable,
  }),
} as const satisfies DatabaseOptions;

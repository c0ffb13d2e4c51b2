/** Rows for gearmand's databases: options of programs too. Each has a meaning with its own `--queue-type` only. */

import { port } from './address-types.ts';
import { row, secretRow, word } from './database-row.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { flag, text } from './option-type.ts';

const waited = ['postgres', 'mysql', 'redis'];

export const databaseRows = [
  {
    name: 'store-wait',
    key: 'storeWait',
    type: flag,
    fallback: false,
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    note: (_value, { queueType }) =>
      waited.includes(String(queueType)) || queueType === 'libmemcached'
        ? null
        : `--store-wait has no effect without -q ${waited.join(', ')}`,
    help: '-q postgres, mysql, redis: start although the store is away, refuse background jobs until it comes, and bring back then what it keeps; -q libmemcached always does',
  },
  row(
    'libsqlite3',
    'libsqlite3-db',
    'libsqlite3Db',
    text({ argument: 'file' }),
    null,
    'the SQLite file, made when it is missing',
  ),
  row(
    'libsqlite3',
    'libsqlite3-table',
    'libsqlite3Table',
    word,
    'gearman_queue',
    'its table, made when it is missing',
  ),
  row(
    'libsqlite3',
    'store-queue-on-shutdown',
    'storeQueueOnShutdown',
    flag,
    false,
    'as with gearmand, jobs are written at an orderly end of the server only, and a crash loses them; JOB_CREATED says nothing about the disk',
  ),
  secretRow(
    'postgres',
    'libpq-conninfo',
    'libpqConninfo',
    "libpq's connection string, key=value words or a URI; the PG variables stand in for what it does not say",
  ),
  row('postgres', 'libpq-table', 'libpqTable', word, 'queue', 'table, made when it is missing'),
  row(
    'mysql',
    'mysql-host',
    'mysqlHost',
    word,
    'localhost',
    "host; localhost is the server's own socket where there is one",
  ),
  row('mysql', 'mysql-port', 'mysqlPort', port, 3306, 'port'),
  row(
    'mysql',
    'mysql-user',
    'mysqlUser',
    word,
    null,
    'user; else as [gearmand] or [client] of the option files has it',
  ),
  secretRow('mysql', 'mysql-password', 'mysqlPassword', 'password; else as for the user'),
  row('mysql', 'mysql-db', 'mysqlDb', word, null, 'database; else as for the user'),
  row(
    'mysql',
    'mysql-table',
    'mysqlTable',
    word,
    'gearman_queue',
    'table, made when it is missing',
  ),
] as const satisfies readonly OptionRow[];

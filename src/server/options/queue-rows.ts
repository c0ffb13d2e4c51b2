/**
 * Rows for gearmand's persistent queues. This version keeps jobs in memory only: every name that gearmand knows is
 * understood, and refused, because a store that is asked for and silently missing would lose jobs.
 */
import { port } from './address-types.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { flag, type OptionType, text } from './option-type.ts';

/** Queue types of gearmand besides `builtin`. */
export const persistentQueueNames = [
  'libsqlite3',
  'mysql',
  'postgres',
  'redis',
  'libmemcached',
  'libtokyocabinet',
  'libdrizzle',
] as const;

const queueNames = ['builtin', ...persistentQueueNames] as const;
type QueueName = (typeof queueNames)[number];

function readQueueName(value: unknown): QueueName | undefined {
  return queueNames.find((name) => typeof value === 'string' && name === value.toLowerCase());
}

const queueName: OptionType<QueueName> = {
  argument: 'name',
  allowed: `one of ${queueNames.join(', ')}`,
  readText: readQueueName,
  accept: readQueueName,
  show: String,
};

/** A row that only has a meaning together with `--queue-type store`. */
function storeRow<const N extends string, const K extends string, V>(
  store: string,
  name: N,
  key: K,
  type: OptionType<V>,
  fallback: V,
  help: string,
) {
  return {
    name,
    key,
    type,
    fallback,
    group: OptionGroup.plugins,
    scope: 'daemon',
    isSecret: type === password || name === 'libpq-conninfo',
    effect: `--${name} has no effect without --queue-type ${store}`,
    help,
  } as const satisfies OptionRow<V>;
}

const word = text({ argument: 'text' });
const file = text({ argument: 'file' });
const password = text({ argument: 'password' });

export const queueRows = [
  {
    name: 'queue-type',
    short: 'q',
    key: 'queueType',
    type: queueName,
    fallback: 'builtin',
    group: OptionGroup.plugins,
    scope: 'daemon',
    effect: 'used',
    refuse: (value) =>
      value === 'builtin'
        ? null
        : 'this version keeps jobs in memory only, they would not be stored; ' +
          'persistent stores arrive in a later version',
    help: 'where background jobs are kept; builtin = in memory, other stores of gearmand are refused by this version',
  },
  storeRow('libsqlite3', 'libsqlite3-db', 'libsqlite3Db', file, null, 'SQLite file'),
  storeRow('libsqlite3', 'libsqlite3-table', 'libsqlite3Table', word, 'gearman_queue', 'table'),
  storeRow(
    'libsqlite3',
    'store-queue-on-shutdown',
    'storeQueueOnShutdown',
    flag,
    false,
    'write jobs at shutdown only',
  ),
  storeRow('mysql', 'mysql-host', 'mysqlHost', word, 'localhost', 'MySQL host'),
  storeRow('mysql', 'mysql-port', 'mysqlPort', port, 3306, 'MySQL port'),
  storeRow('mysql', 'mysql-user', 'mysqlUser', word, null, 'MySQL user'),
  storeRow('mysql', 'mysql-password', 'mysqlPassword', password, null, 'MySQL password'),
  storeRow('mysql', 'mysql-db', 'mysqlDb', word, null, 'MySQL database'),
  storeRow('mysql', 'mysql-table', 'mysqlTable', word, 'gearman_queue', 'table'),
  storeRow('postgres', 'libpq-conninfo', 'libpqConninfo', word, null, 'PostgreSQL connection text'),
  storeRow('postgres', 'libpq-table', 'libpqTable', word, 'queue', 'table'),
  storeRow('redis', 'redis-server', 'redisServer', word, '127.0.0.1', 'Redis host'),
  storeRow('redis', 'redis-port', 'redisPort', port, 6379, 'Redis port'),
  storeRow('redis', 'redis-password', 'redisPassword', password, null, 'Redis password'),
  storeRow('redis', 'redis-prefix', 'redisPrefix', word, '_gear_', 'how keys begin'),
  storeRow(
    'libmemcached',
    'libmemcached-servers',
    'libmemcachedServers',
    word,
    null,
    'memcached servers',
  ),
  storeRow(
    'libmemcached',
    'libmemcached-prefix',
    'libmemcachedPrefix',
    word,
    'gear_',
    'how keys begin',
  ),
  storeRow(
    'libtokyocabinet',
    'libtokyocabinet-file',
    'libtokyocabinetFile',
    file,
    null,
    'Tokyo Cabinet file',
  ),
  storeRow(
    'libtokyocabinet',
    'libtokyocabinet-optimize',
    'libtokyocabinetOptimize',
    flag,
    true,
    'optimise the file at start',
  ),
] as const satisfies readonly OptionRow[];

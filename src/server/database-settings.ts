/** Which database the options mean. */
import type { DatabaseSettings } from '../store/database/kinds.ts';
import type { ResolvedOptions } from './options.ts';

/** Null when jobs are kept in memory or in the journal. */
export function databaseSettingsOf(options: ResolvedOptions): DatabaseSettings | null {
  if (options.queueType === 'libsqlite3')
    return {
      type: 'libsqlite3',
      file: options.libsqlite3Db as string,
      table: options.libsqlite3Table,
    };
  if (options.queueType === 'postgres')
    return { type: 'postgres', conninfo: options.libpqConninfo, table: options.libpqTable };
  if (options.queueType === 'mysql')
    return {
      type: 'mysql',
      host: options.mysqlHost,
      port: options.mysqlPort,
      user: options.mysqlUser,
      password: options.mysqlPassword,
      database: options.mysqlDb,
      table: options.mysqlTable,
    };
  if (options.queueType === 'redis')
    return {
      type: 'redis',
      host: options.redisServer,
      port: options.redisPort,
      password: options.redisPassword,
      prefix: options.redisPrefix,
    };
  if (options.queueType === 'libmemcached')
    return {
      type: 'libmemcached',
      servers: options.libmemcachedServers as string,
      prefix: options.libmemcachedPrefix,
    };
  return null;
}

/**
 * The kinds of databases, by gearmand's name of the queue: their settings and backends. To add one, write its folder
 * and list it here and in ../options.ts.
 */
import type { BackendKind } from './backend.ts';
import type { MemcachedSettings } from './memcached/memcached-backend.ts';
import type { MysqlSettings } from './mysql/mysql-backend.ts';
import type { PostgresSettings } from './postgres/postgres-backend.ts';
import type { RedisSettings } from './redis/redis-backend.ts';
import type { SqliteSettings } from './sqlite/sqlite-backend.ts';

/** The settings of a database, as data that can be posted to a thread. */
export type DatabaseSettings =
  | ({ readonly type: 'libsqlite3' } & SqliteSettings)
  | ({ readonly type: 'postgres' } & PostgresSettings)
  | ({ readonly type: 'mysql' } & MysqlSettings)
  | ({ readonly type: 'redis' } & RedisSettings)
  | ({ readonly type: 'libmemcached' } & MemcachedSettings);

type Loaders = {
  readonly [S in DatabaseSettings as S['type']]: (settings: S) => Promise<BackendKind>;
};

const LOADERS: Loaders = {
  libsqlite3: async (settings) => (await import('./sqlite/sqlite-backend.ts')).sqliteKind(settings),
  postgres: async (settings) =>
    (await import('./postgres/postgres-backend.ts')).postgresKind(settings),
  mysql: async (settings) => (await import('./mysql/mysql-backend.ts')).mysqlKind(settings),
  redis: async (settings) => (await import('./redis/redis-backend.ts')).redisKind(settings),
  libmemcached: async (settings) =>
    (await import('./memcached/memcached-backend.ts')).memcachedKind(settings),
};

const KEEPING: readonly string[] = ['libsqlite3', 'postgres', 'mysql', 'redis'];

/** Whether this kind keeps the runs of jobs; known before it is loaded. */
export function keepsRunsOf(queueType: string): boolean {
  return KEEPING.includes(queueType);
}

/** Loads the driver. When the driver is missing, rejects with the command that installs it. */
export function kindOf(settings: DatabaseSettings): Promise<BackendKind> {
  const load = LOADERS[settings.type] as (settings: DatabaseSettings) => Promise<BackendKind>;
  return load(settings);
}

/** The kinds of databases, by gearmand's name of the queue. To add one, add a row, its settings and its backend. */
import type { BackendKind } from './backend.ts';
import type { MemcachedSettings } from './memcached/memcached-backend.ts';
import type { MysqlSettings } from './mysql/mysql-backend.ts';
import type { PostgresSettings } from './postgres/postgres-backend.ts';
import type { RedisSettings } from './redis/redis-backend.ts';
import type { SqliteSettings } from './sqlite/sqlite-backend.ts';

/** Which database, in words that can be sent to a thread. */
export type DatabaseSettings =
  | ({ readonly type: 'libsqlite3' } & SqliteSettings)
  | ({ readonly type: 'postgres' } & PostgresSettings)
  | ({ readonly type: 'mysql' } & MysqlSettings)
  | ({ readonly type: 'redis' } & RedisSettings)
  | ({ readonly type: 'libmemcached' } & MemcachedSettings);

/** Its driver is loaded now. Rejects with the command that installs it when it is missing. */
export async function kindOf(settings: DatabaseSettings): Promise<BackendKind> {
  if (settings.type === 'postgres') {
    const { postgresKind } = await import('./postgres/postgres-backend.ts');
    return postgresKind(settings);
  }
  if (settings.type === 'mysql') {
    const { mysqlKind } = await import('./mysql/mysql-backend.ts');
    return mysqlKind(settings);
  }
  if (settings.type === 'redis') {
    const { redisKind } = await import('./redis/redis-backend.ts');
    return redisKind(settings);
  }
  if (settings.type === 'libmemcached') {
    const { memcachedKind } = await import('./memcached/memcached-backend.ts');
    return memcachedKind(settings);
  }
  const { sqliteKind } = await import('./sqlite/sqlite-backend.ts');
  return sqliteKind(settings);
}

/** Stores that are servers of their own, each beyond a proxy, with the ways in which they end a connection by themselves. */
import type { ServerOptions } from '../../../src/index.ts';
import { DATABASES, type Database } from './databases.ts';
import { KeyValueServer, requireKeyValue } from './key-value-servers.ts';
import { ResetProxy } from './reset-proxy.ts';

async function tell(store: KeyValueServer, command: string, answer: RegExp): Promise<void> {
  const said = await store.says(command);
  if (!answer.test(said)) throw new Error(`${command}: ${said}`);
}

/** A database beyond a proxy. */
export interface ProxiedStore {
  readonly proxy: ResetProxy;
  readonly options: ServerOptions;
  /** The database ends all connections of the server by itself; null where it knows no way. */
  readonly kill: (() => Promise<void>) | null;
  /** A request that makes a batch durable has these bytes. */
  readonly words: string;
  /** It ends connections that are idle for a second, where it knows how to. */
  readonly endIdle: (() => Promise<void>) | null;
  close(): Promise<void>;
}

async function startSql(name: string): Promise<ProxiedStore> {
  const kind = DATABASES.find((one) => one.name === name);
  const database = (await kind?.start()) as Database;
  const proxy = await ResetProxy.start(database.server?.port as number);
  const { port } = proxy;
  const given = database.options('jobs_stale');
  const isPostgres = name === 'postgres';
  const options = isPostgres
    ? { ...given, libpqConninfo: `host=127.0.0.1 port=${port} user=postgres dbname=postgres` }
    : { ...given, mysqlPort: port };
  const killPostgres = (): Promise<void> =>
    database.run(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
  const killMysql = async (): Promise<void> => {
    const rows = await database.ask(
      `SELECT ID AS id FROM information_schema.PROCESSLIST
      WHERE ID <> CONNECTION_ID() AND USER = 'root'`,
    );
    // One that has ended by itself meanwhile is no failure.
    for (const { id } of rows) await database.run(`KILL ${id}`).catch(() => {});
  };
  return {
    proxy,
    options,
    kill: isPostgres ? killPostgres : killMysql,
    words: isPostgres ? 'INSERT INTO' : 'COMMIT',
    endIdle: isPostgres
      ? () =>
          database.run("ALTER SYSTEM SET idle_session_timeout = '1s'", 'SELECT pg_reload_conf()')
      : () => database.run('SET GLOBAL wait_timeout = 1'),
    async close() {
      await proxy.close();
      await database.close();
    },
  };
}

async function startKeyValue(name: 'redis' | 'memcached'): Promise<ProxiedStore> {
  const store = await KeyValueServer.start(name);
  const proxy = await ResetProxy.start(store.port);
  const isRedis = name === 'redis';
  return {
    proxy,
    options: isRedis
      ? { queueType: 'redis', redisPort: proxy.port }
      : { queueType: 'libmemcached', libmemcachedServers: `127.0.0.1:${proxy.port}` },
    kill: isRedis
      ? async () => {
          await tell(store, 'CLIENT KILL TYPE normal SKIPME yes\r\n', /^:/);
        }
      : null,
    words: isRedis ? 'EVAL' : 'add ',
    // memcached has an option for its start alone, and looks once in a while.
    endIdle: isRedis
      ? async () => {
          await tell(store, 'CONFIG SET timeout 1\r\n', /^\+OK/);
        }
      : null,
    async close() {
      await proxy.close();
      await store.remove();
    },
  };
}

export const CLIENT_SERVER_STORES = [
  ...DATABASES.filter(({ name }) => name !== 'libsqlite3').map(({ name, isThere }) => ({
    name,
    isThere,
    start: () => startSql(name),
  })),
  ...(['redis', 'memcached'] as const).map((name) => ({
    name,
    isThere: () => requireKeyValue(name),
    start: () => startKeyValue(name),
  })),
];

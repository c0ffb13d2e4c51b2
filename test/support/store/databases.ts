/**
 * The databases for jobs, each with what the tests need: settings for a store, options for our server, arguments for
 * gearmand, and access to the rows. To add one, add a row to DATABASES.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import type { ServerOptions } from '../../../src/index.ts';
import type { DatabaseSettings } from '../../../src/store/database/kinds.ts';
import { requirePeer } from '../peers.ts';
import {
  type PrivateServer,
  type PrivateServerName,
  postgresUrl,
  requireServer,
  startPrivateServer,
} from './private-server.ts';

/** A running database; every table is a queue of its own. */
export interface Database {
  /** Null where the database is a file. */
  readonly server: PrivateServer | null;
  settings(table: string): DatabaseSettings;
  options(table: string): ServerOptions;
  /** Options of gearmand, for the same table. */
  gearmand(table: string): readonly string[];
  /** Nothing can be written any more, until the returned function is called. */
  stall(): Promise<() => Promise<void>>;
  /** Statements from which on nothing can be written to the table, and those that allow it again. */
  refuse(table: string): readonly string[];
  allow(table: string): readonly string[];
  /** Runs statements. */
  run(...statements: string[]): Promise<void>;
  /** Result of a question, row by row. */
  ask(question: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface DatabaseKind {
  readonly name: string;
  /** Whether uniques may be any bytes. */
  readonly keepsBinaryUniques: boolean;
  isThere(): boolean;
  start(): Promise<Database>;
}

interface Sqlite {
  exec(sql: string): void;
  prepare(sql: string): { all(): Record<string, unknown>[] };
  close(): void;
}

function openSqlite(file: string): Sqlite {
  const require = createRequire(import.meta.url);
  try {
    const { DatabaseSync } = require('node:sqlite');
    return new DatabaseSync(file);
  } catch {
    return require('better-sqlite3')(file);
  }
}

async function startSqlite(): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-sqlite-'));
  const file = join(folder, 'jobs.db');
  const using = <T>(use: (connection: Sqlite) => T): T => {
    const connection = openSqlite(file);
    try {
      return use(connection);
    } finally {
      connection.close();
    }
  };
  return {
    server: null,
    settings: (table) => ({ type: 'libsqlite3', file, table }),
    options: (table) => ({ queueType: 'libsqlite3', libsqlite3Db: file, libsqlite3Table: table }),
    gearmand: (table) => [
      '--queue-type=libsqlite3',
      `--libsqlite3-db=${file}`,
      `--libsqlite3-table=${table}`,
    ],
    async stall() {
      const connection = openSqlite(file);
      connection.exec('BEGIN IMMEDIATE');
      return async () => connection.close();
    },
    refuse: (table) =>
      CHANGES.map(
        (change) =>
          `CREATE TRIGGER no_${change} BEFORE ${change} ON ${table} BEGIN SELECT RAISE(ABORT, 'no'); END`,
      ),
    allow: () => CHANGES.map((change) => `DROP TRIGGER no_${change}`),
    run: async (...statements) =>
      using((connection) => {
        for (const statement of statements) connection.exec(statement);
      }),
    ask: async (question) => using((connection) => connection.prepare(question).all()),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const CHANGES = ['insert', 'delete'] as const;

async function stallServer(server: PrivateServer): Promise<() => Promise<void>> {
  await server.freeze();
  return async () => server.thaw();
}

async function startPostgres(): Promise<Database> {
  const server = await startPrivateServer('postgres');
  const { port } = server;
  const ask = async (question: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client(postgresUrl(port));
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query(question);
    await client.end();
    return rows;
  };
  const conninfo = `host=127.0.0.1 port=${port} user=postgres dbname='postgres'`;
  return {
    server,
    settings: (table) => ({ type: 'postgres', conninfo: postgresUrl(port), table }),
    options: (table) => ({ queueType: 'postgres', libpqConninfo: conninfo, libpqTable: table }),
    gearmand: (table) => [
      '--queue-type=postgres',
      `--libpq-conninfo=${conninfo}`,
      `--libpq-table=${table}`,
    ],
    stall: () => stallServer(server),
    refuse: () => [
      'ALTER SYSTEM SET default_transaction_read_only = on',
      'SELECT pg_reload_conf()',
    ],
    allow: () => ['ALTER SYSTEM RESET default_transaction_read_only', 'SELECT pg_reload_conf()'],
    async run(...statements) {
      for (const statement of statements) await ask(statement);
    },
    ask,
    close: () => server.remove(),
  };
}

async function startMariadb(): Promise<Database> {
  const server = await startPrivateServer('mariadb');
  const { port } = server;
  const place = { host: '127.0.0.1', port, user: 'root', database: 'jobs' };
  const ask = async (question: string): Promise<Record<string, unknown>[]> => {
    const connection = await mysql.createConnection(place);
    const [rows] = await connection.query(question);
    await connection.end();
    return rows as Record<string, unknown>[];
  };
  return {
    server,
    settings: (table) => ({ type: 'mysql', ...place, password: null, table }),
    options: (table) => ({
      queueType: 'mysql',
      mysqlHost: place.host,
      mysqlPort: port,
      mysqlUser: place.user,
      mysqlDb: place.database,
      mysqlTable: table,
    }),
    gearmand: (table) => [
      '--queue-type=mysql',
      `--mysql-host=${place.host}`,
      `--mysql-port=${port}`,
      `--mysql-user=${place.user}`,
      `--mysql-db=${place.database}`,
      `--mysql-table=${table}`,
    ],
    stall: () => stallServer(server),
    refuse: (table) =>
      CHANGES.map(
        (change) =>
          `CREATE TRIGGER no_${change} BEFORE ${change} ON ${table} FOR EACH ROW SIGNAL SQLSTATE '45000'`,
      ),
    allow: () => CHANGES.map((change) => `DROP TRIGGER no_${change}`),
    async run(...statements) {
      for (const statement of statements) await ask(statement);
    },
    ask,
    close: () => server.remove(),
  };
}

const needs = (name: PrivateServerName) => () => requireServer(name);

export const DATABASES: readonly DatabaseKind[] = [
  {
    name: 'libsqlite3',
    keepsBinaryUniques: true,
    isThere: () => requirePeer('sqlite'),
    start: startSqlite,
  },
  {
    name: 'postgres',
    keepsBinaryUniques: false,
    isThere: needs('postgres'),
    start: startPostgres,
  },
  { name: 'mysql', keepsBinaryUniques: true, isThere: needs('mariadb'), start: startMariadb },
];

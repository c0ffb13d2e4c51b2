/**
 * The available SQLite: Node's own from 22.13 on, otherwise better-sqlite3. Only their common functions are used.
 * Rule: loaded at first use; when there is none the error has the command that installs it.
 */
import { loadPeer, peerError } from '../load-peer.ts';

export type SqliteValue = string | number | bigint | Uint8Array | null;

export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
  iterate(...values: SqliteValue[]): IterableIterator<unknown>;
}

export interface SqliteConnection {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteDriver {
  readonly name: string;
  open(file: string): SqliteConnection;
}

/** From this version of Node.js on, its own SQLite has all functions that we need and needs no flag. */
const OWN_SINCE = { major: 22, minor: 13 };
const PEER = {
  name: 'better-sqlite3',
  version: '12.11.1',
  advice: ', or use Node 22.13 or later',
} as const;

export async function loadSqlite(version = process.versions.node): Promise<SqliteDriver> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const hasOwn = major > OWN_SINCE.major || (major === OWN_SINCE.major && minor >= OWN_SINCE.minor);
  return hasOwn ? loadOwn() : loadBetter();
}

async function loadOwn(): Promise<SqliteDriver> {
  // A variable, because the types of the oldest supported Node do not know the module.
  const name = 'node:sqlite';
  const { DatabaseSync } = (await import(name)) as {
    DatabaseSync: new (file: string, options: object) => SqliteConnection;
  };
  return { name, open: (file) => new DatabaseSync(file, { timeout: 0 }) };
}

function loadBetter(): SqliteDriver {
  const found = loadPeer(PEER, 'libsqlite3');
  const Database = found as new (file: string, options: object) => SqliteConnection;
  try {
    // Loads its native part.
    new Database(':memory:', {}).close();
  } catch (error) {
    throw peerError(error, PEER, 'libsqlite3');
  }
  return { name: PEER.name, open: (file) => new Database(file, { timeout: 0 }) };
}

/** The address of a MySQL or MariaDB server, from options and option files, as settings of the driver. */

import { existsSync } from 'node:fs';
import type { ConnectionOptions } from 'mysql2/promise';
import { loginUser } from '../login-user.ts';
import { type MysqlDefaults, readOptionFiles } from './option-files.ts';

/** Values of the options; null where an option file may have it. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
}

const HOST = 'localhost';
const PORT = 3306;
const SOCKETS = ['/run/mysqld/mysqld.sock', '/tmp/mysql.sock'];
const CONNECT_MS = 10_000;

/**
 * An option with its default value gives way to an option file. `localhost` is the server's own socket if it exists.
 */
export function connectionOptions(
  address: MysqlAddress,
  defaults: MysqlDefaults = readOptionFiles(),
): ConnectionOptions {
  const host = address.host === HOST ? (defaults.host ?? HOST) : address.host;
  const port = address.port === PORT ? Number(defaults.port ?? PORT) : address.port;
  const database = address.database ?? defaults.database;
  if (database === undefined) throw new Error('-q mysql needs --mysql-db');
  const sockets = defaults.socket === undefined ? SOCKETS : [defaults.socket, ...SOCKETS];
  const socket = host === HOST && port === PORT ? sockets.find(existsSync) : undefined;
  const password = address.password ?? defaults.password;
  return {
    ...(socket === undefined ? { host, port } : { socketPath: socket }),
    user: address.user ?? defaults.user ?? loginUser('--mysql-user'),
    ...(password !== undefined && { password }),
    database,
    charset: 'utf8mb4',
    connectTimeout: CONNECT_MS,
    enableKeepAlive: true,
    flags: ['-LOCAL_FILES'],
  };
}

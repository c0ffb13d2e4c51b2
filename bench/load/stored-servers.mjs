// Servers that keep background jobs, as data: ours and the C gearmand on the same database. Files lie in a new folder
// for each start; a database server is one that runs already, named by the environment, where each start has a table.
// Rule: nothing is created or removed in a database but tables and keys that begin with bench_PORT_TIME.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Connection string of libpq; HOST:PORT:USER:DATABASE, without a password. */
const POSTGRES = 'GEARTRAIN_BENCH_POSTGRES';
const MYSQL = 'GEARTRAIN_BENCH_MYSQL';
/** HOST:PORT, without a password. */
const REDIS = 'GEARTRAIN_BENCH_REDIS';

const folders = [];
process.on('exit', removeFolders);

/** What stopped servers have written: left there, it would take memory and disk from the next one. */
export function removeFolders() {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-bench-'));
  folders.push(folder);
  return folder;
}

const newTable = (port) => `bench_${port}_${Date.now()}`;

const sqliteOptions = () => ['-q', 'libsqlite3', `--libsqlite3-db=${join(newFolder(), 'jobs.db')}`];

const postgresOptions = (port) => [
  ...['-q', 'postgres', `--libpq-conninfo=${process.env[POSTGRES]}`],
  `--libpq-table=${newTable(port)}`,
];

function mysqlOptions(port) {
  const [host, mysqlPort, user, database] = (process.env[MYSQL] ?? '').split(':');
  return [
    ...['-q', 'mysql', `--mysql-host=${host}`, `--mysql-port=${mysqlPort}`],
    ...[`--mysql-user=${user}`, `--mysql-db=${database}`, `--mysql-table=${newTable(port)}`],
  ];
}

function redisOptions(port) {
  const [host, redisPort] = (process.env[REDIS] ?? '').split(':');
  return [
    ...['-q', 'redis', `--redis-server=${host}`, `--redis-port=${redisPort}`],
    `--redis-prefix=${newTable(port)}_`,
  ];
}

/** Why ours has no SQLite here, or ''. */
function driverMissing() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return '';
  try {
    createRequire(import.meta.url).resolve('better-sqlite3');
    return '';
  } catch {
    return 'no better-sqlite3 (npm install --no-save --save-dev better-sqlite3@12.11.1)';
  }
}

/** Rows of the table of servers; `ours` and `theirs` make a command of options. */
export function storedServers(ours, theirs) {
  const needs = (missing, variable) => (context) =>
    missing(context) || (process.env[variable] ? '' : `no ${variable} in the environment`);
  const pair = (name, missing, options) => [
    {
      name: `c-${name}`,
      about: `C gearmand -t 1 -w 1 with ${name}`,
      missing: missing(theirs.missing),
      argv: (context, port) => theirs.argv(context, port, options(port)),
    },
    {
      name,
      about: `geartrain --threads 0 with ${name}`,
      isGeartrain: true,
      missing: missing(ours.missing),
      argv: (_context, port) => ours.argv(port, options(port)),
    },
  ];
  const journal = {
    name: 'journal',
    about: 'geartrain --threads 0 -q journal',
    isGeartrain: true,
    missing: ours.missing,
    argv: (_context, port) => ours.argv(port, ['-q', 'journal', `--state-dir=${newFolder()}`]),
  };
  const needsDriver = (missing) => (context) => missing(context) || driverMissing();
  return [
    journal,
    {
      ...journal,
      name: 'journal-idle',
      about: `${journal.about}, without background jobs`,
      load: { beside: 0 },
    },
    ...pair('sqlite', needsDriver, sqliteOptions),
    ...pair('postgres', (missing) => needs(missing, POSTGRES), postgresOptions),
    ...pair('mysql', (missing) => needs(missing, MYSQL), mysqlOptions),
    ...pair('redis', (missing) => needs(missing, REDIS), redisOptions),
  ];
}

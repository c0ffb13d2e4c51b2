/**
 * Options of the stores for background jobs. Every name of gearmand is recognized. A store that is not supported is
 * refused, because a server without the expected store would lose jobs. To add a store, list its options in DATABASES
 * and its name in `queueNames`.
 */
import { OptionGroup } from '../option/groups.ts';
import { keyOf, type OptionTable, type OptionValues, type ProgramEntry } from '../option/row.ts';
import { choice, flag, integer, list, type ProgramType, text, unionOf } from '../option/types.ts';
import type { DatabaseOptions } from './database/database-options.ts';
import type { DatabaseSettings } from './database/kinds.ts';
import { memcachedOptions } from './database/memcached/options.ts';
import { mysqlOptions } from './database/mysql/options.ts';
import { postgresOptions } from './database/postgres/options.ts';
import { redisOptions } from './database/redis/options.ts';
import { sqliteOptions } from './database/sqlite/options.ts';

/** In the order of help and docs/options.md. */
const DATABASES = [
  sqliteOptions,
  postgresOptions,
  mysqlOptions,
  redisOptions,
  memcachedOptions,
] as const;

const queueNames = [
  'builtin',
  'journal',
  'libsqlite3',
  'mysql',
  'postgres',
  'redis',
  'libmemcached',
  'libtokyocabinet',
  'libdrizzle',
] as const;
type QueueName = (typeof queueNames)[number];

/** Stores of gearmand that are not supported: why not, and what to use instead. */
const notServed: { readonly [name in QueueName]?: string } = {
  libtokyocabinet:
    'Tokyo Cabinet is not supported: use journal, which is one set of files too and needs nothing installed, or libsqlite3',
  libdrizzle: 'Drizzle is not supported: use mysql with MariaDB or MySQL, or journal',
};

function readQueueName(value: unknown): QueueName | undefined {
  return queueNames.find((name) => typeof value === 'string' && name === value.toLowerCase());
}

const queueName: ProgramType<QueueName> = {
  argument: 'name',
  allowed: `one of ${queueNames.join(', ')}`,
  readText: readQueueName,
  accept: readQueueName,
  show: String,
  codeType: unionOf(queueNames),
  codeAllowed: '',
};

/** The configured database; undefined when jobs are kept in memory or in the journal. */
function chosen({ queueType }: OptionValues): DatabaseOptions | undefined {
  return DATABASES.find(({ name }) => name === queueType);
}

/** Settings of the configured database; null when jobs are kept in memory or in the journal. */
export function databaseSettingsOf(values: OptionValues): DatabaseSettings | null {
  const database = chosen(values);
  return database === undefined
    ? null
    : ({ type: database.name, ...database.settings(values) } as DatabaseSettings);
}

/** Whether the server starts while the database is unreachable. */
export function waitsForDatabase(values: OptionValues): boolean {
  const waits = chosen(values)?.waits;
  return waits === 'always' || (waits === 'asked' && values.storeWait === true);
}

const durabilityRules = list({
  argument: 'rule',
  allowed: 'FUNCTION=synced or FUNCTION=relaxed',
  read: (word) => (/^[^\0]+=(synced|relaxed)$/.test(word) ? word : undefined),
  show: String,
  none: 'none',
});

const noRules: readonly string[] = [];

/** Options of all stores. */
const storeTable = {
  group: OptionGroup.plugins,
  rows: [
    {
      name: 'queue-type',
      short: 'q',
      type: queueName,
      defaultValue: 'builtin',
      refuse: (value) => notServed[value as QueueName] ?? null,
      conflict: (value, values) => {
        const needs = chosen(values)?.needs;
        return needs !== undefined && values[keyOf({ name: needs })] === null
          ? `${value} needs --${needs}`
          : null;
      },
      help: 'where background jobs are kept: builtin = in memory, journal = in files of --state-dir, libsqlite3, mysql, postgres = in the table of a database that gearmand can use too, redis, libmemcached = under its keys there',
    },
    {
      name: 'state-dir',
      type: text({ argument: 'folder' }),
      defaultValue: null,
      defaultText: '$STATE_DIRECTORY; /var/lib/geartrain for root; else ~/.local/state/geartrain',
      help: 'folder of this server only, for the journal and for what operators change at run time; made when it is missing; with another store the default is none',
    },
    {
      name: 'durability',
      type: choice('synced', 'relaxed'),
      defaultValue: 'synced',
      doc: 'when a background job is on disk: `synced` = before its JOB_CREATED, `relaxed` = within `flushInterval`',
      help: 'synced = a background job is on disk before its JOB_CREATED; relaxed = it is answered at once and on disk within --flush-interval',
    },
    {
      name: 'durability-of',
      type: durabilityRules,
      defaultValue: noRules,
      isRepeatable: true,
      doc: 'durability of single functions, whatever `durability` says',
      help: 'durability of one function, whatever --durability says; may be repeated',
    },
    {
      name: 'flush-interval',
      type: integer({ min: 1, max: 60_000, unit: 'milliseconds' }),
      defaultValue: 100,
      help: 'with --durability relaxed: how much a crash may lose',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;

const waiting = (how: DatabaseOptions['waits']): string =>
  DATABASES.filter(({ waits }) => waits === how)
    .map(({ name }) => name)
    .join(', ');

const waitTable = {
  group: OptionGroup.plugins,
  rows: [
    {
      name: 'store-wait',
      type: flag,
      defaultValue: false,
      missing: (values) =>
        ['asked', 'always'].includes(chosen(values)?.waits ?? '') ? null : `-q ${waiting('asked')}`,
      doc: `with \`queueType\` ${waiting('asked')}: start although the store is unreachable, refuse background jobs until it comes, and then restore its jobs; ${waiting('always')} always does`,
      help: `-q ${waiting('asked')}: start although the store is unreachable, refuse background jobs until it comes, and then restore its jobs; -q ${waiting('always')} always does`,
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;

type DatabaseEntry = (typeof DATABASES)[number]['rows'][number];

/** Rows of one kind, marked as needing its `--queue-type`. */
function databaseTable({ name, rows }: (typeof DATABASES)[number]) {
  const missing = ({ queueType }: OptionValues) => (queueType === name ? null : `-q ${name}`);
  const entries: readonly DatabaseEntry[] = rows;
  return {
    group: OptionGroup.plugins,
    rows: entries.map((row) => ({ ...row, missing, help: `-q ${name}: ${row.help}` })),
  };
}

export const storeTables = [storeTable, waitTable, ...DATABASES.map(databaseTable)] as const;

/**
 * Rows for where background jobs are kept. Every name that gearmand knows is understood, and refused, because a store
 * that is asked for and silently missing would lose jobs.
 */
import { OptionGroup, type OptionRow } from './option-row.ts';
import { choice, flag, integer, type OptionType, text } from './option-type.ts';

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

/** Names of gearmand that are not served: why, and what to use. */
const notServed: { readonly [name in QueueName]?: string } = {
  libtokyocabinet:
    'Tokyo Cabinet is not served: use journal, which is one set of files too and needs nothing installed, or libsqlite3',
  libdrizzle: 'Drizzle is not served: use mysql with MariaDB or MySQL, or journal',
};

const queueNames = ['builtin', 'journal', ...persistentQueueNames] as const;
export type QueueName = (typeof queueNames)[number];

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
    effect: `--${name} has no effect without --queue-type ${store}`,
    help,
  } as const satisfies OptionRow<V>;
}

const file = text({ argument: 'file' });

const DURABILITY_RULE = /^[^\0]+=(synced|relaxed)$/;

function acceptRules(value: unknown): string[] | undefined {
  const words = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(words)) return undefined;
  const isRule = (word: unknown) => typeof word === 'string' && DURABILITY_RULE.test(word);
  return words.every(isRule) ? (words as string[]) : undefined;
}

const durabilityRules: OptionType<readonly string[]> = {
  argument: 'rule',
  allowed: 'FUNCTION=synced or FUNCTION=relaxed',
  readText: acceptRules,
  accept: acceptRules,
  show: (rules) => rules.join(' ') || 'none',
};

const noRules: readonly string[] = [];

/** Where jobs are kept: options of programs too. */
export const storeRows = [
  {
    name: 'queue-type',
    short: 'q',
    key: 'queueType',
    type: queueName,
    fallback: 'builtin',
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    refuse: (value) => notServed[value as QueueName] ?? null,
    conflict: (value, values) => {
      if (value === 'libsqlite3' && values.libsqlite3Db === null)
        return 'libsqlite3 needs --libsqlite3-db';
      return value === 'libmemcached' && values.libmemcachedServers === null
        ? 'libmemcached needs --libmemcached-servers'
        : null;
    },
    help: 'where background jobs are kept: builtin = in memory, journal = in files of --state-dir, libsqlite3, mysql, postgres = in the table of a database that gearmand can use too, redis, libmemcached = under its keys there',
  },
  {
    name: 'state-dir',
    key: 'stateDir',
    type: text({ argument: 'folder' }),
    fallback: null,
    fallbackText: '$STATE_DIRECTORY; /var/lib/geartrain for root; else ~/.local/state/geartrain',
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    help: 'folder of this server alone for its journal; made when it is missing',
  },
  {
    name: 'durability',
    key: 'durability',
    type: choice('synced', 'relaxed'),
    fallback: 'synced',
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    help: 'synced = a background job is on disk before its JOB_CREATED; relaxed = it is answered at once and on disk within --flush-interval',
  },
  {
    name: 'durability-of',
    key: 'durabilityOf',
    type: durabilityRules,
    fallback: noRules,
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    isRepeatable: true,
    help: 'durability of one function, whatever --durability says; may be repeated',
  },
  {
    name: 'flush-interval',
    key: 'flushInterval',
    type: integer({ min: 1, max: 60_000, unit: 'milliseconds' }),
    fallback: 100,
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    help: 'with --durability relaxed: what a crash may lose',
  },
] as const satisfies readonly OptionRow[];

export const queueRows = [
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

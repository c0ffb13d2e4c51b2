/** Rows for gearmand's stores of keys and values: options of programs too, each with its own `--queue-type` only. */
import { port } from './address-types.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { type OptionType, text } from './option-type.ts';

const word = text({ argument: 'text' });

function row<const N extends string, const K extends string, V>(
  queueType: string,
  name: N,
  key: K,
  type: OptionType<V>,
  fallback: V,
  help: string,
) {
  return {
    group: OptionGroup.plugins,
    scope: 'server',
    effect: 'used',
    name,
    key,
    type,
    fallback,
    note: (_value: V, values: Readonly<Record<string, unknown>>) =>
      values.queueType === queueType ? null : `--${name} has no effect without -q ${queueType}`,
    help: `-q ${queueType}: ${help}`,
  } as const satisfies OptionRow<V>;
}

export const keyValueRows = [
  row('redis', 'redis-server', 'redisServer', word, '127.0.0.1', 'host of Redis or Valkey'),
  row('redis', 'redis-port', 'redisPort', port, 6379, 'its port'),
  {
    ...row(
      'redis',
      'redis-password',
      'redisPassword',
      text({ argument: 'password' }),
      null,
      'its password',
    ),
    isSecret: true,
  },
  row('redis', 'redis-prefix', 'redisPrefix', word, '_gear_', 'how keys begin'),
  row(
    'libmemcached',
    'libmemcached-servers',
    'libmemcachedServers',
    word,
    null,
    'memcached servers, host:port with commas in between',
  ),
  row('libmemcached', 'libmemcached-prefix', 'libmemcachedPrefix', word, 'gear_', 'how keys begin'),
] as const satisfies readonly OptionRow[];

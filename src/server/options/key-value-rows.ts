/** Rows for gearmand's stores of keys and values: options of programs too, each with its own `--queue-type` only. */

import { wordsAfterServers } from '../../store/database/memcached/memcached-servers.ts';
import { port } from './address-types.ts';
import { row, secretRow, word } from './database-row.ts';
import type { OptionRow } from './option-row.ts';

export const keyValueRows = [
  row('redis', 'redis-server', 'redisServer', word, '127.0.0.1', 'host of Redis or Valkey'),
  row('redis', 'redis-port', 'redisPort', port, 6379, 'its port'),
  secretRow('redis', 'redis-password', 'redisPassword', 'its password'),
  row('redis', 'redis-prefix', 'redisPrefix', word, '_gear_', 'how keys begin'),
  {
    ...row(
      'libmemcached',
      'libmemcached-servers',
      'libmemcachedServers',
      word,
      null,
      'memcached servers, host:port with commas in between',
    ),
    warning: (value) => {
      const ignored = typeof value === 'string' ? wordsAfterServers(value) : '';
      return ignored === ''
        ? null
        : `--libmemcached-servers: ${JSON.stringify(ignored)} is ignored, it is in one word with the servers; options are words of their own`;
    },
  },
  row('libmemcached', 'libmemcached-prefix', 'libmemcachedPrefix', word, 'gear_', 'how keys begin'),
] as const satisfies readonly OptionRow[];

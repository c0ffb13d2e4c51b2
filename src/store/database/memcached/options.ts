/** Options of memcached, with gearmand's names. */
import type { ProgramEntry, ValuesOf } from '../../../option/row.ts';
import { type DatabaseOptions, word } from '../database-options.ts';
import type { MemcachedSettings } from './memcached-backend.ts';
import { wordsAfterServers } from './memcached-servers.ts';

const rows = [
  {
    name: 'libmemcached-servers',
    type: word,
    defaultValue: null,
    help: 'memcached servers, host:port separated by commas',
    warning: (value) => {
      const ignored = typeof value === 'string' ? wordsAfterServers(value) : '';
      return ignored === ''
        ? null
        : `--libmemcached-servers: ${JSON.stringify(ignored)} is ignored, it is in one word with the servers; options are words of their own`;
    },
  },
  { name: 'libmemcached-prefix', type: word, defaultValue: 'gear_', help: 'prefix of keys' },
] as const satisfies readonly ProgramEntry[];

export const memcachedOptions = {
  name: 'libmemcached',
  rows,
  needs: 'libmemcached-servers',
  /** As in gearmand: starting without memcached loses nothing, because memcached keeps no jobs reliably. */
  waits: 'always',
  settings: (values: ValuesOf<(typeof rows)[number]>): MemcachedSettings => ({
    servers: values.libmemcachedServers as string,
    prefix: values.libmemcachedPrefix,
  }),
} as const satisfies DatabaseOptions;

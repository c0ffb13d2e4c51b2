/** Options of Redis and Valkey, with gearmand's names. */
import { port } from '../../../option/address-types.ts';
import type { ProgramEntry, ValuesOf } from '../../../option/row.ts';
import { type DatabaseOptions, password, word } from '../database-options.ts';
import type { RedisSettings } from './redis-backend.ts';

const rows = [
  {
    name: 'redis-server',
    type: word,
    defaultValue: '127.0.0.1',
    help: 'host of Redis or Valkey',
  },
  { name: 'redis-port', type: port, defaultValue: 6379, help: 'its port' },
  {
    name: 'redis-password',
    type: password,
    defaultValue: null,
    isSecret: true,
    help: 'its password',
  },
  { name: 'redis-prefix', type: word, defaultValue: '_gear_', help: 'prefix of keys' },
] as const satisfies readonly ProgramEntry[];

export const redisOptions = {
  name: 'redis',
  rows,
  waits: 'asked',
  settings: (values: ValuesOf<(typeof rows)[number]>): RedisSettings => ({
    host: values.redisServer,
    port: values.redisPort,
    password: values.redisPassword,
    prefix: values.redisPrefix,
  }),
} as const satisfies DatabaseOptions;

/** Redis and memcached as stores, on servers of the tests' own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatabaseSettings, kindOf } from '../../../src/store/database/kinds.ts';
import {
  readServers,
  serverOf,
  wordsAfterServers,
} from '../../../src/store/database/memcached/memcached-servers.ts';
import { databaseAddress } from '../../support/store/database-address.ts';
import {
  type KeyValueName,
  KeyValueServer,
  requireKeyValue,
} from '../../support/store/key-value-servers.ts';
import { storeSuite } from '../../support/store-suite.ts';

const SETTINGS: { readonly [name in KeyValueName]: (port: number, n: number) => DatabaseSettings } =
  {
    redis: (port, n) => ({
      ...{ type: 'redis', host: '127.0.0.1', port, password: null },
      // Braces and stars mean nothing of their own in a prefix.
      prefix: `_gear*${n}[x]_`,
    }),
    memcached: (port, n) => ({
      type: 'libmemcached',
      servers: `127.0.0.1:${port}`,
      prefix: `gear${n}_`,
    }),
  };

for (const name of ['redis', 'memcached'] as const)
  describe.skipIf(!requireKeyValue(name))(name, () => {
    let server: KeyValueServer;
    let prefixes = 0;
    beforeAll(async () => {
      server = await KeyValueServer.start(name);
    });
    afterAll(() => server.remove());

    for (const relaxedMs of [null, 5])
      storeSuite({
        name: `${name}, ${relaxedMs === null ? 'synced' : 'relaxed'}`,
        keepsJobs: true,
        keepsReducers: false,
        keepsBinaryUniques: true,
        keepsStarts: false,
        keepsRuns: name === 'redis',
        place: () => databaseAddress(SETTINGS[name](server.port, ++prefixes), relaxedMs, () => {}),
      });

    const key = Buffer.from('u-1');
    const put = (functionName: string, text: string, more = {}) => ({
      ...{ key, functionName: Buffer.from(functionName), priority: 2, startSeconds: 0 },
      workload: Buffer.from(text),
      ...more,
    });
    async function open() {
      const kind = await kindOf(SETTINGS[name](server.port, ++prefixes));
      const backend = kind.make();
      await backend.open(() => {});
      const rows = async () => {
        const found = [];
        for await (const page of backend.scan()) found.push(...page);
        return found.map((row) => `${row.functionName} ${row.key} ${row.priority} ${row.workload}`);
      };
      return { backend, rows };
    }

    it('does not write over a row that is there, and says which put it was', async () => {
      const { backend, rows } = await open();
      expect(await backend.write({ forgets: [], puts: [put('f', 'a')] })).toEqual([]);
      const refusals = await backend.write({ forgets: [], puts: [put('g', 'b'), put('f', 'c')] });
      expect(refusals).toMatchObject([{ index: 1 }]);
      expect(await rows()).toEqual(['f u-1 2 a', 'g u-1 2 b']);
      const forgets = [{ key, functionName: Buffer.from('f') }];
      expect(await backend.write({ forgets, puts: [put('f', 'd')] })).toEqual([]);
      expect(await rows()).toEqual(['g u-1 2 b', 'f u-1 2 d']);
      await backend.close();
    });

    it('refuses what its rows have no place for', async () => {
      const { backend } = await open();
      expect(backend.unfit(put('f', ''))).toBeNull();
      expect(backend.unfit(put('f', '', { startSeconds: 1 }))).toMatch(/no start times/);
      expect((await kindOf(SETTINGS[name](server.port, 0))).keepsRuns ?? false).toBe(
        name === 'redis',
      );
      if (name === 'memcached') {
        expect(backend.unfit(put('a-b', ''))).toMatch(/hyphen/);
        expect(backend.unfit(put('a b', ''))).toMatch(/blanks/);
        expect(backend.unfit(put('f'.repeat(250), ''))).toMatch(/longer than 250/);
      }
      await backend.close();
    });

    it('gives 5,000 rows back in the order in which they were added', async () => {
      const { backend, rows } = await open();
      const numbers = Array.from({ length: 5_000 }, (_, i) => i);
      for (let at = 0; at < numbers.length; at += 500)
        await backend.write({
          forgets: [],
          puts: numbers.slice(at, at + 500).map((number) => ({
            ...put('f', `${number}`),
            key: Buffer.from(`u${number}`),
          })),
        });
      expect((await rows()).map((row) => Number(row.split(' ')[3]))).toEqual(numbers);
      await backend.close();
    });

    it('says where it is when nobody is there', async () => {
      const settings = SETTINGS[name](1, 0);
      const kind = await kindOf(settings);
      await expect(kind.make().open(() => {})).rejects.toThrow(/ECONNREFUSED/);
      expect(kind.label).toContain('127.0.0.1:1');
    });
  });

describe.skipIf(!requireKeyValue('redis'))('keys of gearmand in Redis', () => {
  let server: KeyValueServer;
  beforeAll(async () => {
    server = await KeyValueServer.start('redis');
  });
  afterAll(() => server.remove());

  it('are read in the forms of all its versions, and removed', async () => {
    const row = (...words: string[]) => server.says(`${words.join(' ')}\r\n`);
    await row('HMSET', '_gear_-old-u1', 'data', 'one', 'priority', '0');
    await row('SET', '_gear_-older-u2', 'two');
    await row(
      'HSET',
      '_gear_-a-b-u-3',
      'data',
      'three',
      'priority',
      '2',
      'function',
      'a-b',
      'unique',
      'u-3',
    );
    await row('HMSET', '_gear_-c-d-u4', 'data', 'four', 'priority', '1');
    await row('SET', '_gear_other', 'x');
    await row('SET', 'other', 'x');
    const kind = await kindOf({
      ...{ type: 'redis', host: '127.0.0.1', port: server.port, password: null },
      prefix: '_gear_',
    });
    const backend = kind.make();
    await backend.open(() => {});
    const found = [];
    for await (const page of backend.scan()) found.push(...page);
    const shown = found.map(
      (one) => `${one.functionName}|${one.key}|${one.priority}|${one.workload}`,
    );
    expect(shown.sort()).toEqual([
      'a-b|u-3|2|three',
      'c|d-u4|1|four',
      'older|u2|1|two',
      'old|u1|0|one',
    ]);
    const forgets = found.map(({ key, functionName }) => ({
      key: key as Uint8Array,
      functionName: functionName as Uint8Array,
    }));
    await backend.write({ forgets, puts: [] });
    expect(await row('DBSIZE')).toBe(':2\r\n');
    await backend.close();
  });
});

describe('memcached servers', () => {
  it('are read from a list', () => {
    expect(readServers('a, b:1,[::1]:2 /s')?.map(({ label, to }) => [label, to])).toEqual([
      ['a', { host: 'a', port: 11_211 }],
      ['b:1', { host: 'b', port: 1 }],
      ['[::1]:2', { host: '::1', port: 2 }],
      ['/s', { path: '/s' }],
    ]);
    for (const wrong of ['', ',', 'a:b', 'a:0', 'a:65536']) expect(readServers(wrong)).toBeNull();
  });

  it('end where an option has come in the same word', () => {
    const text = 'localhost:11211 --libmemcached-prefix=x';
    expect(readServers(text)?.map(({ label }) => label)).toEqual(['localhost:11211']);
    expect(wordsAfterServers(text)).toBe('--libmemcached-prefix=x');
    expect(readServers('--server=a,b-c')?.map(({ label }) => label)).toEqual(['a', 'b-c']);
    expect(wordsAfterServers('--server=a,b-c')).toBe('');
    expect(readServers('--libmemcached-prefix=x')).toBeNull();
  });

  it('share keys', () => {
    const counts = [0, 0, 0];
    for (let i = 0; i < 3000; i++)
      counts[serverOf(Buffer.from(`key${i}`), 3)] =
        (counts[serverOf(Buffer.from(`key${i}`), 3)] ?? 0) + 1;
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});

/** Options of a program: defaults, checks, and what becomes of listen targets. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ServerOptions } from '../../../src/server/options/server-options.ts';
import { resolveOptions } from '../../../src/server/options.ts';
import { onlyWhere } from '../../support/peers.ts';

const failure = (options: object): { code?: string; problems?: string[]; message: string } => {
  try {
    resolveOptions(options as ServerOptions);
  } catch (error) {
    return error as Error;
  }
  throw new Error('was taken');
};

test('defaults are those of the table, with everything in one thread', () => {
  expect(resolveOptions()).toMatchObject({
    port: 4730,
    listen: [],
    threads: 0,
    jobRetries: -1,
    keepalive: true,
    adminFrom: ['any'],
    maxPacketSize: 256 * 1024 ** 2,
  });
});

test('the default handle prefix fits into every handle', () => {
  const prefix = resolveOptions().jobHandlePrefix;
  expect(prefix).toMatch(/^H:[\x21-\x7e]+$/);
  expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(28);
});

test('auto threads are a number from 1 to 16', () => {
  const { threads } = resolveOptions({ threads: 'auto' });
  expect(threads).toBeGreaterThanOrEqual(1);
  expect(threads).toBeLessThanOrEqual(16);
});

test('listen targets without a port get the port of the server', () => {
  const listen = [
    'localhost',
    '127.0.0.1:1',
    '[::1]:2',
    '::1',
    '[fe80::1%eth0]',
    'unix:/run/g.sock',
  ];
  expect(resolveOptions({ port: 5, listen }).listen).toEqual([
    { host: 'localhost', port: 5 },
    { host: '127.0.0.1', port: 1 },
    { host: '::1', port: 2 },
    { host: '::1', port: 5 },
    { host: 'fe80::1%eth0', port: 5 },
    { path: '/run/g.sock' },
  ]);
});

test('host is short for listen with one address', () => {
  expect(resolveOptions({ host: '::1', port: 0 }).listen).toEqual([{ host: '::1', port: 0 }]);
});

test('host and listen together are refused', () => {
  expect(failure({ host: 'a', listen: ['b'] }).message).toContain('host');
});

const hasServices = onlyWhere(existsSync('/etc/services'), 'there is no /etc/services');
test.skipIf(!hasServices)('a service name is a port', () => {
  expect(resolveOptions({ port: 'https' }).port).toBe(443);
});

test('all wrong values are named at once, with a code', () => {
  const error = failure({
    port: 70000,
    backlog: '5',
    native: 'maybe',
    colour: 'red',
    maxMemory: 5,
  });
  expect(error.code).toBe('ERR_GEARMAN_OPTION');
  expect(error.problems).toEqual([
    'option port: 70000 is not allowed, allowed is 0 to 65535 or the name of a tcp service in /etc/services, 0 = any free port',
    'option backlog: "5" is not allowed, allowed is 1 to 2147483647',
    'option native: "maybe" is not allowed, allowed is auto, on, off',
    'option maxMemory: 5 is not allowed, allowed is 1M to 1048576G bytes, 0 = no limit (suffix K, M or G)',
    'option colour: there is no such option',
  ]);
});

test('options of the command alone are refused in a program', () => {
  expect(failure({ pidFile: '/x' }).message).toContain('option pidFile: there is no such option');
});

test('a logger without a method log is refused', () => {
  expect(failure({ logger: {} }).message).toContain('logger');
});

test('undefined counts as not given, also for null defaults', () => {
  const options = { port: undefined, jobHandlePrefix: null } as unknown as ServerOptions;
  expect(resolveOptions(options).port).toBe(4730);
});

test('a path that a socket address cannot hold is refused', () => {
  expect(resolveOptions({ listen: `unix:/${'x'.repeat(106)}` }).listen).toHaveLength(1);
  expect(failure({ listen: `unix:/${'x'.repeat(107)}` }).message).toContain('107 bytes');
});

test('the result can be posted to another thread', () => {
  const resolved = resolveOptions({
    listen: ['a', 'unix:/b'],
    logger: { level: 1, log: () => {} },
  });
  expect(structuredClone(resolved)).toEqual(resolved);
});

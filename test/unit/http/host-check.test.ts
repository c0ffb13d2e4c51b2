/** Which hosts a request to a port of this machine may name. */
import { expect, it } from 'vitest';
import { isLoopback, isOwnHost } from '../../../src/http/host-check.ts';

it.each([
  [undefined, '127.0.0.1'],
  ['localhost', '127.0.0.1'],
  ['LocalHost:9100', '127.0.0.1'],
  ['127.0.0.1:9100', '::1'],
  ['127.8.9.10', '127.0.0.1'],
  ['[::1]:9100', '127.0.0.1'],
  ['[::ffff:127.0.0.1]', '127.0.0.1'],
])('takes %s on %s', (host, bound) => {
  expect(isOwnHost(host, bound)).toBe(true);
});

it.each([
  'evil.example',
  'evil.example:9100',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example:127.0.0.1',
  '10.0.0.1',
  '[::2]',
  '',
  ':9100',
  'localhost@evil.example',
])('refuses "%s"', (host) => {
  expect(isOwnHost(host, '127.0.0.1')).toBe(false);
});

it('knows which addresses are reached from this machine alone', () => {
  expect(['127.0.0.1', '::1', '127.1.2.3'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', 'localhost', ''].some(isLoopback)).toBe(false);
});

/** Addresses as people write them, and what is said about wrong ones. */
import { describe, expect, it } from 'vitest';
import { parseAddress, type ServerAddress, showAddress } from '../../../src/link/address.ts';

describe('an address of a job server', () => {
  it.each<[ServerAddress, string]>([
    ['localhost', 'localhost:4730'],
    ['jobs.example.org:4731', 'jobs.example.org:4731'],
    ['127.0.0.1:1', '127.0.0.1:1'],
    ['[::1]:4731', '[::1]:4731'],
    ['[::1]', '[::1]:4730'],
    ['::1', '[::1]:4730'],
    ['unix:/run/gearman.sock', 'unix:/run/gearman.sock'],
    [{ host: 'h', port: 65535 }, 'h:65535'],
    [{ host: '::1' }, '[::1]:4730'],
    [{ path: '/run/gearman.sock' }, 'unix:/run/gearman.sock'],
  ])('%j is %s', (address, shown) => {
    expect(showAddress(parseAddress(address))).toBe(shown);
  });

  it.each([
    '',
    'host:',
    'host:0',
    'host:65536',
    'host:x',
    'a b',
    'unix:',
    'http://host',
    '[::1',
    { host: '' },
    { path: '' },
    { host: 'h', port: 1.5 },
    null,
    7,
  ])('%j is refused with what is allowed', (address) => {
    expect(() => parseAddress(address as ServerAddress)).toThrow(
      expect.objectContaining({
        name: 'ArgumentError',
        code: 'ERR_GEARMAN_ARGUMENT',
        message: expect.stringContaining('allowed is'),
      }),
    );
  });
});

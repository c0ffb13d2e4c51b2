/** What the log says at the start about strangers: which addresses they reach and what they may do there. */
import { expect, test } from 'vitest';
import { exposuresOf } from '../../../src/cli/exposure.ts';
import type { ServerOptions } from '../../../src/server/options/server-options.ts';
import { resolveOptions } from '../../../src/server/options.ts';

type Bound = Parameters<typeof exposuresOf>[0];
const NOTHING: Bound = { addresses: [], httpAddresses: [], controlAddress: null };
const ANY = { host: '0.0.0.0', port: 1 };
const ANY_TLS = { ...ANY, isSecure: true };

const said = (bound: Partial<Bound>, options: ServerOptions = {}): [string, boolean][] =>
  exposuresOf({ ...NOTHING, ...bound }, resolveOptions(options)).map(({ text, isOpen }) => [
    text,
    isOpen,
  ]);

test('loopback and Unix sockets are not open', () => {
  const addresses = [{ host: '127.0.0.1', port: 1 }, { host: '::1', port: 1 }, { path: '/s' }];
  const bound = { addresses, httpAddresses: [{ host: '127.0.0.1', port: 2 }] };
  expect(said({ ...bound, controlAddress: { host: '::1', port: 3 } })).toEqual([]);
});

test('without rules everything is open, and the options that limit it are named', () => {
  expect(
    said({ addresses: [ANY, { host: '::', port: 1 }, { host: '127.0.0.1', port: 2 }] }),
  ).toEqual([
    [
      'anyone who reaches 0.0.0.0:1, [::]:1 may submit jobs, work and give admin commands, without TLS; ' +
        '--allow, --admin-from and --ssl limit that',
      true,
    ],
  ]);
});

test.each<[ServerOptions, string]>([
  [
    { adminFrom: 'loopback' },
    'may submit jobs and work, without TLS; --allow and --ssl limit that',
  ],
  [
    { adminFrom: ['10.0.0.0/8', 'loopback'] },
    'may submit jobs and work, without TLS; --allow and --ssl limit that',
  ],
  [{ allow: 'any=submit:a*' }, 'may submit jobs, without TLS; --allow and --ssl limit that'],
  [
    { allow: ['any=work', 'any=admin'] },
    'may work and give admin commands, without TLS; --allow, --admin-from and --ssl limit that',
  ],
  [
    { allow: 'any=submit,admin', adminFrom: 'loopback' },
    'may submit jobs, without TLS; --allow and --ssl limit that',
  ],
])('%j leaves open what it does not forbid', (options, rest) => {
  expect(said({ addresses: [ANY] }, options)).toEqual([
    [`anyone who reaches 0.0.0.0:1 ${rest}`, true],
  ]);
});

test('rules that give strangers nothing leave clear text to report', () => {
  const options = { allow: 'token:ops=submit,work,admin', tokenFile: '/t' };
  expect(said({ addresses: [ANY] }, options)).toEqual([
    ['tokens and jobs reach 0.0.0.0:1 without TLS; --ssl encrypts them', false],
  ]);
  expect(said({ addresses: [ANY_TLS] }, options)).toEqual([]);
});

test('TLS alone closes nothing, required certificates of clients do', () => {
  const [[text] = ['']] = said({ addresses: [ANY_TLS] });
  expect(text).toBe(
    'anyone who reaches tls://0.0.0.0:1 may submit jobs, work and give admin commands; ' +
      '--allow, --admin-from and --tls-client-ca limit that',
  );
  const options = { ssl: true, tlsClientCa: '/ca' };
  expect(said({ addresses: [ANY_TLS] }, options)).toEqual([]);
  expect(said({ addresses: [ANY_TLS] }, { ...options, tlsClientAuth: 'optional' })).toHaveLength(1);
  // Clients of the other address are not asked.
  expect(said({ addresses: [ANY, ANY_TLS] }, options)).toEqual([
    [expect.stringMatching(/^anyone who reaches 0\.0\.0\.0:1 may/), true],
  ]);
});

test('HTTP is open to submits unless rules forbid them', () => {
  const bound = { httpAddresses: [{ host: '10.0.0.1', port: 8080 }] };
  expect(said(bound)).toEqual([
    [
      'anyone who reaches 10.0.0.1:8080 may submit jobs by HTTP, without TLS; --allow limits that',
      true,
    ],
  ]);
  expect(said(bound, { allow: 'any=work' })).toEqual([
    [
      'tokens and jobs reach 10.0.0.1:8080 by HTTP, without TLS; a proxy in front encrypts them',
      false,
    ],
  ]);
});

test('of the control port its probes are open, and a token in clear text is said', () => {
  const [[text] = ['']] = said({ controlAddress: { host: '10.0.0.1', port: 9 } });
  expect(text).toBe(
    'anyone who reaches 10.0.0.1:9 may read /healthz and /readyz; its token comes without TLS, tls:// encrypts it',
  );
  const secure = { host: '10.0.0.1', port: 9, isSecure: true };
  expect(said({ controlAddress: secure })).toEqual([
    ['anyone who reaches tls://10.0.0.1:9 may read /healthz and /readyz', false],
  ]);
});

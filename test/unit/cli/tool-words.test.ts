/** Command lines of the tools: what is read, what is refused, what the help says. */
import { describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../../src/cli/gearadmin/operations.ts';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { reasonOf } from '../../../src/cli/tool/failure.ts';
import { tlsSettings } from '../../../src/cli/tool/tls.ts';
import { seconds, serverList } from '../../../src/cli/tool/value-types.ts';
import { readToolWords } from '../../../src/option/read-tool.ts';

const admin = (...argv: string[]) => readToolWords(argv, GEARADMIN);

describe('words of gearadmin', () => {
  test('short options are joined with their value, long ones take =, operands are kept', () => {
    const { values, operands, problems } = admin('-hjobs:1', '-p2', '--timeout=5', 'top', 'x');
    expect(values).toMatchObject({ host: { host: 'jobs', port: 1 }, port: 2, timeoutMs: 5 });
    expect({ operands, problems }).toEqual({ operands: ['top', 'x'], problems: [] });
  });

  test('a long option may be cut short while it is unique', () => {
    expect(admin('--stat').values.status).toBe(true);
    expect(admin('--create=f').values.createFunction).toBe('f');
    expect(admin('--server-ver').problems).toEqual([
      'option --server-ver is ambiguous: --server-verbose, --server-version',
    ]);
  });

  test('an option is not cut short behind --, where there are no options', () => {
    expect(admin('--', '--stat').operands).toEqual(['--stat']);
  });

  test.each([
    [['--nope'], 'unknown option "--nope"'],
    [['-x'], 'unknown option "-x"'],
    [['--status=1'], 'option --status takes no value'],
    [['--status', '--status'], 'option --status: given more than once'],
    [
      ['--count', 'x'],
      'option --count: "x" is not allowed, allowed is 0 to 2147483647, 0 = no end',
    ],
    [
      ['-h', 'a,b'],
      'option -h, --host: "a,b" is not allowed, allowed is HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH',
    ],
    [
      ['--interval', '0.01'],
      'option --interval: "0.01" is not allowed, allowed is 0.1 to 86400 seconds',
    ],
    [
      ['--port'],
      'option --port: argument missing, allowed is 1 to 65535 or the name of a tcp service in /etc/services',
    ],
    [['--worker5'], 'unknown option "--worker5", did you mean --workers?'],
  ])('%j is refused', (argv, problem) => {
    expect(admin(...argv).problems).toEqual([problem]);
  });
});

describe('operations about policies and dead jobs', () => {
  const requestOf = (name: string, value: string) =>
    OPERATIONS.find(({ option }) => option.name === name)?.request(value);

  test.each([
    ['pause', 'mail', 'pause mail', false],
    ['pause', 'mail=600', 'pause mail 600', false],
    ['pause', 'größe 1', 'pause gr%C3%B6%C3%9Fe%201', false],
    ['resume', 'a%20b', 'resume a%20b', false],
    ['drain', 'a%2fb', 'drain a%2Fb', false],
    ['policy', 'mail', 'policy mail', true],
    ['policy', 'a%3Db', 'policy a%3Db', true],
    ['policy', 'mail=concurrency:5,rate:100/s', 'policy mail concurrency:5,rate:100/s', false],
    ['policy', 'mail=reset', 'policy mail reset', false],
    ['policies', 'true', 'policy', true],
    ['dead', 'mail', 'dead mail', true],
    ['dead', 'größe=5', 'dead gr%C3%B6%C3%9Fe 5', true],
    ['kick', 'mail', 'kick function mail 10000000', false],
    ['kick', 'a%3Db=10000000', 'kick function a%3Db 10000000', false],
    ['kick-job', 'H:a:1', 'kick job H:a:1', false],
    ['bury', 'H:a:1', 'bury job H:a:1', false],
    ['show-job', 'H:a:1', 'show job H:a:1', true],
  ])('--%s %s sends %j', (name, value, command, isListing) => {
    expect(requestOf(name, value)).toEqual({ command, isListing });
    if (value !== 'true') expect(admin(`--${name}`, value).problems).toEqual([]);
  });

  test.each([
    ['pause', ''],
    ['pause', '=60'],
    ['pause', 'mail=0'],
    ['pause', 'mail=1.5'],
    ['pause', 'mail=2592001'],
    ['pause', 'a%zz'],
    ['resume', 'mail=1'],
    ['drain', 'a%00'],
    ['policy', 'mail='],
    ['dead', 'mail=0'],
    ['dead', 'mail=-'],
    ['kick', 'mail='],
    ['kick', 'mail=10000001'],
    ['kick-job', 'H:1 H:2'],
    ['bury', ''],
    ['show-job', 'H:1\nshutdown'],
    ['policy', 'mail=rate:1/s pause'],
    ['policy', 'mail=rate:1/s\npause'],
  ])('--%s refuses %j', (name, value) => {
    const [problem, ...others] = admin(`--${name}`, value).problems;
    expect(problem).toContain(`option --${name}: ${JSON.stringify(value)} is not allowed`);
    expect(others).toEqual([]);
  });

  test('come in an order in which a listing shows the change', () => {
    const names = OPERATIONS.map(({ option }) => option.name);
    const at = (name: string) => names.indexOf(name);
    for (const name of ['pause', 'resume', 'drain', 'policy'])
      expect(at('policies')).toBeGreaterThan(at(name));
    for (const name of ['kick', 'kick-job', 'bury']) expect(at('dead')).toBeGreaterThan(at(name));
  });
});

test('an option of ours does not make an abbreviation of the C tool ambiguous', () => {
  expect([...readToolWords(['--st'], GEARADMIN).given]).toEqual(['status']);
  expect([...readToolWords(['--sto'], GEARADMIN).given]).toEqual(['store']);
  expect([...readToolWords(['--dr=f'], GEARADMIN).given]).toEqual(['dropFunction']);
  expect([...readToolWords(['--show-j'], GEARADMIN).given]).toEqual(['showJobs']);
  expect(readToolWords(['--s'], GEARADMIN).problems[0]).toContain('ambiguous');
});

test('servers are read as lists', () => {
  expect(serverList.readText('a,b:1, [::1]:2,unix:/s')).toEqual([
    { host: 'a', port: null },
    { host: 'b', port: 1 },
    { host: '::1', port: 2 },
    { path: '/s' },
  ]);
  expect(serverList.readText('a,')).toBeUndefined();
  expect(serverList.readText('a:x y')).toBeUndefined();
});

test('seconds have at most three digits behind the point', () => {
  const type = seconds({ minMs: 100, maxMs: 5000 });
  expect(['0.1', '1', '2.345', '5'].map(type.readText)).toEqual([100, 1000, 2345, 5000]);
  expect(['0', '5.001', '-1', '1e1', '1.2345', ''].map(type.readText)).toEqual(
    Array(6).fill(undefined),
  );
});

describe('TLS settings', () => {
  const values = { ssl: false, tlsCa: null, tlsCert: null, tlsKey: null, tlsInsecure: false };

  test('are null unless TLS is wanted, also when the environment names files', () => {
    expect(tlsSettings(values, { GEARMAND_CA_CERTIFICATE: '/no/such/file' })).toBeNull();
  });

  test('verify the server unless told otherwise', () => {
    expect(tlsSettings({ ...values, ssl: true }, {})).toEqual({ rejectUnauthorized: true });
    expect(tlsSettings({ ...values, tlsInsecure: true }, {})).toEqual({
      rejectUnauthorized: false,
    });
  });

  test('name the option or variable of a file that cannot be read', () => {
    expect(() => tlsSettings({ ...values, tlsKey: '/no/file' }, {})).toThrow(
      'option --tls-key: read /no/file: there is no such file or folder (ENOENT)',
    );
    const env = { GEARMAN_CLIENT_PEM: '/no/file' };
    expect(() => tlsSettings({ ...values, ssl: true }, env)).toThrow(
      'GEARMAN_CLIENT_PEM: read /no/file: there is no such file or folder (ENOENT)',
    );
  });
});

describe('the reason of a failure', () => {
  test('is words and code', () => {
    expect(reasonOf(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBe(
      'no job server listens there (ECONNREFUSED)',
    );
    expect(reasonOf(new Error('odd'))).toBe('odd');
  });

  test('is the first of several', () => {
    const first = Object.assign(new Error('x'), { code: 'ENOENT' });
    expect(reasonOf(new AggregateError([first, new Error('y')]))).toBe(
      'there is no such socket (ENOENT)',
    );
  });
});

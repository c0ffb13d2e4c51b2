/** Every row of the options table: default, values that are taken, values that are refused and how. */
import { describe, expect, test } from 'vitest';
import { OPTIONS } from '../../../src/cli/gearmand-options.ts';
import { readSettings } from '../../../src/cli/settings.ts';
import { OptionError } from '../../../src/option/error.ts';
import type { OptionRow, OptionValues } from '../../../src/option/row.ts';
import type { ProgramType } from '../../../src/option/types.ts';
import { renderOptionsTable } from '../../../src/packaging/option-tables.ts';
import { resolveOptions } from '../../../src/server/options.ts';

/** [key, default, words and their values, words that are refused]; null for a flag without a word. */
type Case = readonly [string, unknown, readonly (readonly [string | null, unknown])[], string[]];

const MIB = 1024 ** 2;
/** Keys of options that a program gives as an object with a member for each function. */
const PLURALS: Readonly<Record<string, string>> = { policy: 'policies', alias: 'aliases' };
const FLAG = [[null, true]] as const;

const cases: readonly Case[] = [
  [
    'port',
    4730,
    [
      ['0', 0],
      ['65535', 65535],
    ],
    ['65536', '-1', 'x!', 'nosuchservice', '1.5'],
  ],
  [
    'listen',
    [],
    [['localhost', [{ host: 'localhost', port: null }]]],
    ['', 'a:b:c', 'unix:relative', '[localhost]'],
  ],
  [
    'backlog',
    4096,
    [
      ['1', 1],
      ['2147483647', 2147483647],
    ],
    ['0', '-1', 'many', '2147483648'],
  ],
  [
    'socketMode',
    0o660,
    [
      ['0600', 0o600],
      ['777', 0o777],
    ],
    ['888', '1777', '66', 'rw'],
  ],
  ['keepalive', true, FLAG, []],
  [
    'keepaliveIdle',
    120,
    [
      ['-1', -1],
      ['32767', 32767],
    ],
    ['0', '32768', '-2'],
  ],
  [
    'keepaliveInterval',
    30,
    [
      ['-1', -1],
      ['1', 1],
    ],
    ['0', '32768'],
  ],
  [
    'keepaliveCount',
    4,
    [
      ['-1', -1],
      ['127', 127],
    ],
    ['0', '128'],
  ],
  [
    'adminFrom',
    ['any'],
    [
      ['loopback', ['loopback']],
      ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    ],
    ['any,loopback', 'host', '10.0.0.0/33', '1.2.3.4/8/8'],
  ],
  [
    'threads',
    'auto',
    [
      ['auto', 'auto'],
      ['0', 0],
      ['30', 30],
    ],
    ['31', '-1', 'all'],
  ],
  ['exceptions', false, FLAG, []],
  [
    'jobRetries',
    -1,
    [
      ['-1', -1],
      ['0', 0],
      ['255', 255],
    ],
    ['-2', '256'],
  ],
  [
    'jobHandlePrefix',
    null,
    [
      ['H:me', 'H:me'],
      ['x'.repeat(28), 'x'.repeat(28)],
    ],
    ['', 'x'.repeat(29), 'a b', 'é'.repeat(15)],
  ],
  ['jobOrder', '2.0', [['1.1.20', '1.1.20']], ['1.1.19', '2']],
  ['roundRobin', false, FLAG, []],
  [
    'workerWakeup',
    0,
    [
      ['0', 0],
      ['65535', 65535],
    ],
    ['-1', '65536'],
  ],
  [
    'wakeupDelay',
    100,
    [
      ['1', 1],
      ['86400000', 86400000],
    ],
    ['0', '86400001'],
  ],
  [
    'drainTimeout',
    30,
    [
      ['0', 0],
      ['86400', 86400],
    ],
    ['-1', '86401'],
  ],
  [
    'warmUp',
    40,
    [
      ['0', 0],
      ['1000', 1000],
    ],
    ['-1', '1001'],
  ],
  [
    'native',
    'auto',
    [
      ['on', 'on'],
      ['off', 'off'],
    ],
    ['ON', '0'],
  ],
  [
    'maxConnections',
    0,
    [
      ['0', 0],
      ['2147483647', 2147483647],
    ],
    ['-1'],
  ],
  [
    'maxPacketSize',
    256 * MIB,
    [
      ['8K', 8192],
      ['2047M', 2047 * MIB],
      ['9000', 9000],
    ],
    ['2048M', '8191', '1T', '2G', '1.5M'],
  ],
  [
    'outputLimit',
    64 * MIB,
    [
      ['64K', 65536],
      ['1g', 1024 * MIB],
    ],
    ['65535', '2G', '0'],
  ],
  [
    'maxMemory',
    0,
    [
      ['0', 0],
      ['1M', MIB],
      ['100G', 100 * 1024 * MIB],
    ],
    ['1023K', '-1'],
  ],
  ['maxFunctions', 1_000_000, [['1', 1]], ['0']],
  [
    'deadMemory',
    256 * MIB,
    [
      ['0', 0],
      ['64K', 65_536],
      ['1024G', 1024 * 1024 * MIB],
    ],
    ['63K', '1025G', '-1'],
  ],
  ['daemon', false, FLAG, []],
  ['pidFile', null, [['/run/x.pid', '/run/x.pid']], ['']],
  ['user', null, [['nobody', 'nobody']], ['']],
  [
    'fileDescriptors',
    0,
    [
      ['0', 0],
      ['1024', 1024],
    ],
    ['-1', 'all'],
  ],
  ['configFile', '/etc/gearmand.conf', [], ['']],
  ['checkArgs', false, FLAG, []],
  ['help', false, FLAG, []],
  ['version', false, FLAG, []],
  [
    'logFile',
    null,
    [
      ['stderr', 'stderr'],
      ['none', 'none'],
    ],
    [''],
  ],
  [
    'verbose',
    'WARNING',
    [
      ['FATAL', 'FATAL'],
      ['ALERT', 'ALERT'],
      ['CRITICAL', 'CRITICAL'],
      ['WARNING', 'WARNING'],
      ['NOTICE', 'NOTICE'],
      ['INFO', 'INFO'],
      ['DEBUG', 'DEBUG'],
    ],
    ['info', 'TRACE', '6'],
  ],
  ['syslog', false, FLAG, []],
  [
    'slowTurnMs',
    100,
    [
      ['0', 0],
      ['1', 1],
    ],
    ['-1', 'never'],
  ],
  [
    'idleQueueWarning',
    60,
    [
      ['0', 0],
      ['86400', 86400],
    ],
    ['86401', '-1'],
  ],
  ['protocol', null, [['http', 'http']], ['HTTP', 'ftp']],
  ['httpPort', 8080, [['80', 80]], ['65536']],
  [
    'httpTimeout',
    0,
    [
      ['0', 0],
      ['86400', 86400],
    ],
    ['-1', '86401', '1.5'],
  ],
  ['httpStatus', 'http', [['gearmand', 'gearmand']], ['', 'HTTP']],
  ['ssl', false, [], []],
  ['sslCaFile', null, [['ca.pem', 'ca.pem']], ['']],
  ['sslCertificate', '/etc/ssl/certs/gearmand.pem', [['c.pem', 'c.pem']], ['']],
  ['sslKey', '/etc/ssl/certs/gearmand.key', [['k.pem', 'k.pem']], ['']],
  [
    'allow',
    [],
    [['any=submit:b*', ['any=submit:b*']]],
    ['', 'a=submit', 'any=all', 'token:=submit'],
  ],
  ['tokenFile', null, [['t', 't']], ['']],
  ['auditLog', null, [['a', 'a']], ['']],
  ['dashboard', 'on', [['off', 'off']], ['no']],
  ['tlsMinVersion', '1.2', [['1.3', '1.3']], ['', '1.1', 'TLSv1.3']],
  ['tlsClientCa', null, [['ca.pem', 'ca.pem']], ['']],
  ['tlsClientAuth', 'required', [['optional', 'optional']], ['', 'none']],
  ['maxConnectionsPerAddress', 0, [['3', 3]], ['-1', 'x', '2147483648']],
  ['maxPacketRate', 0, [['1000', 1000]], ['-1', '1.5']],
  [
    'maxByteRate',
    0,
    [
      ['1K', 1024],
      ['10M', 10 * MIB],
    ],
    ['1023', '-1'],
  ],
  [
    'tcpUserTimeout',
    240,
    [
      ['0', 0],
      ['86400', 86400],
    ],
    ['-1', '86401'],
  ],
  [
    'handshakeTimeout',
    10,
    [
      ['1', 1],
      ['3600', 3600],
    ],
    ['0', '3601', '1.5'],
  ],
  [
    'maxHandshakes',
    1000,
    [
      ['1', 1],
      ['1000000', 1000000],
    ],
    ['0', '1000001', '-1'],
  ],
  ['stateDir', null, [['/var/lib/x', '/var/lib/x']], ['']],
  [
    'durability',
    'synced',
    [
      ['synced', 'synced'],
      ['relaxed', 'relaxed'],
    ],
    ['', 'Synced', 'always'],
  ],
  [
    'flushInterval',
    100,
    [
      ['1', 1],
      ['60000', 60_000],
    ],
    ['0', '60001', '1.5', ''],
  ],
  [
    'queueType',
    'builtin',
    [
      ['builtin', 'builtin'],
      ['BuiltIn', 'builtin'],
      ['Journal', 'journal'],
      ['POSTGRES', 'postgres'],
      ['MySQL', 'mysql'],
      ['Redis', 'redis'],
    ],
    ['nope', 'libtokyocabinet', 'libdrizzle'],
  ],
  ['libsqlite3Db', null, [['f', 'f']], ['']],
  ['libsqlite3Table', 'gearman_queue', [['t', 't']], ['']],
  ['storeQueueOnShutdown', false, FLAG, []],
  ['storeWait', false, FLAG, []],
  ['mysqlHost', 'localhost', [['h', 'h']], ['']],
  ['mysqlPort', 3306, [['3307', 3307]], ['-1']],
  ['mysqlUser', null, [['u', 'u']], ['']],
  ['mysqlPassword', null, [['p', 'p']], ['']],
  ['mysqlDb', null, [['d', 'd']], ['']],
  ['mysqlTable', 'gearman_queue', [['t', 't']], ['']],
  ['libpqConninfo', null, [['dbname=x', 'dbname=x']], ['']],
  ['libpqTable', 'queue', [['t', 't']], ['']],
  ['redisServer', '127.0.0.1', [['h', 'h']], ['']],
  ['redisPort', 6379, [['6380', 6380]], ['70000']],
  ['redisPassword', null, [['p', 'p']], ['']],
  ['redisPrefix', '_gear_', [['p', 'p']], ['']],
  ['libmemcachedServers', null, [['a,b', 'a,b']], ['']],
  ['libmemcachedPrefix', 'gear_', [['p', 'p']], ['']],
  [
    'export',
    null,
    [
      ['f', 'f'],
      ['-', '-'],
    ],
    [''],
  ],
  [
    'import',
    null,
    [
      ['f', 'f'],
      ['-', '-'],
    ],
    [''],
  ],
  ['libtokyocabinetFile', null, [['f', 'f']], ['']],
  ['libtokyocabinetOptimize', true, FLAG, []],
  [
    'control',
    null,
    [
      ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
      ['[::1]:9090', { host: '::1', port: 9090 }],
      ['localhost:65535', { host: 'localhost', port: 65535 }],
      ['tls://[::1]:1', { host: '::1', port: 1, isSecure: true }],
    ],
    ['', '9090', 'localhost', '[localhost]:1', '::1:9090', 'localhost:65536', 'a:b:c'],
  ],
  ['checkConfig', false, FLAG, []],
  [
    'durabilityOf',
    [],
    [
      ['f=relaxed', ['f=relaxed']],
      ['a=b=synced', ['a=b=synced']],
    ],
    ['f', '=synced', 'f=soon', 'f=relaxed '],
  ],
  // What these two refuse: test/unit/policy/rule.test.ts.
  ['policies', [], [['f=concurrency:5,rate:10/s', ['f=concurrency:5,rate:10/s']]], []],
  [
    'aliases',
    [],
    [
      ['a=f', ['a=f']],
      ['a=f{priority:low}', ['a=f{priority:low}']],
    ],
    [],
  ],
  [
    'logFormat',
    'auto',
    [
      ['json', 'json'],
      ['gearmand', 'gearmand'],
    ],
    ['', 'JSON', 'xml'],
  ],
  ['controlTokenFile', null, [['f', 'f']], ['']],
  [
    'metricsFunctions',
    200,
    [
      ['0', 0],
      ['100000', 100000],
    ],
    ['-1', '100001', 'all'],
  ],
  [
    'hashtableBuckets',
    991,
    [
      ['1', 1],
      ['1000003', 1000003],
    ],
    ['0', '-5'],
  ],
  ['coredump', false, FLAG, []],
];

const noFile = (): string => {
  throw Object.assign(new Error('no file'), { code: 'ENOENT' });
};
const settings = (...argv: string[]) => readSettings(argv, {}, noFile);
const valueFor = (key: string, ...argv: string[]) =>
  (settings(...argv).values as OptionValues)[key];

function problemsOf(...argv: string[]): readonly string[] {
  try {
    settings(...argv);
  } catch (error) {
    if (error instanceof OptionError) return error.problems;
    throw error;
  }
  return [];
}

test('every row has its case here', () => {
  expect(cases.map(([key]) => key).sort()).toEqual(OPTIONS.map((row) => row.key).sort());
});

describe.each(cases)('%s', (key, defaultValue, taken, refused) => {
  const row = OPTIONS.find((each) => each.key === key) as OptionRow;
  const forms = (word: string | null): string[][] => {
    if (word === null)
      return row.short ? [[`--${row.name}`], [`-${row.short}`]] : [[`--${row.name}`]];
    const long = [[`--${row.name}`, word], [`--${row.name}=${word}`]];
    return row.short ? [...long, [`-${row.short}`, word], [`-${row.short}${word}`]] : long;
  };

  test('has its key from its name', () => {
    const name = PLURALS[row.name] ?? row.name;
    expect(row.key).toBe(name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()));
  });

  test('has its default when it is not given', () => {
    expect(valueFor(key)).toEqual(defaultValue);
  });

  for (const [word, value] of taken) {
    for (const argv of forms(word)) {
      test(`takes ${argv.join(' ')}`, () => {
        expect(valueFor(key, ...argv)).toEqual(value);
      });
    }
  }

  for (const word of refused) {
    test(`refuses ${JSON.stringify(word)} and names option, value and origin`, () => {
      const problems = problemsOf(`--${row.name}`, word);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(`--${row.name}`);
      expect(problems[0]).toContain(word);
      expect(problems[0]).toContain('(command line)');
    });
  }
});

describe('the table', () => {
  const once = (names: (string | undefined)[]): void => {
    const given = names.filter((name) => name !== undefined);
    expect(new Set(given).size).toBe(given.length);
  };

  test('uses each name, key and letter once', () => {
    once(OPTIONS.map((row) => row.name));
    once(OPTIONS.map((row) => row.key));
    once(OPTIONS.map((row) => row.short));
  });

  test('has defaults that its own types allow', () => {
    for (const row of OPTIONS) {
      if (row.key === 'listen') continue;
      const type = row.type as ProgramType<unknown>;
      expect(type.accept(row.defaultValue), row.name).toEqual(row.defaultValue);
    }
  });

  test('is rendered for docs/options.md with one line for each option that is not hidden', () => {
    const table = renderOptionsTable();
    for (const row of OPTIONS) {
      const lines = table.match(new RegExp(`^\\| \`(-\\w, )?--${row.name}[ \`]`, 'gm')) ?? [];
      expect(lines, row.name).toHaveLength(row.isHidden === true ? 0 : 1);
    }
    expect(table).toContain('any\\|loopback\\|list');
    expect(table.endsWith('\n')).toBe(true);
  });

  test('says in docs/options.md what has no effect', () => {
    expect(renderOptionsTable()).toContain('(no effect, tables grow and shrink');
  });
});

test('persistent queues that are not served are refused with the reason', () => {
  expect(problemsOf('-q', 'libtokyocabinet')[0]).toMatch(/use journal.* or libsqlite3/);
  expect(problemsOf('-q', 'libdrizzle')[0]).toMatch(/use mysql/);
});

test('a database is refused without what it needs', () => {
  expect(problemsOf('-q', 'libsqlite3')).toEqual([
    'option --queue-type: libsqlite3 needs --libsqlite3-db',
  ]);
  expect(problemsOf('-q', 'libsqlite3', '--libsqlite3-db=f')).toEqual([]);
  expect(problemsOf('-q', 'libmemcached')).toEqual([
    'option --queue-type: libmemcached needs --libmemcached-servers',
  ]);
});

describe('TLS', () => {
  test('is asked for by --ssl, or by address', () => {
    const isSecure = (...argv: string[]) =>
      resolveOptions(settings(...argv).server).listen.map(
        (target) => 'host' in target && target.isSecure === true,
      );
    const three = ['-L', 'a', '-L', 'tcp://b:1', '-L', 'tls://[::1]:2', '-L', 'unix:/s'];
    expect(isSecure('--ssl', ...three)).toEqual([true, false, true, false]);
    expect(isSecure(...three)).toEqual([false, false, true, false]);
  });

  test.each([
    ['GEARMAND_SERVER_PEM', 'sslCertificate', '--ssl-certificate=a.pem'],
    ['GEARMAND_SERVER_KEY', 'sslKey', '--ssl-key=a.pem'],
    ['GEARMAND_CA_CERTIFICATE', 'sslCaFile', '--ssl-ca-file=a.pem'],
  ])('%s wins over the option, as with gearmand', (variable, key, word) => {
    const { values, origins } = readSettings(['--ssl', word], { [variable]: '/e.pem' }, noFile);
    expect(values).toMatchObject({ [key]: '/e.pem' });
    expect(origins.get(key)).toBe(variable);
  });

  test('options say when no address uses it', () => {
    const texts = (...argv: string[]) => settings(...argv).notes.map((note) => note.text);
    expect(texts('--tls-min-version=1.3')).toEqual([
      '--tls-min-version has no effect without --ssl or tls:// before an address',
    ]);
    expect(texts('--tls-min-version=1.3', '-L', 'tls://127.0.0.1')).toEqual([]);
  });
});

describe('values that do not go together', () => {
  test('options of HTTP say when there is no HTTP', () => {
    const texts = (...argv: string[]) => settings(...argv).notes.map((note) => note.text);
    expect(texts('--http-timeout=5')).toEqual([
      '--http-timeout has no effect without --protocol http',
    ]);
    expect(texts('--http-timeout=5', '-r', 'http')).toEqual([]);
  });

  test('a control port that strangers reach needs a token', () => {
    const open = ['--control=0.0.0.0:9090'];
    expect(problemsOf(...open)).toEqual([
      'option --control: 0.0.0.0 can be reached from other machines, so it needs --control-token-file, or tls:// and --tls-client-ca',
    ]);
    const secure = ['--control=tls://0.0.0.0:9090', '--ssl-certificate=c', '--ssl-key=k'];
    expect(problemsOf(...secure)).toHaveLength(1);
    expect(problemsOf(...secure, '--tls-client-ca=ca')).toEqual([]);
    expect(problemsOf(...open, '--tls-client-ca=ca')).toHaveLength(1);
    expect(problemsOf(...open, '--control-token-file=f')).toEqual([]);
    expect(problemsOf('--control=localhost:1')).toEqual([]);
    expect(problemsOf('--control=[::1]:1')).toEqual([]);
  });
});

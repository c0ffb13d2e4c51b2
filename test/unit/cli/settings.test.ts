/** Command line, config file and environment: what is read, who wins, what is refused. */
import { describe, expect, test } from 'vitest';
import { LogLevel } from '../../../src/base/logger.ts';
import { splitWords } from '../../../src/cli/config-file.ts';
import { OPTIONS } from '../../../src/cli/gearmand-options.ts';
import { variableOf } from '../../../src/cli/read-variables.ts';
import { readSettings, type Settings } from '../../../src/cli/settings.ts';
import { settingsText } from '../../../src/cli/settings-text.ts';
import { OptionError } from '../../../src/option/error.ts';
import { resolveOptions } from '../../../src/server/options.ts';

const DEFAULT_FILE = '/etc/gearmand.conf';

interface Given {
  readonly argv?: readonly string[];
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

function read({ argv = [], env = {}, files = {} }: Given): Settings {
  return readSettings(argv, env, (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return text;
  });
}

function problems(given: Given): readonly string[] {
  try {
    read(given);
  } catch (error) {
    if (error instanceof OptionError) return error.problems;
    throw error;
  }
  return [];
}

const texts = (settings: Settings): string[] => settings.notes.map((note) => note.text);

describe('command line', () => {
  test('short options are joined with each other and with their value', () => {
    const { values } = read({ argv: ['-dR', '-p4731', '-t', '2'] });
    expect(values).toMatchObject({ daemon: true, roundRobin: true, port: 4731, threads: 2 });
  });

  test('a value may begin with a dash', () => {
    expect(read({ argv: ['-j', '-1'] }).values.jobRetries).toBe(-1);
  });

  test('long options are not shortened', () => {
    expect(problems({ argv: ['--por', '1'] })[0]).toBe(
      'unknown option "--por" (command line), did you mean --port?',
    );
  });

  test('there is no -v', () => {
    expect(problems({ argv: ['-v'] })).toEqual(['unknown option "-v" (command line)']);
  });

  test('a repeated option is refused, also in another spelling', () => {
    expect(problems({ argv: ['-p', '1', '--port=2'] })).toEqual([
      'option --port: given more than once (command line)',
    ]);
    expect(problems({ argv: ['-d', '-d'] })).toHaveLength(1);
  });

  test('--listen may be repeated', () => {
    const { server } = read({ argv: ['-L', '127.0.0.1', '--listen', '[::1]:5', '-Lunix:/x'] });
    expect(resolveOptions(server).listen).toEqual([
      { host: '127.0.0.1', port: 4730 },
      { host: '::1', port: 5 },
      { path: '/x' },
    ]);
  });

  test('a stray word is refused', () => {
    expect(problems({ argv: ['start'] })).toEqual(['stray word "start" (command line)']);
  });

  test('words behind -- are stray words', () => {
    expect(problems({ argv: ['--', '-p'] })).toEqual(['stray word "-p" (command line)']);
  });

  test('a missing value is named', () => {
    expect(problems({ argv: ['--port'] })[0]).toMatch(
      /^option --port: argument missing \(command line\), allowed is 0 to 65535/,
    );
  });

  test('a flag takes no value', () => {
    expect(problems({ argv: ['--daemon=yes'] })).toEqual([
      'option --daemon: takes no value (command line)',
    ]);
  });

  test('the word after an unknown option is taken for its value', () => {
    expect(problems({ argv: ['--prot', '1', 'x'] })).toEqual([
      'unknown option "--prot" (command line), did you mean --port?',
      'stray word "x" (command line)',
    ]);
  });

  test('all problems are told at once', () => {
    expect(problems({ argv: ['stray', '-p', 'x!', '-b', '0', '--nope'] })).toHaveLength(4);
  });

  test('the values are options of a server', () => {
    const { server } = read({
      argv: ['-t', 'auto', '--max-memory', '1G', '--admin-from', 'loopback'],
    });
    expect(resolveOptions(server)).toMatchObject({ maxMemory: 2 ** 30, adminFrom: ['loopback'] });
  });
});

describe('numbers', () => {
  test.each([
    [['-p', ' 4731'], { port: 4731 }],
    [['-p', '+4731'], { port: 4731 }],
    [['-p', '04731'], { port: 4731 }],
    [['-p 4731'], { port: 4731 }],
    [['-t', '+2', '-b', '+5', '-j', '01'], { threads: 2, backlog: 5, jobRetries: 1 }],
  ])('%j are read as gearmand reads them', (argv, values) => {
    expect(read({ argv }).values).toMatchObject(values);
  });

  test.each([
    [['-p', '4731 ']],
    [['-p', '47x']],
    [['-p', '65536']],
    [['-t', ' 2']],
    [['-b', ' 5']],
  ])('%j are refused, as gearmand does', (argv) => {
    expect(problems({ argv })).toHaveLength(1);
  });

  test('an option in one word with the servers of memcached is ignored, which is said', () => {
    const argv = [
      ...['-q', 'libmemcached'],
      '--libmemcached-servers=localhost:11211 --libmemcached-prefix=x',
    ];
    const { notes, values } = read({ argv });
    expect(values.libmemcachedPrefix).toBe('gear_');
    expect(notes).toEqual([
      {
        level: LogLevel.WARNING,
        text: '--libmemcached-servers: "--libmemcached-prefix=x" is ignored, it is in one word with the servers; options are words of their own',
      },
    ]);
  });
});

describe('actions', () => {
  test.each([
    ['-h', 'help'],
    ['--help', 'help'],
    ['-V', 'version'],
    ['--version', 'version'],
    ['--check-args', 'check'],
  ])('%s means %s', (word, action) => {
    expect(read({ argv: [word] }).action).toBe(action);
  });

  test('help and version do not need the config file', () => {
    expect(read({ argv: ['-h', '--config-file', '/missing'] }).action).toBe('help');
  });

  test('help and version inside the config file act too', () => {
    expect(read({ files: { [DEFAULT_FILE]: '--version' } }).action).toBe('version');
  });

  test('words beside --help are its own, elsewhere they are a mistake', () => {
    expect(read({ argv: ['--help', 'tls', 'min'] }).words).toEqual(['tls', 'min']);
    expect(() => read({ argv: ['tls'] })).toThrow('stray word "tls" (command line)');
  });
});

describe('config file', () => {
  const plain = (text: string): string[] => splitWords(text).words.map((word) => word.text);

  test('words stand between blanks, tabs, LF and CR, with their place', () => {
    expect(plain('-p 1\r\n--daemon\n\n -b\t2 ')).toEqual(['-p', '1', '--daemon', '-b', '2']);
    expect(splitWords('\uFEFF-p 1\r\n\t --x').words.at(-1)).toEqual({
      text: '--x',
      line: 2,
      column: 3,
    });
  });

  test('a line that begins with # is a comment, a # elsewhere is a character', () => {
    expect(plain("# -p 1\n \t#-p 2\n--token-file a#b\r# '\n-d")).toEqual([
      '--token-file',
      'a#b',
      '-d',
    ]);
  });

  test('a byte order mark is skipped', () => {
    expect(read({ files: { [DEFAULT_FILE]: '\uFEFF--backlog=5' } }).values.backlog).toBe(5);
  });

  test.each([
    ['--log-file "a b.log"', 'a b.log'],
    [`--log-file 'a "b.log'`, 'a "b.log'],
    ['--log-file="a b.log"', 'a b.log'],
    ['--log-file="a \\"b\\" \\\\ \\n"', 'a "b" \\ \\n'],
    [`--log-file=it's`, `it's`],
    ['--log-file=a"b"', 'a"b"'],
    ['--log-file C:\\x', 'C:\\x'],
  ])('quotes hold a value together: %s', (text, value) => {
    expect(read({ files: { [DEFAULT_FILE]: text } }).values.logFile).toBe(value);
  });

  test.each([
    ['-d\n--log-file "a b.log', 'line 2, column 12'],
    [`--log-file='a b`, 'line 1, column 1'],
    ['--log-file "a"b', 'line 1, column 12'],
  ])('a quote that is not closed is refused: %j', (text, place) => {
    expect(problems({ files: { [DEFAULT_FILE]: text } })).toContainEqual(
      expect.stringMatching(new RegExp(`^the quote ["'] is not closed .*${place}\\)$`)),
    );
  });

  test('its options are used', () => {
    const files = { [DEFAULT_FILE]: '--port=4731\n-L localhost\n-t 3' };
    expect(read({ files }).values).toMatchObject({ port: 4731, threads: 3 });
  });

  test('words without a dash are refused with place and guess, the first of each line', () => {
    const files = {
      [DEFAULT_FILE]: '# port\nport=4731\n -d\tlisten = x\n-p 5 5\nxyzzy\n--port=1 # why',
    };
    expect(problems({ files })).toEqual([
      'option --port: given more than once (/etc/gearmand.conf)',
      'stray word "port=4731" (/etc/gearmand.conf, line 2, column 1), did you mean --port=4731?',
      'stray word "listen" (/etc/gearmand.conf, line 3, column 5), did you mean --listen?',
      'stray word "5" (/etc/gearmand.conf, line 4, column 6)',
      'stray word "xyzzy" (/etc/gearmand.conf, line 5, column 1)',
      'stray word "#" (/etc/gearmand.conf, line 6, column 10)',
    ]);
  });

  test('a file of other bytes is refused, and not with thousands of sentences', () => {
    const bytes = Array.from({ length: 400 }, (_, i) => String.fromCharCode((i * 89) % 256));
    const found = problems({ files: { [DEFAULT_FILE]: bytes.join('') } });
    expect(found.length).toBeGreaterThan(0);
    const many = problems({ files: { [DEFAULT_FILE]: 'word\n'.repeat(5000) } });
    expect(many).toHaveLength(11);
    expect(many.at(-1)).toBe('stray words in 4990 further lines (/etc/gearmand.conf)');
  });

  test('the command line wins, also over lists', () => {
    const files = { [DEFAULT_FILE]: '-p 1 -b 7 -L a -L b' };
    const { values } = read({ files, argv: ['-p', '2', '-L', 'c'] });
    expect(values).toMatchObject({ port: 2, backlog: 7, listen: [{ host: 'c', port: null }] });
  });

  test('an option in both is no repeat, one twice in the file is', () => {
    expect(problems({ files: { f: '-p 1 -p 2' }, argv: ['--config-file', 'f'] })).toEqual([
      'option --port: given more than once (f)',
    ]);
  });

  test('a wrong value is refused with the name of the file, even when the command line wins', () => {
    const files = { [DEFAULT_FILE]: '-p many' };
    expect(problems({ files, argv: ['-p', '2'] })[0]).toContain(`"many" (${DEFAULT_FILE})`);
  });

  test('an unknown option is refused', () => {
    const files = { [DEFAULT_FILE]: '--colour red -b 5' };
    expect(problems({ files })).toEqual([
      `unknown option "--colour" (${DEFAULT_FILE}, line 1, column 1)`,
    ]);
    expect(problems({ files: { [DEFAULT_FILE]: '-d\n --prot=1' } })).toEqual([
      `unknown option "--prot=1" (${DEFAULT_FILE}, line 2, column 2), did you mean --port=1?`,
    ]);
  });

  test('a tab separates an option from its value', () => {
    expect(read({ files: { [DEFAULT_FILE]: '--backlog\t5' } }).values.backlog).toBe(5);
    expect(read({ files: { [DEFAULT_FILE]: '-b\t6' } }).values.backlog).toBe(6);
  });

  test('only the default file may be missing', () => {
    expect(read({}).action).toBe('run');
    expect(problems({ argv: ['--config-file', '/x/y'] })).toEqual([
      'option --config-file: read /x/y: there is no such file or folder (ENOENT)',
    ]);
    expect(problems({ argv: ['--config-file', DEFAULT_FILE] })).toHaveLength(1);
  });

  test('a file that cannot be read is a problem, also the default one', () => {
    const denied = (): string => {
      throw Object.assign(new Error('denied'), { code: 'EACCES' });
    };
    expect(() => readSettings([], {}, denied)).toThrow(
      'option --config-file: read /etc/gearmand.conf: not permitted (EACCES) for user ',
    );
  });

  test('a further config file in it is ignored with a warning', () => {
    const settings = read({ files: { [DEFAULT_FILE]: '--config-file other' } });
    expect(texts(settings)[0]).toContain('--config-file in /etc/gearmand.conf is ignored');
  });

  test('what this version refuses is refused from the file too', () => {
    expect(problems({ files: { [DEFAULT_FILE]: '-q libdrizzle' } })[0]).toContain(
      `libdrizzle (${DEFAULT_FILE})`,
    );
  });
});

describe('environment', () => {
  test.each([
    ['no option', [], 4999],
    ['-p 4730', ['-p', '4730'], 4999],
    ['another port', ['-p', '5000'], 5000],
  ])('GEARMAND_PORT with %s', (_name, argv, port) => {
    expect(read({ argv, env: { GEARMAND_PORT: '4999' } }).values.port).toBe(port);
  });

  test.each(['70000', '0', '-1', 'http', '47 30'])(
    'GEARMAND_PORT=%s is ignored with a warning',
    (text) => {
      const settings = read({ env: { GEARMAND_PORT: text } });
      expect(settings.values.port).toBe(4730);
      expect(texts(settings)).toEqual([
        `GEARMAND_PORT=${JSON.stringify(text)} (environment) is ignored, allowed is 1 to 65535`,
      ]);
    },
  );

  test('nothing is said about GEARMAND_PORT when another port was chosen, or when it is empty', () => {
    expect(texts(read({ argv: ['-p', '1'], env: { GEARMAND_PORT: 'tcp://x' } }))).toEqual([]);
    expect(texts(read({ env: { GEARMAND_PORT: '' } }))).toEqual([]);
  });

  test('an option from the environment does not count as given', () => {
    expect(read({ env: { GEARMAND_PORT: '1' } }).given.has('port')).toBe(false);
  });
});

describe('notes', () => {
  test('without options there are none', () => {
    expect(texts(read({}))).toEqual([]);
  });

  test.each([
    [['--hashtable-buckets', '5'], '--hashtable-buckets has no effect'],
    [['--coredump'], '--coredump has no effect'],
    [['--keepalive'], '--keepalive is always on'],
    [['-R'], '--round-robin is always on with --job-order 2.0'],
    [['-w', '0'], '--worker-wakeup 0 wakes one worker'],
    [['-t', '0'], '--threads 0 runs everything in one thread'],
    [['--mysql-host', 'h'], '--mysql-host has no effect without -q mysql'],
    [['--http-port', '1'], '--http-port has no effect without --protocol http'],
    [['--ssl-key', 'f'], '--ssl-key has no effect without --ssl'],
  ])('%j is explained', (argv, text) => {
    expect(texts(read({ argv }))).toEqual([expect.stringContaining(text)]);
  });

  test.each([[['-R', '--job-order', '1.1.20']], [['-w', '3']], [['-t', '1']]])(
    '%j needs no word',
    (argv) => {
      expect(texts(read({ argv }))).toEqual([]);
    },
  );
});

describe('variables', () => {
  test('every option has one, but for those of one call', () => {
    const without = OPTIONS.filter((row) => variableOf(row) === null).map((row) => row.name);
    expect(without.sort()).toEqual([
      'check-args',
      'check-config',
      'daemon',
      'export',
      'help',
      'import',
      'version',
    ]);
  });

  test('win over the config file and lose to the command line', () => {
    const given = {
      env: { GEARTRAIN_BACKLOG: '7', GEARTRAIN_MAX_MEMORY: '1G' },
      files: { [DEFAULT_FILE]: '--backlog=5 --wakeup-delay=9' },
    };
    expect(read(given).values).toMatchObject({ backlog: 7, maxMemory: 2 ** 30, wakeupDelay: 9 });
    expect(read({ ...given, argv: ['-b', '8'] }).values.backlog).toBe(8);
  });

  test('flags and lists are written as words', () => {
    const env = {
      GEARTRAIN_EXCEPTIONS: 'true',
      GEARTRAIN_KEEPALIVE: 'off',
      GEARTRAIN_LISTEN: '127.0.0.1,[::1]:5 unix:/x',
    };
    const { values } = read({ env });
    expect(values).toMatchObject({ exceptions: true, keepalive: false });
    expect(values.listen).toHaveLength(3);
  });

  test('the config file can be named', () => {
    const files = { '/my.conf': '--backlog=5' };
    expect(read({ env: { GEARTRAIN_CONFIG_FILE: '/my.conf' }, files }).values.backlog).toBe(5);
    expect(problems({ env: { GEARTRAIN_CONFIG_FILE: '/no.conf' } })[0]).toContain(
      '--config-file: read /no.conf: there is no such file',
    );
  });

  test('a wrong value is refused with the name of the variable', () => {
    expect(problems({ env: { GEARTRAIN_BACKLOG: '0', GEARTRAIN_EXCEPTIONS: 'maybe' } })).toEqual([
      'option --backlog: "0" (GEARTRAIN_BACKLOG) is not allowed, allowed is 1 to 2147483647',
      'option --exceptions: "maybe" (GEARTRAIN_EXCEPTIONS) is not allowed, allowed is true or false',
    ]);
  });

  test('an unknown one is said and ignored', () => {
    expect(texts(read({ env: { GEARTRAIN_BAKLOG: '5' } }))).toEqual([
      'GEARTRAIN_BAKLOG (environment) is ignored, there is no such option, did you mean GEARTRAIN_BACKLOG?',
    ]);
  });

  test('those that Kubernetes makes for a service of this name are left alone', () => {
    const env = {
      GEARTRAIN_PORT: 'tcp://10.0.0.1:4730',
      GEARTRAIN_PORT_4730_TCP_ADDR: '10.0.0.1',
      GEARTRAIN_SERVICE_HOST: '10.0.0.1',
      GEARTRAIN_SERVICE_PORT: '4730',
      GEARTRAIN_SERVICE_PORT_GEARMAN: '4730',
      GEARTRAIN_METRICS_SERVICE_HOST: '10.0.0.2',
      GEARTRAIN_METRICS_PORT: 'tcp://10.0.0.2:9090',
      GEARTRAIN_METRICS_PORT_9090_TCP_PORT: '9090',
      GEARMAND_PORT: 'tcp://10.0.0.3:4730',
    };
    const settings = read({ env });
    expect([settings.values.port, texts(settings)]).toEqual([4730, []]);
  });

  test('GEARTRAIN_NATIVE=0 and =1 keep their older meaning', () => {
    for (const text of ['0', '1'])
      expect(read({ env: { GEARTRAIN_NATIVE: text } }).values.native).toBe('auto');
    expect(read({ env: { GEARTRAIN_NATIVE: 'off' } }).values.native).toBe('off');
  });
});

describe('--check-config', () => {
  test('shows what was given and where, without secrets', () => {
    const settings = read({
      argv: ['--check-config', '-p', '4731'],
      env: { GEARTRAIN_MAX_MEMORY: '1G', GEARTRAIN_REDIS_PASSWORD: 'hidden' },
      files: { [DEFAULT_FILE]: '--exceptions' },
    });
    expect(settings.action).toBe('check');
    expect(settingsText(settings)).toBe(
      [
        'port = 4731 (command line)',
        'exceptions = on (/etc/gearmand.conf)',
        'max-memory = 1G (GEARTRAIN_MAX_MEMORY)',
        'redis-password = (secret) (GEARTRAIN_REDIS_PASSWORD)',
        'INFO --redis-password has no effect without -q redis',
        '',
      ].join('\n'),
    );
    expect(settingsText(read({}))).toBe('all options have their defaults\n');
    expect(settingsText(read({ env: { GEARTRAIN_MAX_MEMROY: '1G' } }))).toBe(
      [
        'all options have their defaults',
        'WARNING GEARTRAIN_MAX_MEMROY (environment) is ignored, there is no such option, did you mean GEARTRAIN_MAX_MEMORY?',
        '',
      ].join('\n'),
    );
  });
});

/** Options as distributions, OMD and container images hand them to gearmand, in words of a shell and in config files. */
import { expect, test } from 'vitest';
import { readSettings } from '../../../src/cli/settings.ts';

const DEFAULT_FILE = '/etc/gearmand.conf';

/** As `$PARAMS` without quotes becomes words in sh and in a unit of systemd. */
const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

function read(argv: readonly string[], file = '', env: NodeJS.ProcessEnv = {}) {
  const settings = readSettings(argv, env, () => file);
  return { values: settings.values, notes: settings.notes.map((note) => note.text) };
}

test('/etc/default/gearman-job-server of Debian, with unit and init script', () => {
  const params = '--listen=localhost --daemon --log-file=/var/log/gearman-job-server/gearmand.log';
  const unit = read(['--pid-file=/run/gearman/gearmand.pid', ...wordsOf(params)]);
  expect(unit.values).toMatchObject({
    daemon: true,
    pidFile: '/run/gearman/gearmand.pid',
    logFile: '/var/log/gearman-job-server/gearmand.log',
    listen: [{ host: 'localhost', port: null }],
  });
  const script = read(['--pid-file=/run/p', '--user=gearman', ...wordsOf(params)]);
  expect(script.values.user).toBe('gearman');
});

test.each([
  ['--log-file=/var/log/gearman.log --threads=16', { threads: 16 }],
  ['-L 127.0.0.1 -p 4730 -t 10 -R', { port: 4730, threads: 10, roundRobin: true }],
  ['-l /var/log/gearmand/gearmand.log', { logFile: '/var/log/gearmand/gearmand.log' }],
  [
    '-q MySQL --mysql-host=localhost --mysql-port=3306 --mysql-user=u --mysql-password=p --mysql-db=gearman --mysql-table=gearman_queue',
    { queueType: 'mysql', mysqlDb: 'gearman' },
  ],
])('OPTIONS of /etc/sysconfig/gearmand, also as a config file: %s', (options, values) => {
  expect(read(['-d', ...wordsOf(options)]).values).toMatchObject(values);
  expect(read(['-d'], options).values).toMatchObject(values);
});

test('the start script of OMD', () => {
  const site = '/omd/sites/prod';
  const argv = wordsOf(`--port=4730 --pid-file=${site}/tmp/run/gearmand.pid --daemon --threads=5
    --log-file=${site}/var/log/gearman/gearmand.log --verbose=ERROR --listen=localhost`);
  const { values, notes } = read(argv);
  expect(values).toMatchObject({ port: 4730, threads: 5, verbose: 'ERROR' });
  expect(notes).toEqual([]);
});

test('the config file that container images write at their start', () => {
  const file = [
    ...['--listen=0.0.0.0', '--log-file=stderr', '--verbose=INFO', '--queue-type=mysql'],
    ...['--threads=4', '--backlog=32', '--job-retries=0', '--worker-wakeup=0'],
    ...['--file-descriptors=1024', '--round-robin', '--keepalive', '--keepalive-idle=30'],
    ...['--keepalive-interval=10', '--keepalive-count=5', '--mysql-host=db', '--mysql-port=3306'],
    ...['--mysql-user=root', "--mysql-password=it's#1", '--mysql-db=Gearmand'],
    '--mysql-table=gearman_queue',
  ].join('\n');
  const { values } = read([], `${file}\n`, { GEARMAND_PORT: '4731' });
  expect(values).toMatchObject({
    ...{ port: 4731, queueType: 'mysql', jobRetries: 0, keepaliveCount: 5 },
    mysqlPassword: "it's#1",
  });
});

test('a config file may hold comments above its options', () => {
  const file = '# Options of gearmand\n#\n--listen=127.0.0.1\n\t# --threads=2\n--backlog\t64\n';
  expect(read(['--config-file', DEFAULT_FILE], file).values).toMatchObject({ backlog: 64 });
});

/** `--user`: what root does before it gives up its rights, and what the user may do afterwards. Priorities in the journal. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onlyWhere } from '../../support/peers.ts';
import { ask, linesOf, runToEnd, scratch, startDaemon, useScratch } from './command.ts';

useScratch();

const asRoot = test.skipIf(!onlyWhere(process.geteuid?.() === 0, 'only root can use --user'));

const NOBODY = Number(/^nobody:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1]);

asRoot('the state directory is made by root and handed to the user', async () => {
  chmodSync(scratch(), 0o755);
  const folder = scratch('new', 'state');
  const argv = ['-u', 'nobody', '-q', 'journal', '--state-dir', folder];
  const first = await startDaemon(argv);
  expect(await ask('status', first.port)).toBe('.\n');
  expect([scratch('new'), folder].map((path) => statSync(path).uid)).toEqual([NOBODY, NOBODY]);
  first.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  const second = await startDaemon(argv);
  expect(await ask('status', second.port)).toBe('.\n');
});

asRoot('the default is the folder of root, not one below its home', async () => {
  chmodSync(scratch(), 0o755);
  mkdirSync(scratch('systemd'), { mode: 0o700 });
  const env = { STATE_DIRECTORY: scratch('systemd'), HOME: '/root' };
  await startDaemon(['-u', 'nobody', '-q', 'journal'], { env });
  expect(statSync(scratch('systemd')).uid).toBe(NOBODY);
});

asRoot(
  'export and import by root leave the files to the owner of the state directory',
  async () => {
    chmodSync(scratch(), 0o755);
    const folder = scratch('state');
    const state = ['-q', 'journal', '--state-dir', folder];
    const first = await startDaemon(['-u', 'nobody', ...state]);
    first.kill('SIGTERM');
    await first.ended;
    const jobs = scratch('jobs');
    expect((await runToEnd([...state, '--export', jobs])).code).toBe(0);
    // Another number of threads: the import writes journals anew.
    writeFileSync(
      jobs,
      `${JSON.stringify({ function: 'f', unique: 'u', priority: 'normal', workload: 'eA==' })}\n`,
    );
    const imported = await runToEnd(['-t', '2', ...state, '--import', jobs]);
    expect([imported.code, imported.stderr]).toEqual([0, expect.stringContaining('import')]);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((name) => lstatSync(join(folder, name)).uid !== NOBODY)).toEqual([]);
    const second = await startDaemon(['-u', 'nobody', ...state, '-t', '2']);
    expect(await ask('status', second.port)).toBe('f\t1\t0\t0\n.\n');
  },
);

asRoot("a folder with somebody else's files is refused with the remedy", async () => {
  chmodSync(scratch(), 0o755);
  mkdirSync(scratch('state'), { mode: 0o700 });
  writeFileSync(scratch('state', 'file'), '');
  const argv = ['-t', '0', '-p', '0', '-L', '127.0.0.1', '-u', 'nobody', '-q', 'journal'];
  const { code, stderr } = await runToEnd([...argv, '--state-dir', scratch('state')]);
  expect([code, stderr]).toEqual([
    1,
    `gearmand: option --state-dir: ${scratch('state')} is not writable for user nobody of --user: chown -R nobody ${scratch('state')}\n`,
  ]);
});

asRoot('secrets are read before; a reload that may not read them says who and why', async () => {
  chmodSync(scratch(), 0o755);
  writeFileSync(scratch('tokens'), 'ops 0123456789abcdef\n', { mode: 0o400 });
  const daemon = await startDaemon(['-u', 'nobody', '--token-file', scratch('tokens')]);
  daemon.kill('SIGHUP');
  const [line] = await daemon.until(/^.*ERROR.*SIGHUP.*$/m);
  expect(line).toContain(
    `--token-file ${scratch('tokens')}: cannot be read: not permitted (EACCES) for user nobody (uid ${NOBODY}), who must have the right to read it; the files in use stay`,
  );
  expect(await ask('status', daemon.port)).toBe('.\n');
  chmodSync(scratch('tokens'), 0o444);
  daemon.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
});

test('lines for the journal of systemd have their priority in front, others do not', async () => {
  const script = 'exec "$@" 2>err';
  writeFileSync(scratch('err'), '');
  const { dev, ino } = statSync(scratch('err'));
  const journal = { script, env: { JOURNAL_STREAM: `${dev}:${ino}` } };
  const daemon = await startDaemon(['--verbose', 'INFO', '--hashtable-buckets', '7'], journal);
  daemon.kill('SIGTERM');
  await daemon.ended;
  const lines = linesOf(scratch('err'));
  expect(lines.filter((line) => !/^<6> {3}INFO /.test(line))).toEqual([]);
  expect(lines.length).toBeGreaterThan(0);
  await runToEnd(['--nope'], journal);
  expect(linesOf(scratch('err'))[0]).toMatch(/^<3>gearmand: unknown option "--nope"/);
  const env = { JOURNAL_STREAM: '1:2' };
  const { stderr } = await runToEnd(['--nope'], { env });
  expect(stderr).toMatch(/^gearmand: /);
});

test('a warning is seen when --verbose is not given, and hidden below WARNING', async () => {
  const env = { GEARTRAIN_MAX_MEMROY: '1G' };
  const daemon = await startDaemon([], { env });
  const [line] = await daemon.until(/^.*GEARTRAIN_MAX_MEMROY.*$/m);
  expect(line).toMatch(
    /^WARNING \d{4}-\d\d-\d\d [\d:.]+ \[ {2}main \] GEARTRAIN_MAX_MEMROY .*did you mean GEARTRAIN_MAX_MEMORY\? -> gearmand$/,
  );
  const quiet = await startDaemon(['--verbose', 'ERROR'], { env });
  quiet.kill('SIGTERM');
  await quiet.ended;
  expect(quiet.stderr()).toBe('');
});

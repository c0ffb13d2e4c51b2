/** Nothing of the surroundings is taken for granted: streams, folder, user, home, addresses, signals, pid file. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProgram } from '../../support/find-program.ts';
import { onlyWhere } from '../../support/peers.ts';
import { daemonPath } from '../../support/servers.ts';
import { ask, linesOf, runToEnd, scratch, start, startDaemon, useScratch } from './command.ts';

useScratch();

const STRANGER = 54_321;
const HOMELESS = { HOME: undefined, XDG_STATE_HOME: undefined, STATE_DIRECTORY: undefined };
const isRoot = process.geteuid?.() === 0;

/** Every user may read the built command. */
function isOpenToAll(path = dirname(daemonPath)): boolean {
  const isOpen = (statSync(path).mode & 0o005) === 0o005;
  return isOpen && (dirname(path) === path || isOpenToAll(dirname(path)));
}

const canBeStranger =
  onlyWhere(isRoot, 'only root can start a server as another user') &&
  onlyWhere(isOpenToAll(), 'the built files are not open to all users');
const asStranger = test.skipIf(!canBeStranger);
const hasFifo = onlyWhere(findProgram('mkfifo') !== null, 'there is no program mkfifo');
const hasFull = onlyWhere(existsSync('/dev/full'), 'there is no /dev/full');

const LOOPBACK = ['-t', '0', '-L', '127.0.0.1', '-p', '0'];

describe('streams', () => {
  test.skipIf(!hasFull)('standard output that is full ends nothing', async () => {
    const run = start([...LOOPBACK, '--verbose', 'INFO'], { script: 'exec "$@" >/dev/full' });
    const [, port] = await run.until(/listening on 127.0.0.1:(\d+),/);
    expect(await ask('status', Number(port))).toBe('.\n');
    run.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
  });

  test('a reader of standard output that has gone ends nothing', async () => {
    const script = 'mkfifo gone; sleep 0 < gone & exec "$@" > gone';
    const run = start([...LOOPBACK, '--verbose', 'INFO'], { script });
    const [, port] = await run.until(/listening on 127.0.0.1:(\d+),/);
    expect(await ask('status', Number(port))).toBe('.\n');
  });

  test.each([...(hasFull ? ['2>/dev/full'] : []), '2>&-'])(
    'standard error %s ends nothing',
    async (how) => {
      const script = `exec "$@" ${how}`;
      const daemon = await startDaemon(['--verbose', 'DEBUG', '--hashtable-buckets', '7'], {
        script,
      });
      expect(await ask('status', daemon.port)).toBe('.\n');
      daemon.kill('SIGTERM');
      expect(await daemon.ended).toEqual({ code: 0, signal: null });
    },
  );

  test.skipIf(!hasFull)('--help that cannot be written ends with 1', async () => {
    const { code, stderr } = await runToEnd(['--help'], { script: 'exec "$@" >/dev/full' });
    expect([code, stderr]).toEqual([1, 'gearmand: write to standard output: ENOSPC\n']);
  });
});

describe('folder', () => {
  const script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"';

  test('a working folder that is gone does not keep shards from starting', async () => {
    const daemon = await startDaemon(['-t', '1'], { script });
    expect(await ask('status', daemon.port)).toBe('.\n');
  });

  test('paths that would be relative to it are refused by name', async () => {
    const { code, stderr } = await runToEnd([...LOOPBACK, '-l', 'log', '-P', '/tmp/x'], { script });
    expect(code).toBe(1);
    expect(stderr).toContain('gearmand: option --log-file: "log" (command line) is relative, but');
    expect(stderr).not.toContain('--pid-file');
  });

  test.each([['/proc/x'], ['/proc/x/y'], ['/dev/null/x']])(
    'a state directory that cannot be made ends the start: %s',
    async (path) => {
      const argv = [...LOOPBACK, '-q', 'journal', '--state-dir', path];
      const { code, stderr } = await runToEnd(argv);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^gearmand: option --state-dir: make \/.*\(E[A-Z]+\).*\n$/);
    },
  );

  test('HTTP needs no folder for temporary files', async () => {
    const env = { TMPDIR: scratch('no') };
    const daemon = await startDaemon(['-r', 'http', '--http-port', '0'], { env });
    expect(daemon.startLine).toContain(', http on 127.0.0.1:');
  });
});

describe('user', () => {
  asStranger('a uid without name and home starts', async () => {
    const daemon = await startDaemon([], { uid: STRANGER, cwd: '/', env: HOMELESS });
    expect(await ask('status', daemon.port)).toBe('.\n');
  });

  asStranger('without a home a journal needs a folder', async () => {
    const options = { uid: STRANGER, cwd: '/', env: HOMELESS };
    const { code, stderr } = await runToEnd([...LOOPBACK, '-q', 'journal'], options);
    expect(code).toBe(1);
    expect(stderr).toContain('gearmand: --queue-type journal needs --state-dir FOLDER: the user');
  });

  asStranger('what may not be read or made is said with the user', async () => {
    mkdirSync(scratch('closed'), { mode: 0o700 });
    writeFileSync(scratch('secret'), 'ops 0123456789abcdef\n', { mode: 0o400 });
    const options = { uid: STRANGER, cwd: '/', env: HOMELESS };
    const refused = async (...argv: string[]): Promise<string> => {
      const { code, stderr } = await runToEnd([...LOOPBACK, ...argv], options);
      expect(code).toBe(1);
      return stderr;
    };
    const denied = 'not permitted (EACCES) for uid 54321';
    expect(await refused('-q', 'journal', '--state-dir', scratch('closed', 's'))).toContain(denied);
    expect(await refused('--token-file', scratch('secret'))).toContain(denied);
    expect(await refused('-P', scratch('closed', 'pid'))).toContain(denied);
    expect(await refused('-L', `unix:${scratch('closed', 's')}`)).toMatch(/--listen/);
  });
});

describe('addresses', () => {
  test('one that is asked for twice is bound once', async () => {
    const daemon = await startDaemon([
      ...['-L', '127.0.0.1:0', '-L', 'localhost:0'],
      ...['-L', `unix:${scratch('s')}`, '-L', `unix:${scratch('s')}`],
    ]);
    expect(daemon.startLine.split('unix:')).toHaveLength(2);
    const port = String(daemon.port);
    daemon.kill('SIGTERM');
    await daemon.ended;
    const twice = await startDaemon(['-p', port, '-L', '127.0.0.1', '-L', `127.0.0.1:${port}`]);
    expect(twice.startLine).toContain(`listening on 127.0.0.1:${port}, pid`);
  });

  test.each([
    ['-r', 'http', '--http-port', 'PORT'],
    ['--control', '127.0.0.1:PORT'],
    ['-L', '0.0.0.0:PORT'],
  ])('one that the server holds itself ends the start at once: %s %s', async (...words) => {
    const { port, release } = await freeAddress();
    await release();
    const argv = words.map((word) => word.replace('PORT', String(port)));
    const run = await runToEnd(['-t', '0', '-L', '127.0.0.1', '-p', String(port), ...argv]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^gearmand: option --.* is taken by this server itself, as .*\n$/);
  });

  test('a file that is not a socket is not waited for', async () => {
    writeFileSync(scratch('file'), 'precious');
    const run = await runToEnd(['-t', '0', '-L', `unix:${scratch('file')}`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`option --listen: unix:${scratch('file')}: something that is not`);
    expect(linesOf(scratch('file'))).toEqual([]);
  });

  test('an unknown name is said with its option', async () => {
    const run = await runToEnd(['-t', '0', '-p', '0', '-L', 'no-such-host.invalid']);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^gearmand: option --listen: no-such-host.invalid: .*\(E\w+\)\n$/);
  });
});

async function freeAddress(): Promise<{ port: number; release: () => Promise<void> }> {
  const { createServer } = await import('node:net');
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as { port: number };
  return { port, release: () => new Promise((resolve) => holder.close(() => resolve())) };
}

describe('start', () => {
  test.skipIf(!hasFifo)('a HUP while the options are read does not end it', async () => {
    execFileSync('mkfifo', [scratch('conf')]);
    const run = start([...LOOPBACK, '--config-file', scratch('conf')]);
    // Opens when the server has begun to read it.
    const config = await open(scratch('conf'), 'w');
    run.kill('SIGHUP');
    await config.writeFile('--backlog=5\n');
    await config.close();
    await run.until(/^geartrain .*listening on/m);
  });

  test('a second one on the same port leaves the pid file of the first', async () => {
    const first = await startDaemon(['-P', scratch('pid')]);
    const argv = ['-t', '0', '-L', '127.0.0.1', '-p', `${first.port}`, '-P', scratch('pid')];
    const second = start(argv);
    await second.until(/EADDRINUSE.*trying again in 1 s/);
    expect(linesOf(scratch('pid'))).toEqual([`${first.pid}`]);
    second.kill('SIGTERM');
    await second.ended;
    expect(linesOf(scratch('pid'))).toEqual([`${first.pid}`]);
  });

  test('a pid file that becomes a folder ends the server that listens already', async () => {
    mkdirSync(scratch('pid'));
    const { code, stderr } = await runToEnd([...LOOPBACK, '-P', scratch('pid')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gearmand: option --pid-file: write .*\n$/);
  });
});

describe('files that are named', () => {
  const journal = (folder: string): string[] => ['-q', 'journal', '--state-dir', folder];

  test.each([
    ['--export', /^gearmand: option --export: open .*no\/jobs.new: there is no such file .*\n$/],
    ['--import', /^gearmand: option --import: open .*no\/jobs: there is no such file .*\n$/],
  ])('%s says which file cannot be opened, and why', async (option, sentence) => {
    const argv = [...journal(scratch('state')), option, scratch('no', 'jobs')];
    const { code, stderr } = await runToEnd(argv);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
  });

  test.each(['{', '', '7', '{"format":1}'])('a damaged manifest %j has a remedy', async (text) => {
    mkdirSync(scratch('state'));
    writeFileSync(scratch('state', 'manifest.json'), text);
    const { code, stderr } = await runToEnd([...LOOPBACK, ...journal(scratch('state'))]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^gearmand: option --state-dir: .*manifest.json is damaged: .*; put it back from a backup, or move the folder away to start without its jobs\n$/,
    );
  });
});

/** `--daemon`: what the command says, when it returns, and what runs afterwards; logs that nobody watches. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.mjs';
import {
  adopt,
  ask,
  isAlive,
  linesOf,
  runToEnd,
  scratch,
  start,
  startDaemon,
  useScratch,
} from './command.ts';

useScratch();

/** Resolves when a process that is not our child is gone. */
async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('--daemon', () => {
  test('returns 0 with the port bound and leaves a process of its own session', async () => {
    const port = await freePort();
    const [pidFile, log] = [scratch('pid'), scratch('log')];
    const argv = [
      '-d',
      '-t',
      '0',
      '-L',
      '127.0.0.1',
      '-p',
      `${port}`,
      '-P',
      pidFile,
      '-l',
      log,
      '--verbose',
      'INFO',
    ];
    const result = await runToEnd(argv);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
    const pid = adopt(Number(linesOf(pidFile)[0]));
    expect(await ask('status', port)).toBe('.\n');
    const [, afterName = ''] = /\) (.*)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const session = Number(afterName.split(' ')[3]);
    expect(session).toBe(pid);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(scratch());
    expect([0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))).toEqual(
      Array(3).fill('/dev/null'),
    );
    expect(linesOf(log).join()).toContain(`pid ${pid},`);
    process.kill(pid, 'SIGTERM');
    await untilGone(pid);
    expect(existsSync(pidFile)).toBe(false);
    expect(linesOf(log).at(-1)).toMatch(/shutdown complete$/);
  });

  test('works from the config file, with shards', async () => {
    const port = await freePort();
    const pidFile = scratch('pid');
    writeFileSync(scratch('conf'), `--daemon\n--listen=127.0.0.1\n--port=${port}\n--threads=1\n`);
    const argv = ['--config-file', 'conf', '-P', pidFile, '-l', scratch('log')];
    expect((await runToEnd(argv)).code).toBe(0);
    const pid = adopt(Number(linesOf(pidFile)[0]));
    expect(await ask('status', port)).toBe('.\n');
    process.kill(pid, 'SIGTERM');
    await untilGone(pid);
  });

  test('returns 1 with the reason when it cannot listen', async () => {
    const argv = ['-d', '-t', '0', '-p', '0', '-L', '192.0.2.1', '-l', scratch('log')];
    const { code, stdout, stderr } = await runToEnd(argv);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^gearmand: .*EADDRNOTAVAIL/);
    expect(linesOf(scratch('log'))[0]).toMatch(/^ {2}FATAL .*EADDRNOTAVAIL/);
  });

  test('returns 1 for a wrong option before anything is started', async () => {
    const { code, stderr } = await runToEnd(['-d', '-p', 'x!']);
    expect(code).toBe(1);
    expect(stderr).toContain('option --port: "x!"');
  });

  test('is ended together with the command that still waits for it', async () => {
    const port = await freePort();
    const holder = await startDaemon(['-L', '127.0.0.1', '-p', `${port}`]);
    const run = start([
      '-d',
      '-t',
      '0',
      '-L',
      '127.0.0.1',
      '-p',
      `${port}`,
      '-P',
      scratch('pid'),
      '-l',
      scratch('log'),
    ]);
    await run.until(/^gearmand: listen on .*EADDRINUSE.*trying again in 1 s$/m);
    const [child] = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, 'utf8').split(' ');
    const pid = adopt(Number(child));
    run.kill('SIGTERM');
    expect((await run.ended).code).toBe(1);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(scratch('pid'))).toBe(false);
    expect(await ask('status', holder.port)).toBe('.\n');
  });
});

describe('a log in the background', () => {
  test('that was asked for and cannot be opened ends the start', async () => {
    const log = scratch('no', 'log');
    const argv = ['-d', '-t', '0', '-p', '0', '-L', '127.0.0.1', '-l', log, '-P', scratch('pid')];
    const { code, stdout, stderr } = await runToEnd(argv);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `gearmand: option --log-file: open ${log}: there is no such file or folder (ENOENT)\n`,
    );
    expect(existsSync(scratch('pid'))).toBe(false);
  });

  test('that goes to stderr is lost, which is said', async () => {
    const argv = ['-d', '-t', '0', '-p', '0', '-L', '127.0.0.1', '-P', scratch('pid')];
    const { code, stderr } = await runToEnd([...argv, '-l', 'stderr']);
    adopt(Number(linesOf(scratch('pid'))[0]));
    expect(code).toBe(0);
    expect(stderr).toContain('gearmand: option --log-file: stderr is closed in the background');
  });
});

describe('log', () => {
  test('a file that cannot be opened is a warning, and the log is on stderr', async () => {
    const daemon = await startDaemon(['-l', scratch('no', 'log'), '--verbose', 'INFO']);
    expect(daemon.stderr()).toContain(
      `gearmand: option --log-file: open ${scratch('no', 'log')}: there is no such file or folder (ENOENT), logging to stderr`,
    );
    expect(daemon.stderr()).toMatch(/^ {3}INFO .* geartrain /m);
  });

  test('a failure is on stderr too when the log is a file', async () => {
    const { code, stderr } = await runToEnd([
      '-t',
      '0',
      '-p',
      '0',
      '-L',
      '192.0.2.1',
      '-l',
      scratch('log'),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gearmand: .*EADDRNOTAVAIL.*\n$/);
  });

  test('levels above --verbose are left out', async () => {
    const daemon = await startDaemon(['-l', scratch('log'), '--hashtable-buckets', '5']);
    daemon.kill('SIGTERM');
    await daemon.ended;
    expect(linesOf(scratch('log'))).toEqual([]);
  });

  test('--syslog pipes to the command logger without the native core', async () => {
    mkdirSync(scratch('bin'));
    const script = `#!/bin/sh\necho "$@" > ${scratch('syslog')}\ncat >> ${scratch('syslog')}\n`;
    writeFileSync(scratch('bin', 'logger'), script);
    chmodSync(scratch('bin', 'logger'), 0o755);
    const env = { PATH: `${scratch('bin')}:${process.env.PATH}`, GEARTRAIN_NATIVE: '0' };
    const daemon = await startDaemon(['-l', 'none', '--syslog', '--verbose', 'INFO'], { env });
    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    const lines = linesOf(scratch('syslog'));
    expect(lines[0]).toBe(`--prio-prefix --id=${daemon.pid} -t gearmand`);
    expect(lines).toContain('<14>shutdown complete');
    expect(lines).toContain('<14>SIGTERM, shutting down');
  });
});

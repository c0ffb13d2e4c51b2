/** The command gearmand from its words to its first answer: printing, refusing, listening. */
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.mjs';
import { onlyWhere } from '../../support/peers.ts';
import { ask, linesOf, runToEnd, scratch, start, startDaemon, useScratch } from './command.ts';

useScratch();

const isRoot = onlyWhere(process.geteuid?.() === 0, 'only root can become another user');
const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
const hasIpv6 = onlyWhere(
  addresses.some(({ address }) => address === '::1'),
  'this machine has no ::1',
);
const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string };

describe('without a server', () => {
  test('-V prints a blank line, then name and version', async () => {
    const { code, stdout, stderr } = await runToEnd(['-V']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\ngearmand 2\.0\.0\+geartrain\.\S+ - http\S+\n$/);
  });

  test('--help prints the options', async () => {
    const { code, stdout, stderr } = await runToEnd(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('-p, --port <port>');
    expect(stdout).toContain('--job-handle-prefix');
  });

  test('--help with words prints the options that match, or ends with 1 and one sentence', async () => {
    const found = await runToEnd(['--help', 'handle', 'prefix']);
    expect([found.code, found.stderr]).toEqual([0, '']);
    expect(found.stdout).toMatch(
      /^Jobs and workers:\n {2}--job-handle-prefix <prefix> [^:]*: 1 to 28\s+bytes/,
    );
    expect(await runToEnd(['--help', 'xyzzy'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'gearmand: no option matches "xyzzy"; gearmand --help lists all options\n',
    });
  });

  test('--check-args is silent for good options', async () => {
    const result = await runToEnd(['--check-args', '-p', '1', '--verbose', 'INFO']);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([
    [['--check-args', '-p', 'x!'], /option --port: "x!" \(command line\) is not allowed/],
    [['--nope'], /unknown option "--nope"/],
    [['stray'], /stray word "stray"/],
    [['-p', '1', '-p', '2'], /option --port: given more than once/],
    [['-q', 'nope'], /option --queue-type: "nope"/],
    [['-q', 'libtokyocabinet'], /Tokyo Cabinet is not supported: use journal/],
    [['-r', 'HTTP'], /option --protocol: "HTTP"/],
    [['--verbose', 'info'], /option --verbose: "info"/],
    [['--hashtable-buckets', '0'], /option --hashtable-buckets: "0"/],
    [
      ['--config-file', '/nowhere/at/all'],
      /option --config-file: read \/nowhere\/at\/all: there is no such file .*ENOENT/,
    ],
  ])('%j ends with 1 and says why', async (argv, message) => {
    const { code, stdout, stderr } = await runToEnd(argv);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^gearmand: /);
    expect(stderr).toMatch(/^gearmand: --help lists all options$/m);
  });
});

describe('start', () => {
  test('one line on stdout names version, core, threads, address and pid', async () => {
    const daemon = await startDaemon();
    const pattern =
      /^geartrain (\S+) \((native|twin: .+)\), 0 threads, listening on (\S+), pid (\d+)$/;
    const [, shown, , address, pid] = pattern.exec(daemon.startLine) ?? [];
    expect([shown, address, pid]).toEqual([version, `127.0.0.1:${daemon.port}`, `${daemon.pid}`]);
    expect(daemon.stdout()).toBe(`${daemon.startLine}\n`);
    expect(await ask('version', daemon.port)).toContain('2.0.0+geartrain');
  });

  test('shards are counted', async () => {
    const daemon = await startDaemon(['-t', '2']);
    expect(daemon.startLine).toContain('2 threads');
    expect(await ask('status', daemon.port)).toBe('.\n');
  });

  test('GEARTRAIN_NATIVE=0 and --native off use the TypeScript core', async () => {
    const [byEnvironment, byOption] = await Promise.all([
      startDaemon([], { env: { GEARTRAIN_NATIVE: '0' } }),
      startDaemon(['--native', 'off']),
    ]);
    expect(byEnvironment.startLine).toContain('(twin: GEARTRAIN_NATIVE=0)');
    expect(byOption.startLine).toMatch(/\(twin: .+\)/);
  });

  test('GEARMAND_PORT is the port when none was chosen', async () => {
    const port = await freePort();
    const env = { GEARMAND_PORT: `${port}` };
    const run = start(['-L', '127.0.0.1', '-t', '0'], { env });
    await run.until(new RegExp(`listening on 127.0.0.1:${port},`));
  });

  test('the config file gives the port, the command line wins over it', async () => {
    const port = await freePort();
    writeFileSync(scratch('conf'), `-L 127.0.0.1\n--port=${port}\n--verbose=INFO\n# text\n`);
    const daemon = await startDaemon([
      '--config-file',
      scratch('conf'),
      '--verbose',
      'ERROR',
      '-p',
      `${port}`,
    ]);
    expect(daemon.port).toBe(port);
    expect(daemon.stderr()).toBe('');
  });

  test('an option without meaning is explained at INFO', async () => {
    const daemon = await startDaemon(['--hashtable-buckets', '7', '--verbose', 'INFO']);
    expect(daemon.stderr()).toMatch(
      /^ {3}INFO .* \[ {2}main \] --hashtable-buckets has no effect/m,
    );
  });

  test('what strangers may do is worth a warning, unless access was thought of', async () => {
    const port = await freePort();
    const warned = await startDaemon(['-p', `${port}`, '-L', '0.0.0.0', '--verbose', 'WARNING']);
    await warned.until(
      /WARNING .* anyone who reaches 0\.0\.0\.0:\d+ may submit jobs, work and give admin commands.* -> gearmand$/m,
    );
    warned.kill('SIGKILL');
    await warned.ended;
    const argv = ['-p', `${port}`, '-L', '0.0.0.0', '--verbose', 'WARNING', '--admin-from', 'any'];
    const asked = await startDaemon(argv);
    await ask('status', port);
    expect(asked.stderr()).toBe('');
  });

  test('an address that is not of this machine ends with 1', async () => {
    const { code, stderr, stdout } = await runToEnd(['-t', '0', '-p', '0', '-L', '192.0.2.1']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^gearmand: listen on 192.0.2.1:\d+: .*EADDRNOTAVAIL.*--listen\n$/);
  });
});

describe('addresses', () => {
  test.skipIf(!hasIpv6)('IPv6 is served and written in brackets', async () => {
    const daemon = await startDaemon(['-p', '0', '-L', '::1']);
    expect(daemon.startLine).toContain(`listening on [::1]:${daemon.port},`);
    expect(await ask('status', { host: '::1', port: daemon.port })).toBe('.\n');
  });

  test('without --listen every address of the machine is served, with one port', async () => {
    const daemon = await startDaemon(['-p', '0']);
    expect(daemon.startLine).toContain(`listening on 0.0.0.0:${daemon.port},`);
    if (hasIpv6) expect(daemon.startLine).toContain(`, [::]:${daemon.port},`);
    expect(await ask('status', daemon.port)).toBe('.\n');
  });

  test('several addresses are served at once', async () => {
    const path = scratch('socket');
    const daemon = await startDaemon([
      '-p',
      '0',
      '-L',
      '127.0.0.1',
      '-L',
      '127.0.0.2',
      '-L',
      `unix:${path}`,
    ]);
    const [, second] = /127\.0\.0\.2:(\d+)/.exec(daemon.startLine) ?? [];
    expect(await ask('status', daemon.port)).toBe('.\n');
    expect(await ask('status', { host: '127.0.0.2', port: Number(second) })).toBe('.\n');
    expect(await ask('status', { path })).toBe('.\n');
  });

  test('a Unix socket has its mode and goes with the server', async () => {
    const path = scratch('socket');
    const daemon = await startDaemon(['-L', `unix:${path}`]);
    expect(daemon.startLine).toContain(`listening on unix:${path},`);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    daemon.kill('SIGTERM');
    await daemon.ended;
    expect(existsSync(path)).toBe(false);
  });

  test('--socket-mode is the mode of Unix sockets', async () => {
    const path = scratch('socket');
    await startDaemon(['-L', `unix:${path}`, '--socket-mode', '0600']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('a socket that a killed server left is taken over', async () => {
    const path = scratch('socket');
    const killed = await startDaemon(['-L', `unix:${path}`]);
    killed.kill('SIGKILL');
    await killed.ended;
    expect(existsSync(path)).toBe(true);
    await startDaemon(['-L', `unix:${path}`]);
    expect(await ask('status', { path })).toBe('.\n');
  });
});

describe('a busy port', () => {
  async function hold(host = '127.0.0.1'): Promise<{ port: number; release: () => Promise<void> }> {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, host, resolve));
    const { port } = holder.address() as { port: number };
    return { port, release: () => new Promise((resolve) => holder.close(() => resolve())) };
  }

  test('is taken as soon as it is free', async () => {
    const { port, release } = await hold();
    const run = start(['-L', '127.0.0.1', '-p', `${port}`, '-t', '0']);
    await run.until(/^gearmand: .*EADDRINUSE.*trying again in 1 s$/m);
    expect(run.stdout()).toBe('');
    await release();
    await run.until(/^geartrain /m);
    expect(await ask('status', port)).toBe('.\n');
  });

  test('on one of several addresses keeps none of the others', async () => {
    const { port, release } = await hold('127.0.0.2');
    const run = start(['-L', '127.0.0.1', '-L', '127.0.0.2', '-p', `${port}`, '-t', '0']);
    await run.until(/EADDRINUSE.*trying again in 1 s/);
    await release();
    await run.until(/^geartrain /m);
    expect(await ask('status', port)).toBe('.\n');
    expect(await ask('status', { host: '127.0.0.2', port })).toBe('.\n');
  });

  test('for HTTP keeps none of the others', async () => {
    const { port: httpPort, release } = await hold();
    const port = await freePort();
    const http = ['-r', 'http', '--http-port', `${httpPort}`];
    const run = start(['-L', '127.0.0.1', '-p', `${port}`, '-t', '0', ...http]);
    await run.until(/EADDRINUSE.*trying again in 1 s/);
    await release();
    await run.until(/^geartrain /m);
    expect(await ask('status', port)).toBe('.\n');
  });

  test('is given up at once on TERM, with exit code 0', async () => {
    const { port, release } = await hold();
    const run = start(['-L', '127.0.0.1', '-p', `${port}`, '-t', '0', '-P', scratch('pid')]);
    await run.until(/trying again in 2 s/);
    run.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(scratch('pid'))).toBe(false);
    expect(run.stdout()).toBe('');
    await release();
  });
});

describe('process', () => {
  test('the pid file is there while the server runs', async () => {
    const daemon = await startDaemon(['-P', scratch('pid')]);
    expect(linesOf(scratch('pid'))).toEqual([`${daemon.pid}`]);
    daemon.kill('SIGTERM');
    await daemon.ended;
    expect(existsSync(scratch('pid'))).toBe(false);
  });

  test('an old pid file is replaced', async () => {
    writeFileSync(scratch('pid'), '1234567\n');
    const daemon = await startDaemon(['-P', scratch('pid')]);
    expect(linesOf(scratch('pid'))).toEqual([`${daemon.pid}`]);
  });

  test('a pid file that cannot be written ends with 1', async () => {
    const { code, stderr } = await runToEnd(['-p', '0', '-P', scratch('no', 'pid')]);
    expect(code).toBe(1);
    expect(stderr).toContain(`option --pid-file: write ${scratch('no', 'pid')}: there is no such`);
  });

  test('an unknown user ends with 1', async () => {
    const { code, stderr } = await runToEnd(['-p', '0', '-u', 'nobody-of-that-name']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /option --user nobody-of-that-name: (there is no such user|only root can)/,
    );
  });

  test.skipIf(!isRoot)(
    'root becomes the user, without groups, before the pid file is made',
    async () => {
      chmodSync(scratch(), 0o777);
      const daemon = await startDaemon(['-u', 'nobody', '-P', scratch('pid')]);
      const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
      const nobody = /^nobody:[^:]*:(\d+):(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
      const four = (id: string | undefined): string => Array(4).fill(id).join('\t');
      expect(status).toContain(`\nUid:\t${four(nobody[1])}\n`);
      expect(status).toContain(`\nGid:\t${four(nobody[2])}\n`);
      expect(status).toMatch(/\nGroups:\s*\n/);
      expect(statSync(scratch('pid')).uid).toBe(Number(nobody[1]));
    },
  );

  test('-f sets the limit of open files, or says that it cannot', async () => {
    const daemon = await startDaemon(['-f', '517', '--verbose', 'WARNING']);
    if (daemon.startLine.includes('(native)')) {
      const limits = readFileSync(`/proc/${daemon.pid}/limits`, 'utf8');
      expect(limits).toMatch(/^Max open files +517 /m);
    } else {
      await daemon.until(/WARNING .* --file-descriptors 517 has no effect without the native core/);
    }
  });
});

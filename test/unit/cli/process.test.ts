/** Pid file, user look-up, patience with a busy port, syslog by pipe, sentences about a server. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogLevel } from '../../../src/base/logger.ts';
import { listenPatiently, pauseByTimer } from '../../../src/cli/listen-patiently.ts';
import { checkPidFile, removePidFile, writePidFile } from '../../../src/cli/pid-file.ts';
import { serviceLines, startLine } from '../../../src/cli/start-line.ts';
import { findUser } from '../../../src/cli/switch-user.ts';
import { nativeSyslog, pipedSyslog, syslogLevel } from '../../../src/cli/syslog.ts';
import { versionText } from '../../../src/cli/version-text.ts';
import { resolveOptions } from '../../../src/server/options.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('pid file', () => {
  test('replaces an old file by one with the pid, mode 0744 minus umask', () => {
    const path = join(folder, 'pid');
    writeFileSync(path, 'old and long\n', { mode: 0o600 });
    writePidFile(path, 123);
    expect(readFileSync(path, 'utf8')).toBe('123\n');
    expect(statSync(path).mode & 0o777).toBe(0o744 & ~process.umask());
  });

  test('fails with what was tried', () => {
    const path = join(folder, 'no', 'pid');
    expect(() => writePidFile(path, 1)).toThrow(/^option --pid-file: write .*\/no\/pid: .*ENOENT/);
    expect(() => checkPidFile(path)).toThrow(/^option --pid-file: write .*\/no\/pid: .*ENOENT/);
  });

  test('is removed by the process that wrote it, not by another', () => {
    const path = join(folder, 'pid');
    writePidFile(path, 1);
    removePidFile(path, 2);
    expect(readFileSync(path, 'utf8')).toBe('1\n');
    removePidFile(path, 1);
    expect(() => statSync(path)).toThrow(/ENOENT/);
    removePidFile(path, 1);
  });
});

test('users are found by whole name', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\ngear:x:12:34::/:/bin/false\nbroken:x::\n';
  expect(findUser('gear', passwd)).toEqual({ uid: 12, gid: 34 });
  expect(findUser('gea', passwd)).toBeNull();
  expect(findUser('broken', passwd)).toBeNull();
});

describe('a busy port', () => {
  const busy = () => Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });

  function attempt(failures: Error[], signal = new AbortController().signal) {
    const pauses: number[] = [];
    const listen = async (): Promise<void> => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    };
    const result = listenPatiently(listen, signal, {
      onBusy: () => {},
      pause: async (ms) => void pauses.push(ms),
    });
    return { result, pauses };
  }

  test('is tried again after growing pauses', async () => {
    const { result, pauses } = attempt([busy(), busy(), busy()]);
    expect(await result).toBe(true);
    expect(pauses).toEqual([1000, 2000, 4000]);
  });

  test('is given up after about twenty seconds', async () => {
    const { result, pauses } = attempt(Array.from({ length: 9 }, busy));
    await expect(result).rejects.toThrow('EADDRINUSE');
    expect(pauses.reduce((sum, ms) => sum + ms)).toBe(22_000);
  });

  test('is the only error that is waited for', async () => {
    const { result, pauses } = attempt([Object.assign(new Error('no'), { code: 'EACCES' })]);
    await expect(result).rejects.toThrow('no');
    expect(pauses).toEqual([]);
  });

  test('is not waited for after a signal', async () => {
    const abort = new AbortController();
    const waiting = pauseByTimer(60_000, abort.signal);
    abort.abort();
    await waiting;
    expect(await attempt([busy()], abort.signal).result).toBe(false);
  });
});

describe('syslog', () => {
  test('levels keep their number, FATAL is not shown on every terminal', () => {
    expect(Object.values(LogLevel).map(syslogLevel)).toEqual([1, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('the addon gets ident, level and text', () => {
    const calls: unknown[] = [];
    const sink = nativeSyslog({
      syslogOpen: (ident) => calls.push(ident),
      syslog: (level, text) => calls.push([level, text]),
    });
    sink.write('the whole line', LogLevel.ERROR, 'the text');
    expect(calls).toEqual(['gearmand', [3, 'the text']]);
  });

  test('without the addon, logger gets each line with its priority', async () => {
    const command = join(folder, 'logger');
    const out = join(folder, 'out');
    writeFileSync(command, `#!/bin/sh\necho "$@" > ${out}\ncat >> ${out}\n`);
    chmodSync(command, 0o755);
    const failures: string[] = [];
    const sink = pipedSyslog((reason) => failures.push(reason), command, 42);
    sink.write('', LogLevel.ERROR, 'one');
    sink.write('', LogLevel.INFO, 'two');
    await sink.close();
    expect(readFileSync(out, 'utf8')).toBe('--prio-prefix --id=42 -t gearmand\n<11>one\n<14>two\n');
    expect(failures).toEqual([]);
  });

  test('a missing logger is reported once and stops nothing', async () => {
    const reason = await new Promise<string>((resolve) => {
      const sink = pipedSyslog(resolve, join(folder, 'missing'));
      sink.write('', LogLevel.ERROR, 'one');
    });
    expect(reason).toContain('ENOENT');
  });
});

describe('sentences', () => {
  const server = {
    kind: 'addon' as const,
    kindReason: '',
    threads: 2,
    addresses: [{ host: '0.0.0.0', port: 1 }, { host: '::1', port: 1 }, { path: '/run/g' }],
    httpAddresses: [],
    controlAddress: null,
  };

  test('the start line names version, core, threads, addresses and pid', () => {
    expect(startLine(server, '1.2.3', 9)).toBe(
      'geartrain 1.2.3 (native), 2 threads, listening on 0.0.0.0:1, [::1]:1, unix:/run/g, pid 9',
    );
    const controlled = { ...server, controlAddress: { host: '::1', port: 2 } };
    expect(startLine(controlled, '1.2.3', 9)).toContain('unix:/run/g, control on [::1]:2, pid 9');
    const other = { ...server, kind: 'twin' as const, kindReason: 'not wanted', threads: 1 };
    expect(startLine(other, '1.2.3', 9)).toContain('(twin: not wanted), 1 thread, ');
  });

  test.each([
    [{}, 'background jobs are kept in memory and end with the server, -q keeps them'],
    [
      { queueType: 'journal', stateDir: '/s', durability: 'relaxed' },
      'background jobs are kept in the journal in /s, --durability relaxed',
    ],
    [{ queueType: 'redis' }, 'background jobs are kept by -q redis, --durability synced'],
    [{}, 'access rules are off: every peer may submit jobs and work'],
    [{ allow: ['any=submit:a', 'any=work'] }, 'access rules are on: any=submit:a any=work'],
  ] as const)('%j is said at the start', (options, line) => {
    expect(serviceLines(resolveOptions(options))).toContain(line);
  });

  test('the version text begins with a blank line', () => {
    expect(versionText()).toMatch(/^\ngearmand 2\.0\.0\+geartrain\.\d+\.\d+\.\d+\S* - http\S+\n$/);
  });
});

/**
 * `--syslog`: lines to syslog, ident `gearmand`, facility user, with pid. With the addon by system call, otherwise
 * through the command `logger`, which gets each line with its priority in front.
 */
import { spawn } from 'node:child_process';
import { LogLevel } from '../base/logger.ts';
import type { NativeFunctions } from '../native/contract.ts';
import type { LogSink } from '../server/logger.ts';

const IDENT = 'gearmand';
const FACILITY_USER = 1 << 3;
/** How long the server waits at its end for `logger`, which may hang with the log daemon. */
const CLOSE_MS = 1_000;

/** Syslog's level. FATAL becomes alert: syslog's emergency would be shown on every terminal of the machine. */
export function syslogLevel(level: number): number {
  return Math.max(LogLevel.ALERT, level);
}

/** Syslog by system call. Throws when the addon's function does. */
export function nativeSyslog(functions: Pick<NativeFunctions, 'syslogOpen' | 'syslog'>): LogSink {
  functions.syslogOpen(IDENT);
  return {
    write: (_line, level, text) => functions.syslog(syslogLevel(level), text),
    reopen: () => {},
    close: async () => {},
  };
}

/** Syslog through a child process. `onFailure` is called once if it cannot run or ends early; lines are lost then. */
export function pipedSyslog(
  onFailure: (reason: string) => void,
  command = 'logger',
  pid = process.pid,
): LogSink {
  const child = spawn(command, ['--prio-prefix', `--id=${pid}`, '-t', IDENT], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  let isOver = false;
  const over = (reason: string): void => {
    if (!isOver) onFailure(reason);
    isOver = true;
  };
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      over(error.message);
      resolve();
    });
    child.once('exit', (code, signal) => {
      over(`${command} ended: ${signal ?? code}`);
      resolve();
    });
  });
  child.stdin.on('error', () => {});
  child.unref();
  return {
    write: (_line, level, text) => {
      if (!isOver) child.stdin.write(`<${FACILITY_USER | syslogLevel(level)}>${text}\n`);
    },
    reopen: () => {},
    close: async () => {
      if (isOver) return;
      isOver = true;
      child.ref();
      child.stdin.end();
      const timer = setTimeout(() => child.kill(), CLOSE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

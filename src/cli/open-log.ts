/** The log of one start: which sinks `--log-file` and `--syslog` mean, and what is said when one cannot be had. */
import { LogLevel } from '../base/logger.ts';
import type { Native } from '../native/load.ts';
import { isInContainer, jsonFormat, prettyFormat } from '../server/log-formats.ts';
import {
  FileSink,
  formatLogLine,
  type LineFormat,
  LineLogger,
  type LogSink,
  SinkList,
  StderrSink,
} from '../server/logger.ts';
import type { OptionValues } from '../server/options.ts';
import { nativeSyslog, pipedSyslog } from './syslog.ts';

/** gearmand's built-in log file, for a process that nobody watches. */
const BACKGROUND_LOG_FILE = '/var/log/gearmand.log';

export interface OpenLog {
  readonly logger: LineLogger;
  readonly isOnStderr: boolean;
  /** Opens the log file anew; without a file nothing happens. */
  reopen(): void;
  close(): Promise<void>;
}

export interface LogSurroundings {
  readonly isBackground: boolean;
  /** A sentence for the person who starts the server. */
  complain(text: string): void;
  /** Called only when syslog is wanted. */
  loadNative(): Native;
}

function fileSink(path: string, complain: (text: string) => void): LogSink {
  try {
    return new FileSink(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    complain(`open the log file ${path}: ${code ?? message}, logging to stderr`);
    return new StderrSink();
  }
}

function mainSink(name: string, complain: (text: string) => void): LogSink | null {
  if (name === 'none') return null;
  return name === 'stderr' ? new StderrSink() : fileSink(name, complain);
}

function syslogSink(native: Native, warn: (reason: string) => void): LogSink {
  if (native.kind === 'addon') return nativeSyslog(native.functions);
  warn('needs the native core, lines are piped to the command logger');
  return pipedSyslog(warn);
}

type LogFormat = 'auto' | 'gearmand' | 'json' | 'pretty';

function formatFor(wish: LogFormat, sink: LogSink | null): LineFormat {
  const isOnStderr = sink instanceof StderrSink;
  const isOnTerminal = isOnStderr && process.stderr.isTTY === true;
  const usual = isOnTerminal ? 'pretty' : isOnStderr && isInContainer() ? 'json' : 'gearmand';
  const format = wish === 'auto' ? usual : wish;
  if (format === 'json') return jsonFormat();
  return format === 'pretty' ? prettyFormat(isOnTerminal) : formatLogLine;
}

/** Opens the log. A file that cannot be opened becomes standard error, with a warning there; never throws for it. */
export function openLog(values: OptionValues, around: LogSurroundings): OpenLog {
  const { isBackground, complain } = around;
  const name = (values.logFile as string | null) ?? (isBackground ? BACKGROUND_LOG_FILE : 'stderr');
  const sink = mainSink(name, complain);
  const sinks = sink === null ? [] : [sink];
  const level = LogLevel[values.verbose as keyof typeof LogLevel];
  // The list grows below: a syslog that fails is reported in the log that is already there.
  const all = new SinkList(sinks);
  const format = formatFor(values.logFormat as LogFormat, sink);
  const logger = new LineLogger(all, level, 'gearmand', 0, format);
  if (values.syslog === true) {
    const warn = (reason: string): void => logger.log(LogLevel.WARNING, `syslog: ${reason}`);
    sinks.push(syslogSink(around.loadNative(), warn));
  }
  return {
    logger,
    isOnStderr: sink instanceof StderrSink,
    reopen: () => {
      if (sink instanceof FileSink) logger.reopen();
    },
    close: () => all.close(),
  };
}

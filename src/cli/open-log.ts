/** Opens the log of one start: the sinks of `--log-file` and `--syslog`, and the warnings when one is unusable. */
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
import { fileReason } from '../store/file-reason.ts';
import type { GearmandValues } from './gearmand-options.ts';
import { nativeSyslog, pipedSyslog } from './syslog.ts';

/** gearmand's built-in log file, for a process in the background. */
const BACKGROUND_LOG_FILE = '/var/log/gearmand.log';

export interface OpenLog {
  readonly logger: LineLogger;
  readonly isOnStderr: boolean;
  /** Opens the log file again; no effect without a file. */
  reopen(): void;
  close(): Promise<void>;
}

export interface LogSurroundings {
  readonly isBackground: boolean;
  /** Reports a sentence to the caller of the command. */
  complain(text: string): void;
  /** Called only with `--syslog`. */
  loadNative(): Native;
}

/** Opens the log file. In the background an unusable log file is an error, because standard error is /dev/null. */
function mainSink(
  given: string | null,
  { isBackground, complain }: LogSurroundings,
): LogSink | null {
  const name = given ?? (isBackground ? BACKGROUND_LOG_FILE : 'stderr');
  if (name === 'none') return null;
  if (name === 'stderr') {
    if (isBackground)
      complain('option --log-file: stderr is closed in the background, nothing is logged');
    return new StderrSink();
  }
  try {
    return new FileSink(name);
  } catch (error) {
    const reason = `option --log-file: open ${name}: ${fileReason(error)}`;
    if (isBackground && given !== null) throw new Error(reason, { cause: error });
    complain(isBackground ? `${reason}, nothing is logged` : `${reason}, logging to stderr`);
    return isBackground ? null : new StderrSink();
  }
}

function syslogSink(native: Native, warn: (reason: string) => void): LogSink {
  if (native.kind === 'addon') return nativeSyslog(native.functions);
  warn('needs the native core, lines are piped to the command logger');
  return pipedSyslog(warn);
}

function formatFor(wish: GearmandValues['logFormat'], sink: LogSink | null): LineFormat {
  const isOnStderr = sink instanceof StderrSink;
  const isOnTerminal = isOnStderr && process.stderr.isTTY === true;
  const usual = isOnTerminal ? 'pretty' : isOnStderr && isInContainer() ? 'json' : 'gearmand';
  const format = wish === 'auto' ? usual : wish;
  if (format === 'json') return jsonFormat();
  return format === 'pretty' ? prettyFormat(isOnTerminal) : formatLogLine;
}

/**
 * Opens the log. A file that cannot be opened is replaced by standard error, with a warning there; in the background
 * it throws Error.
 */
export function openLog(values: GearmandValues, around: LogSurroundings): OpenLog {
  const sink = mainSink(values.logFile, around);
  const sinks = sink === null ? [] : [sink];
  const level = LogLevel[values.verbose];
  // The list grows below: a failing syslog is reported in the sinks opened before.
  const all = new SinkList(sinks);
  const format = formatFor(values.logFormat, sink);
  const logger = new LineLogger(all, level, 'gearmand', 0, format);
  if (values.syslog) {
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

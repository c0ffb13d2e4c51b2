/**
 * One run of the command `gearmand`: file limit, user, signals, pid file, log, listen, serve, end. Rule: exit code 0
 * after an orderly end, 1 for every error; failures are printed for the caller and logged.
 */
import { LogLevel, levelName } from '../base/logger.ts';
import { systemReason } from '../base/system-reason.ts';
import { loadNative, type Native } from '../native/load.ts';
import { version } from '../server/identity.ts';
import type { LineLogger } from '../server/logger.ts';
import { resolveOptions } from '../server/options.ts';
import { createServerWith } from '../server/server.ts';
import type { Server } from '../server/types.ts';
import type { BackgroundChannel } from './background.ts';
import { tooFewDescriptors } from './enough-descriptors.ts';
import { exposuresOf } from './exposure.ts';
import { listenPatiently, pauseByTimer } from './listen-patiently.ts';
import { type OpenLog, openLog } from './open-log.ts';
import { checkPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { type PreparedServer, prepareServer } from './prepare-server.ts';
import type { Note, Settings } from './settings.ts';
import { writeIfPossible } from './standard-streams.ts';
import { serviceLines, startLine } from './start-line.ts';
import { StopSignals } from './stop-signals.ts';

/** One sentence with the action and the error; for bugs of ours, the whole stack. */
function sentence(error: unknown, isOurs = false): string {
  if (!(error instanceof Error)) return String(error);
  return isOurs ? (error.stack ?? error.message) : error.message;
}

/** Socket options that node:net cannot set. */
const ADDON_ONLY = [
  { key: 'keepaliveInterval', name: 'keepalive-interval' },
  { key: 'keepaliveCount', name: 'keepalive-count' },
  { key: 'tcpUserTimeout', name: 'tcp-user-timeout' },
] as const;

/** `--file-descriptors`. Without the addon it has no effect, which is noted for the log. */
function setFileLimit(count: number, native: Native, notes: Note[]): void {
  if (native.kind === 'twin') {
    const text = `--file-descriptors ${count} has no effect without the native core`;
    notes.push({ level: LogLevel.WARNING, text });
    return;
  }
  try {
    native.functions.setFileLimit(count);
  } catch (error) {
    throw new Error(`option --file-descriptors ${count}: ${systemReason(error)}`, { cause: error });
  }
}

function prepareProcess(settings: Settings, native: () => Native): Note[] {
  const { fileDescriptors } = settings.values;
  const notes = [...settings.notes];
  if (fileDescriptors !== 0) setFileLimit(fileDescriptors, native(), notes);
  const tooFew = tooFewDescriptors(resolveOptions(settings.server).threads);
  if (tooFew !== null) throw new Error(tooFew);
  const idle = ADDON_ONLY.filter(({ key }) => settings.given.has(key) && settings.values[key] > 0);
  if (idle.length > 0 && native().kind === 'twin') {
    const names = idle.map(({ name }) => `--${name}`).join(', ');
    const text = `${names}: no effect without the native core, the system decides`;
    notes.push({ level: LogLevel.WARNING, text });
  }
  return notes;
}

/**
 * The first screen of the log. Access for strangers is a warning unless `--allow` or `--admin-from` was given: then
 * the operator has decided about it.
 */
function announce(server: Server, settings: Settings, log: OpenLog): string {
  const line = startLine(server, version(), process.pid);
  const options = resolveOptions(settings.server);
  const { logger } = log;
  logger.log(LogLevel.INFO, `${line}, verbose is set to ${settings.values.verbose}`);
  for (const text of serviceLines(options)) logger.log(LogLevel.INFO, text);
  const isWanted = settings.given.has('adminFrom') || settings.given.has('allow');
  for (const { text, isOpen } of exposuresOf(server, options))
    logger.log(isOpen && !isWanted ? LogLevel.WARNING : LogLevel.INFO, text);
  return line;
}

/** SIGUSR2: logs everything; the next one restores the level of `--verbose`. */
function switchDebug(server: Server, logger: LineLogger, settings: Settings): void {
  const usual = LogLevel[settings.values.verbose];
  const level = logger.level === LogLevel.DEBUG ? usual : LogLevel.DEBUG;
  server.setLogLevel(LogLevel.DEBUG);
  logger.log(LogLevel.NOTICE, `SIGUSR2, verbose is set to ${levelName(level)}`);
  server.setLogLevel(level);
}

/** Handles SIGHUP, except for the log file. An unusable file is reported, and the files in use stay. */
function reload(server: Server, logger: LineLogger): void {
  try {
    server.reload();
  } catch (error) {
    logger.log(LogLevel.ERROR, `SIGHUP: ${sentence(error)}; the files in use stay`);
  }
}

/** Starts the server and reports that. If it cannot be reported, the server is closed in good order. */
async function begin(server: Server, say: () => void): Promise<void> {
  try {
    say();
  } catch (error) {
    await server.close().catch(() => {});
    throw error;
  }
}

/** Serves until a signal ends it. Rejects when the server cannot listen or ends because of an error. */
async function serve(
  settings: Settings,
  prepared: PreparedServer,
  log: OpenLog,
  signals: StopSignals,
  busy: (text: string) => void,
  started: (line: string) => void,
): Promise<void> {
  const { logger } = log;
  const server = createServerWith(
    { ...prepared.options, logger },
    prepared.files,
    settings.origins,
  );
  const isListening = await listenPatiently(() => server.listen(), signals.signal, {
    onBusy: (error, pause) => busy(`${error.message}; trying again in ${pause} s`),
    pause: pauseByTimer,
  });
  if (isListening) await begin(server, () => started(announce(server, settings, log)));
  process.on('SIGHUP', () => reload(server, logger));
  process.on('SIGUSR2', () => switchDebug(server, logger, settings));
  signals.onStop((kind, signal) => {
    const how = kind === 'now' ? 'shutting down' : 'shutting down after the last job';
    logger.log(LogLevel.INFO, `${signal}, ${how}`);
    // `closed` reports a failure of closing.
    server.close({ graceful: kind === 'graceful' }).catch(() => {});
  });
  await server.closed;
  logger.log(LogLevel.INFO, 'shutdown complete');
}

function keepPidFile(path: string): void {
  writePidFile(path, process.pid);
  process.once('exit', () => removePidFile(path, process.pid));
}

/** Runs the server in this process. Resolves to the exit code. `complain` reports to the caller of the command. */
export async function runDaemon(
  settings: Settings,
  channel: BackgroundChannel | null,
  complain: (text: string) => void,
): Promise<number> {
  const { pidFile, native: mode } = settings.values;
  let log: OpenLog | null = null;
  let isServing = false;
  /**
   * Reports a message: to the caller, in one format, until the server listens; after that to the log, in its format.
   */
  const say = (level: number, text: string): void => {
    const isOnStderr = log?.isOnStderr === true;
    if (isServing || !isOnStderr) log?.logger.log(level, text);
    if (!isServing || !isOnStderr) complain(text);
  };
  const fail = (error: unknown, isOurs: boolean): number => {
    say(LogLevel.FATAL, sentence(error, isOurs));
    return 1;
  };
  const native = (): Native => loadNative(mode);
  process.on('uncaughtException', (error) => process.exit(fail(error, true)));
  process.on('SIGHUP', () => log?.reopen());
  const signals = new StopSignals();
  signals.install();
  try {
    const notes = prepareProcess(settings, native);
    const prepared = prepareServer(settings);
    if (pidFile !== null) checkPidFile(pidFile);
    const isBackground = channel !== null;
    log = openLog(settings.values, { isBackground, complain, loadNative: native });
    for (const { level, text } of notes) log.logger.log(level, text);
    const busy = (text: string): void => say(LogLevel.ERROR, text);
    await serve(settings, prepared, log, signals, busy, (line) => {
      if (pidFile !== null) keepPidFile(pidFile);
      isServing = true;
      if (channel === null) writeIfPossible(process.stdout, `${line}\n`);
      else channel.ready();
    });
    return 0;
  } catch (error) {
    return fail(error, false);
  } finally {
    await log?.close();
  }
}

/**
 * Log lines in gearmand's format: `LLLLLLL YYYY-MM-DD hh:mm:ss.uuuuuu [thread] text`, local time, followed by ` ->
 * component` unless the level is INFO (gearmand: source file and line, which would mean nothing here). Rule: logging
 * never throws and never stops the server; a line that cannot be written is lost.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type LogContext, type Logger, LogLevel } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import { fileReason } from '../store/file-reason.ts';
import { isJournal, journalPriority } from './journal-stream.ts';

const LEVEL_NAMES = Object.keys(LogLevel) as (keyof typeof LogLevel)[];
const LEVEL_COLUMNS = 7;

/** Destination of lines: one call for each line, `line` without its line end, `text` without time and level. */
export interface LogSink {
  write(line: string, level: number, text: string): void;
  /** Opens a renamed file again by its name. Other sinks do nothing. */
  reopen(): void;
  /** Ends writing. Resolves when written lines have left the process. */
  close(): Promise<void>;
}

const two = (n: number): string => String(n).padStart(2, '0');

let cachedSecond = -1;
let cachedText = '';

/** Local time with microseconds. The part up to the second is computed once a second. */
function timestamp(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== cachedSecond) {
    const at = new Date(second * 1000);
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    cachedText = `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    cachedSecond = second;
  }
  const micros = Math.floor((wallMs - second * 1000) * 1000);
  return `${cachedText}.${String(micros).padStart(6, '0')}`;
}

function levelColumn(level: number): string {
  return (LEVEL_NAMES[level] ?? String(level)).padStart(LEVEL_COLUMNS);
}

/** Text of a thread in a log line: 0 is the main thread, others are shards. */
export function threadTag(thread: number): string {
  return thread === 0 ? '[  main ]' : `[${String(thread).padStart(6)} ]`;
}

/** One line of the log. `wallMs` may have a fraction. */
export function formatLogLine(
  level: number,
  text: string,
  wallMs: number,
  thread: number,
  component: string,
): string {
  const where = level === LogLevel.INFO ? '' : ` -> ${component}`;
  return `${levelColumn(level)} ${timestamp(wallMs)} ${threadTag(thread)} ${printable(text)}${where}`;
}

/** Makes a line without its line end. `text` has no control characters, `wallMs` may have a fraction. */
export type LineFormat = (
  level: number,
  text: string,
  wallMs: number,
  thread: number,
  component: string,
  context: LogContext | undefined,
) => string;

/** Writes lines at or below `level` to a sink. */
export class LineLogger implements Logger {
  /** Shared by all loggers of the same log. */
  readonly #levelBox: { level: number };
  readonly #sink: LogSink;
  readonly #thread: number;
  readonly #component: string;
  readonly #format: LineFormat;

  constructor(
    sink: LogSink,
    level: number | { level: number },
    component = 'gearmand',
    thread = 0,
    format: LineFormat = formatLogLine,
  ) {
    this.#levelBox = typeof level === 'number' ? { level } : level;
    this.#sink = sink;
    this.#component = component;
    this.#thread = thread;
    this.#format = format;
  }

  get level(): number {
    return this.#levelBox.level;
  }

  setLevel(level: number): void {
    this.#levelBox.level = level;
  }

  log(level: number, text: string, context?: LogContext): void {
    if (level > this.level) return;
    const wallMs = performance.timeOrigin + performance.now();
    const thread = Number(context?.thread ?? this.#thread);
    const plain = printable(text);
    this.#sink.write(
      this.#format(level, plain, wallMs, thread, this.#component, context),
      level,
      plain,
    );
  }

  /** The same log, whose lines have the tag of another thread; 0 is the main thread. */
  forThread(thread: number): LineLogger {
    return new LineLogger(this.#sink, this.#levelBox, this.#component, thread, this.#format);
  }

  /** The same log for another component. */
  forComponent(component: string): LineLogger {
    return new LineLogger(this.#sink, this.#levelBox, component, this.#thread, this.#format);
  }

  /** Opens the file again and logs it as gearmand does, without a time. */
  reopen(): void {
    this.#sink.reopen();
    if (this.level < LogLevel.NOTICE) return;
    const text = 'SIGHUP, reopening log file';
    if (this.#format !== formatLogLine) this.log(LogLevel.NOTICE, text);
    else this.#sink.write(`${levelColumn(LogLevel.NOTICE)} ${text}`, LogLevel.NOTICE, text);
  }
}

/** Appends to a file. Throws the system's error when it cannot be opened. */
export class FileSink implements LogSink {
  readonly #path: string;
  #fd: number;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'a', 0o644);
  }

  write(line: string): void {
    try {
      writeSync(this.#fd, `${line}\n`);
    } catch {
      // A full disk must not stop the server, and there is no place to report it.
    }
  }

  /** Keeps the old file when the new one cannot be opened. */
  reopen(): void {
    try {
      const fd = openSync(this.#path, 'a', 0o644);
      closeSync(this.#fd);
      this.#fd = fd;
    } catch (error) {
      const reason = `reopen ${this.#path}: ${fileReason(error)}, the log goes on in the old file`;
      this.write(`${levelColumn(LogLevel.WARNING)} ${reason}`);
    }
  }

  async close(): Promise<void> {
    closeSync(this.#fd);
  }
}

/** Standard error; its reader may close it. */
export class StderrSink implements LogSink {
  readonly #isJournal = isJournal();

  constructor() {
    process.stderr.on('error', () => {});
  }

  write(line: string, level: number): void {
    const priority = this.#isJournal ? journalPriority(level) : '';
    try {
      process.stderr.write(`${priority}${line}\n`);
    } catch {
      // Some versions of Node throw when it is a file on a full disk.
    }
  }

  reopen(): void {}

  async close(): Promise<void> {}
}

/** Several sinks; none with an empty list. */
export class SinkList implements LogSink {
  readonly #sinks: readonly LogSink[];

  constructor(sinks: readonly LogSink[]) {
    this.#sinks = sinks;
  }

  write(line: string, level: number, text: string): void {
    for (const sink of this.#sinks) sink.write(line, level, text);
  }

  reopen(): void {
    for (const sink of this.#sinks) sink.reopen();
  }

  async close(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }
}

/**
 * Log formats besides gearmand's own: JSON for programs (by pino), and a short form for a terminal. Both have the text
 * of gearmand's line; JSON also has the facts of the context as fields.
 */
import { existsSync } from 'node:fs';
import { createColors } from 'picocolors';
import pino from 'pino';
import { LogLevel, levelName } from '../base/logger.ts';
import type { LineFormat } from './logger.ts';

/** pino's methods by gearmand's level; the level's own name stands in `severity`. */
const METHODS = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug'] as const;

/** Characters that JSON leaves unescaped, and that a terminal showing the log would execute. */
const UNSAFE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Escapes them as JSON does: they occur within strings only. */
function withEscapes(json: string): string {
  const unit = (at: number, text: string) =>
    `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return json.replace(UNSAFE, (text) =>
    Array.from({ length: text.length }, (_, at) => unit(at, text)).join(''),
  );
}

/** One JSON object a line: level, time (ISO 8601), pid, severity, thread, context, msg. */
export function jsonFormat(): LineFormat {
  let made = '';
  const logger = pino(
    {
      level: 'debug',
      base: { pid: process.pid },
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line: string) => {
        made = withEscapes(line.trimEnd());
      },
    },
  );
  return (level, text, wallMs, thread, _component, context) => {
    const fields = {
      ...context,
      time: new Date(wallMs).toISOString(),
      severity: levelName(level),
      thread,
    };
    logger[METHODS[level] ?? 'debug'](fields, text);
    return made;
  };
}

const LEVEL_COLUMNS = 8;

/** `12:34:56.789 WARNING  text (thread 2)`, in colours where wanted. */
export function prettyFormat(hasColours: boolean): LineFormat {
  const { dim, red, yellow, cyan } = createColors(hasColours && process.env.NO_COLOR === undefined);
  const colourOf = (level: number) =>
    level <= LogLevel.ERROR ? red : level === LogLevel.WARNING ? yellow : cyan;
  return (level, text, wallMs, thread) => {
    const at = new Date(wallMs);
    const time = new Date(wallMs - at.getTimezoneOffset() * 60_000).toISOString().slice(11, 23);
    const where = thread === 0 ? '' : dim(` (thread ${thread})`);
    return `${dim(time)} ${colourOf(level)(levelName(level).padEnd(LEVEL_COLUMNS))} ${text}${where}`;
  };
}

/** Whether this process runs in a container, as far as this can be detected from inside. */
export function isInContainer(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.pid === 1 || env.KUBERNETES_SERVICE_HOST !== undefined) return true;
  return existsSync('/.dockerenv') || existsSync('/run/.containerenv');
}

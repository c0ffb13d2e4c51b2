/** Lines of the log for programs and for people. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LogLevel } from '../../../src/base/logger.ts';
import { isInContainer, jsonFormat, prettyFormat } from '../../../src/server/log-formats.ts';
import { LineLogger } from '../../../src/server/logger.ts';

const AT = Date.UTC(2026, 10, 25, 12, 34, 56, 789);

afterEach(() => vi.unstubAllEnvs());

describe('json', () => {
  it('has level, severity, time, thread, context and text as fields of one line', () => {
    const context = { address: '::1', port: 5, clientId: 'a"b' };
    const line = jsonFormat()(LogLevel.NOTICE, 'close it', AT, 2, 'gearmand', context);
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      pid: process.pid,
      time: '2026-11-25T12:34:56.789Z',
      severity: 'NOTICE',
      thread: 2,
      address: '::1',
      port: 5,
      clientId: 'a"b',
      msg: 'close it',
    });
  });

  it.each(Object.entries(LogLevel))('writes a line of level %s', (severity, level) => {
    const line = jsonFormat()(level, 'text', AT, 0, 'gearmand', undefined);
    expect(JSON.parse(line)).toMatchObject({ severity, msg: 'text' });
  });

  it('keeps to one line whatever strangers are called', () => {
    const lines: string[] = [];
    const sink = { write: (line: string) => void lines.push(line), reopen() {}, async close() {} };
    const logger = new LineLogger(sink, LogLevel.DEBUG, 'gearmand', 0, jsonFormat());
    logger.log(LogLevel.ERROR, 'function a\nb', { clientId: '\n\u2028' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\n\r]/);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ msg: 'function a\\nb' });
  });
});

describe('json on a terminal', () => {
  it('has no character that a terminal obeys, and means the same', () => {
    const clientId = 'a\u009b31m\u202e\u{e0041}\x7f';
    const line = jsonFormat()(LogLevel.NOTICE, 'x', AT, 0, 'gearmand', { clientId });
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(line)).toMatchObject({ clientId });
  });
});

describe('pretty', () => {
  it('has time, level, text and thread', () => {
    vi.stubEnv('TZ', 'UTC');
    const plain = prettyFormat(false);
    expect(plain(LogLevel.WARNING, 'careful', AT, 0, '', undefined)).toMatch(
      /^\d\d:34:56\.789 WARNING {2}careful$/,
    );
    expect(plain(LogLevel.INFO, 'x', AT, 3, '', undefined)).toMatch(/ INFO {5}x \(thread 3\)$/);
  });

  it('has colours only where wanted', () => {
    vi.stubEnv('NO_COLOR', undefined);
    expect(prettyFormat(true)(LogLevel.ERROR, 'x', AT, 0, '', undefined)).toContain('\x1b[31m');
    vi.stubEnv('NO_COLOR', '1');
    expect(prettyFormat(true)(LogLevel.ERROR, 'x', AT, 0, '', undefined)).not.toContain('\x1b');
  });
});

it('sees a container of Kubernetes', () => {
  expect(isInContainer({ KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toBe(true);
});

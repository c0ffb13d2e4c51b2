/** The shape of log lines, levels, and the file sink around a rename. */
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogLevel } from '../../../src/base/logger.ts';
import {
  FileSink,
  formatLogLine,
  LineLogger,
  type LogSink,
  SinkList,
  threadTag,
} from '../../../src/server/logger.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

class Kept implements LogSink {
  readonly lines: string[] = [];
  write(line: string): void {
    this.lines.push(line);
  }
  reopen(): void {}
  async close(): Promise<void> {}
}

/** Local time of a fixed instant, whatever the zone of the machine. */
const instant = new Date(2026, 10, 3, 4, 5, 6).getTime();

test('an INFO line has level, local time with microseconds, thread and text', () => {
  expect(formatLogLine(LogLevel.INFO, 'hello', instant + 78.125, 0, 'gearmand')).toBe(
    '   INFO 2026-11-03 04:05:06.078125 [  main ] hello',
  );
});

test('every other level names the component behind an arrow', () => {
  expect(formatLogLine(LogLevel.ERROR, 'hello', instant, 3, 'shard')).toBe(
    '  ERROR 2026-11-03 04:05:06.000000 [     3 ] hello -> shard',
  );
});

test('levels are right-aligned in seven columns, CRITICAL takes eight', () => {
  const levels = Object.values(LogLevel).map(
    (level) => formatLogLine(level, '', instant, 0, '').split(' 2026')[0],
  );
  expect(levels).toEqual([
    '  FATAL',
    '  ALERT',
    'CRITICAL',
    '  ERROR',
    'WARNING',
    ' NOTICE',
    '   INFO',
    '  DEBUG',
  ]);
});

test('the second follows the clock in both directions', () => {
  const at = (ms: number) => formatLogLine(LogLevel.INFO, '', instant + ms, 0, '').slice(8, 27);
  expect([at(0), at(1000), at(-1000)]).toEqual([
    '2026-11-03 04:05:06',
    '2026-11-03 04:05:07',
    '2026-11-03 04:05:05',
  ]);
});

test('thread tags are as wide as gearmand writes them', () => {
  expect([threadTag(0), threadTag(3), threadTag(12)]).toEqual([
    '[  main ]',
    '[     3 ]',
    '[    12 ]',
  ]);
});

test('a text from strangers stays one line', () => {
  const line = formatLogLine(LogLevel.INFO, 'a\nb\x07\r', instant, 0, '');
  expect(line.endsWith('a\\nb\\x07\\x0d')).toBe(true);
});

test('lines above the level are dropped', () => {
  const sink = new Kept();
  const logger = new LineLogger(sink, LogLevel.WARNING);
  logger.log(LogLevel.NOTICE, 'no');
  logger.log(LogLevel.WARNING, 'yes');
  expect(sink.lines).toHaveLength(1);
  expect(sink.lines[0]).toMatch(
    /^WARNING \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[ {2}main \] yes -> gearmand$/,
  );
});

test('a logger for a thread and a component writes to the same log', () => {
  const sink = new Kept();
  new LineLogger(sink, LogLevel.DEBUG).forThread(2).forComponent('ring').log(LogLevel.DEBUG, 'x');
  expect(sink.lines[0]).toMatch(/\[ {5}2 \] x -> ring$/);
});

test('after a rename and reopen lines go to a new file of the old name', async () => {
  const path = join(folder, 'log');
  const logger = new LineLogger(new FileSink(path), LogLevel.INFO);
  logger.log(LogLevel.INFO, 'one');
  renameSync(path, `${path}.1`);
  logger.log(LogLevel.INFO, 'two');
  logger.reopen();
  logger.log(LogLevel.INFO, 'three');
  const texts = (name: string) =>
    readFileSync(name, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(-5));
  expect(texts(`${path}.1`)).toEqual(['] one', '] two']);
  expect(readFileSync(path, 'utf8')).toMatch(/^ NOTICE SIGHUP, reopening log file\n.* three\n$/);
});

test('below NOTICE nothing is said about reopening', () => {
  const path = join(folder, 'log');
  new LineLogger(new FileSink(path), LogLevel.ERROR).reopen();
  expect(readFileSync(path, 'utf8')).toBe('');
});

test('a file is appended to', () => {
  const path = join(folder, 'log');
  for (const text of ['one', 'two']) new FileSink(path).write(text);
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
});

test('a file that cannot be opened throws, a reopen that fails keeps the old file', () => {
  expect(() => new FileSink(join(folder, 'no', 'log'))).toThrow(/ENOENT/);
  const path = join(folder, 'log');
  const sink = new FileSink(path);
  renameSync(folder, `${folder}-moved`);
  folder = `${folder}-moved`;
  sink.reopen();
  sink.write('still here');
  expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(
    /WARNING reopen .*log: .*ENOENT.*, the log goes on in the old file\nstill here\n$/,
  );
});

test('a list of sinks writes to each', () => {
  const sinks = [new Kept(), new Kept()];
  new LineLogger(new SinkList(sinks), LogLevel.INFO).log(LogLevel.INFO, 'x');
  expect(sinks.map((sink) => sink.lines.length)).toEqual([1, 1]);
});

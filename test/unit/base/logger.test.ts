import { describe, expect, it } from 'vitest';
import { LogLevel, nullLogger } from '../../../src/base/logger.ts';

describe('LogLevel', () => {
  it('numbers the levels of gearmand from the gravest on', () => {
    expect(Object.entries(LogLevel)).toEqual(
      ['FATAL', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG'].map(
        (name, level) => [name, level],
      ),
    );
  });
});

describe('nullLogger', () => {
  it('wants no line, not even a fatal one', () => {
    expect(nullLogger.level).toBeLessThan(LogLevel.FATAL);
    expect(nullLogger.log(LogLevel.FATAL, 'lost')).toBeUndefined();
  });
});

/** Lines that only a talkative log has, or a server that is slow. */
import { describe, expect, it } from 'vitest';
import { LogLevel } from '../../../dist/index.js';
import { TestLog, useYard, variants } from '../../support/embedding/servers.ts';

describe.each(variants())('the log, $label', (variant) => {
  const yard = useYard();

  it('has a line for each accepted job at NOTICE, as gearmand writes it', async () => {
    const { port, log } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    const at = Math.floor(Date.now() / 1000) + 1000;
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', 'u', 'x');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', 'u', 'x');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', Buffer.from('größe'), '', 'x');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '-', 'abc');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', 'f', 'later', `${at}`, 'x');
    await client.ask('ERROR', 'SUBMIT_JOB', 'f', 'u'.repeat(65), 'x');
    await log.until(/^accepted/, 5);
    const accepted = log.lines.filter((line) => line.startsWith('accepted'));
    // Functions of two shards may be told of in either order.
    expect(accepted.sort()).toEqual(
      [
        'accepted,f,u,0',
        'accepted,f,u,0',
        'accepted,größe,,0',
        'accepted,f,-,0',
        `accepted,f,later,${at}`,
      ].sort(),
    );
  });

  it('has none of them above that level', async () => {
    const quiet = new TestLog(LogLevel.WARNING);
    const asked: number[] = [];
    const log = quiet.log.bind(quiet);
    quiet.log = (level, text) => {
      asked.push(level);
      log(level, text);
    };
    const { port } = await yard().start(variant, { logger: quiet });
    const client = await yard().peer({ port }, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
    await client.barrier();
    expect(asked.filter((level) => level === LogLevel.NOTICE)).toEqual([]);
  });
});

describe.each(variants([0]))('a slow turn, $label', (variant) => {
  const yard = useYard();

  it('is in the log with what it did', async () => {
    const log = new TestLog();
    const keep = log.log.bind(log);
    // A line of the log is written within the turn, so it can make the turn slow.
    log.log = (level, text) => {
      const endMs = performance.now() + (text.startsWith('accepted') ? 5 : 0);
      while (performance.now() < endMs);
      keep(level, text);
    };
    const { port } = await yard().start(variant, { logger: log, slowTurnMs: 4 });
    const client = await yard().peer({ port }, 'client');
    client.send('SUBMIT_JOB_BG', 'f', '', 'x');
    await log.until(
      /^a turn took \d+ ms, limit 4 ms: \d+ rows of \d connections \(.*1 SUBMIT_JOB_BG.*\)$/,
    );
  });
});

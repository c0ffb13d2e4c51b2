/**
 * Jobs of two functions that have one key in gearmand's layout for Redis: function `a` with unique `b-c`, function `a-b`
 * with unique `c`. Rule: a client that may use the one function can neither block nor remove jobs of the other.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { KeyValueServer, requireKeyValue } from '../../support/store/key-value-servers.ts';

const yard = useYard();
const [way] = variants([0]);
if (way === undefined) throw new Error('no way to run a server');

const JOBS = [
  { functionName: 'a', unique: 'b-c' },
  { functionName: 'a-b', unique: 'c' },
  { functionName: 'a-b-', unique: '' },
  { functionName: 'a', unique: 'b--d' },
  { functionName: 'a-b', unique: '-d' },
  { functionName: 'a-b-', unique: 'd' },
];

describe.skipIf(!requireKeyValue('redis'))('jobs with one key in Redis', () => {
  let store: KeyValueServer;
  const options = (): ServerOptions => ({ queueType: 'redis', redisPort: store.port });
  beforeEach(async () => {
    store = await KeyValueServer.start('redis');
  });
  afterEach(async () => {
    await yard().end();
    await store.remove();
  });

  /** Runs jobs of a function until there is none or `most` have run; what they were. */
  async function run(port: number, name: string, most = 100): Promise<string[]> {
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', name);
    const found: string[] = [];
    while (found.length < most) {
      worker.send('GRAB_JOB_UNIQ');
      const item = await worker.next();
      if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN_UNIQ') break;
      expect(String(item.args[1])).toBe(name);
      found.push(`${item.args[2]} ${item.data}`);
      worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
    }
    await worker.close();
    return found;
  }

  it.each([
    ['submitted', JOBS],
    ['submitted the other way round', [...JOBS].reverse()],
  ])('are all taken, come back and end for themselves, %s', async (_, jobs) => {
    const first = await yard().start(way, options());
    const client = await yard().peer(first, 'client');
    for (const { functionName, unique } of jobs)
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', functionName, unique, functionName);
    // One that has ended takes none of the others along.
    expect(await run(first.port, 'a-b', 1)).toHaveLength(1);
    await first.server.close();
    const second = await yard().start(way, options());
    expect(await run(second.port, 'a')).toHaveLength(2);
    await second.server.close();
    const third = await yard().start(way, options());
    expect(await run(third.port, 'a')).toEqual([]);
    expect(await run(third.port, 'a-b')).toEqual([expect.stringMatching(/^(c|-d) a-b$/)]);
    expect((await run(third.port, 'a-b-')).sort()).toEqual([' a-b-', 'd a-b-']);
    await third.server.close();
    expect(await store.says('DBSIZE\r\n')).toBe(':0\r\n');
  });

  it('that gearmand has written are neither blocked nor removed', async () => {
    await store.says('HSET _gear_-a-b-c data old priority 1\r\n');
    const first = await yard().start(way, options());
    const client = await yard().peer(first, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'a-b', 'c', 'new');
    expect(await run(first.port, 'a-b')).toEqual(['c new']);
    await first.server.close();
    const second = await yard().start(way, options());
    expect(await run(second.port, 'a')).toEqual(['b-c old']);
    await second.server.close();
    expect(await store.says('DBSIZE\r\n')).toBe(':0\r\n');
  });
});

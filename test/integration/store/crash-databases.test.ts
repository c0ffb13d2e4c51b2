/** The server is killed under load with each database: 30 rounds with GEARTRAIN_FULL=1 (`npm run crash`), else 3. */
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { Random } from '../../support/random.ts';
import { CrashRounds } from '../../support/store/crash-rounds.ts';
import { DATABASES } from '../../support/store/databases.ts';
import { KeyValueServer, requireKeyValue } from '../../support/store/key-value-servers.ts';

const rounds = process.env.GEARTRAIN_FULL === '1' ? 30 : 3;
/** Some commits take milliseconds each; a few hundred jobs are load enough. */
const LOAD_MAX = 300;

async function kill(name: string, options: ServerOptions): Promise<void> {
  const seed = Number(process.env.GEARTRAIN_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const crash = new CrashRounds(
    '',
    new Random(seed),
    { ...options, stateDir: null },
    LOAD_MAX,
    true,
  );
  for (let round = 0; round < rounds; round++) await crash.round();
  const { lost, cameBack, ...counts } = crash.counts;
  console.log(`kill -9, ${name}, seed ${seed}: ${JSON.stringify(counts)}`);
  expect({ lost, cameBack }).toEqual({ lost: [], cameBack: [] });
  expect(counts.acknowledged).toBeGreaterThan(rounds);
  expect(counts.dead).toBeGreaterThan(0);
}

const WORDS = `loses nothing acknowledged and brings nothing committed back in ${rounds} kills`;

for (const kind of DATABASES)
  describe.skipIf(!kind.isThere())(kind.name, () => {
    it(WORDS, async () => {
      const database = await kind.start();
      try {
        await kill(kind.name, database.options('jobs_crash'));
      } finally {
        await database.close();
      }
    }, 1_800_000);
  });

describe.skipIf(!requireKeyValue('redis'))('redis', () => {
  it(WORDS, async () => {
    const server = await KeyValueServer.start('redis');
    try {
      await kill('redis', { queueType: 'redis', redisServer: '127.0.0.1', redisPort: server.port });
    } finally {
      await server.remove();
    }
  }, 1_800_000);
});

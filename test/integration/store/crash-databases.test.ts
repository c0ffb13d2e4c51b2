/** The server is killed under load with each database: 30 rounds with GEARTRAIN_FULL=1 (`npm run crash`), else 3. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../support/random.ts';
import { CrashRounds } from '../../support/store/crash-rounds.ts';
import { DATABASES } from '../../support/store/databases.ts';

const rounds = process.env.GEARTRAIN_FULL === '1' ? 30 : 3;
/** Some commits take milliseconds each; a few hundred jobs are load enough. */
const LOAD_MAX = 300;

for (const kind of DATABASES)
  describe.skipIf(!kind.isThere())(kind.name, () => {
    it(`loses nothing acknowledged and brings nothing committed back in ${rounds} kills`, async () => {
      const seed = Number(process.env.GEARTRAIN_SEED ?? Math.floor(Math.random() * 2 ** 31));
      const database = await kind.start();
      try {
        const options = { ...database.options('jobs_crash'), stateDir: null };
        const crash = new CrashRounds('', new Random(seed), options, LOAD_MAX, true);
        for (let round = 0; round < rounds; round++) await crash.round();
        const { lost, cameBack, ...counts } = crash.counts;
        console.log(`kill -9, ${kind.name}, seed ${seed}: ${JSON.stringify(counts)}`);
        expect({ lost, cameBack }).toEqual({ lost: [], cameBack: [] });
        expect(counts.acknowledged).toBeGreaterThan(rounds);
        expect(counts.dead).toBeGreaterThan(0);
      } finally {
        await database.close();
      }
    }, 1_800_000);
  });

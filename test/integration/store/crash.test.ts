/** The server is killed under load and started again: 200 rounds with GEARTRAIN_FULL=1 (`npm run crash`), else a few. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../support/random.ts';
import { CrashRounds } from '../../support/store/crash-rounds.ts';

const rounds = process.env.GEARTRAIN_FULL === '1' ? 200 : 6;
const LOAD_MAX = 1500;

it(`loses nothing acknowledged and brings nothing committed back in ${rounds} kills`, async () => {
  const seed = Number(process.env.GEARTRAIN_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const stateDir = mkdtempSync(join(tmpdir(), 'geartrain-crash-'));
  try {
    const crash = new CrashRounds(stateDir, new Random(seed), {}, LOAD_MAX, true);
    for (let round = 0; round < rounds; round++) await crash.round();
    const { lost, cameBack, ...counts } = crash.counts;
    console.log(`kill -9, seed ${seed}: ${JSON.stringify(counts)}`);
    expect({ lost, cameBack }).toEqual({ lost: [], cameBack: [] });
    expect(counts.acknowledged).toBeGreaterThan(rounds);
    expect(counts.dead).toBeGreaterThan(0);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}, 1_800_000);

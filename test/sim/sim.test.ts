/**
 * Simulates whole servers: `GEARTRAIN_SIM_SEEDS` of them (default 200), from seed `GEARTRAIN_SIM_FROM` (default 1) on.
 * `GEARTRAIN_SIM_SEED` replays one seed and prints everything that happened.
 */
import { describe, test } from 'vitest';
import { describePlan, planOf } from './plan.ts';
import { simulate } from './simulation.ts';
import { Transcript } from './transcript.ts';

const STEPS = 600;
const SEEDS_PER_TEST = 20;
const TEST_MS_MAX = 120_000;
/** Events that a failure shows. */
const SHOWN = 60;

function run(seed: number, shown: number): string {
  const plan = planOf(seed, STEPS);
  const transcript = new Transcript(shown);
  try {
    simulate(plan, transcript);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${describePlan(plan)}\n${transcript}\n${reason}\nreplay: npm run sim -- ${seed}`,
      {
        cause: error,
      },
    );
  }
  return `${describePlan(plan)}\n${transcript}`;
}

const only = process.env.GEARTRAIN_SIM_SEED;
const from = Number(process.env.GEARTRAIN_SIM_FROM || 1);
const count = Number(process.env.GEARTRAIN_SIM_SEEDS || 200);

describe('a simulated server', () => {
  if (only) {
    test(`keeps every rule under seed ${only}`, { timeout: TEST_MS_MAX }, () => {
      console.log(run(Number(only), Number.POSITIVE_INFINITY));
    });
    return;
  }
  for (let first = from; first < from + count; first += SEEDS_PER_TEST) {
    const last = Math.min(first + SEEDS_PER_TEST, from + count) - 1;
    test(`keeps every rule under seeds ${first} to ${last}`, { timeout: TEST_MS_MAX }, () => {
      for (let seed = first; seed <= last; seed++) run(seed, SHOWN);
    });
  }
});

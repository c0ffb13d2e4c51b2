/**
 * Simulates whole clusters: `GEARTRAIN_SIM_SEEDS` of them (default 200), from seed `GEARTRAIN_SIM_FROM` (default 1) on.
 * `GEARTRAIN_SIM_SEED` replays one seed and prints what happened; `GEARTRAIN_SIM_BREAK` takes one
 * rule away. `GEARTRAIN_SIM_BROKEN` takes each rule of BREAKS away in turn, to see that the simulation notices.
 */
import { describe, expect, test } from 'vitest';
import { BREAKS, type Break, describePlan, planOf, RARE_BREAKS } from './plan.ts';
import { World } from './world.ts';

const SEEDS_PER_TEST = 20;
const TEST_MS_MAX = 120_000;
/** Seeds that are played, at most, until the loss of a rule shows. */
const BROKEN_SEEDS = 1000;
/** Lines that a failure shows. */
const SHOWN = 60;

function run(seed: number, shown: number, broken: Break | null = null): string {
  const plan = planOf(seed, broken);
  const world = new World(plan);
  const report = () => `${describePlan(plan)}\n${world.transcript.slice(-shown).join('\n')}`;
  try {
    world.run();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${report()}\n${reason}\nreplay: npm run sim:cluster -- ${seed}`, {
      cause: error,
    });
  }
  return `${report()}\n${world.ledger.summary}`;
}

const only = process.env.GEARTRAIN_SIM_SEED;
const from = Number(process.env.GEARTRAIN_SIM_FROM || 1);
const count = Number(process.env.GEARTRAIN_SIM_SEEDS || 200);
const rules: readonly Break[] = [...BREAKS, ...RARE_BREAKS];
const broken = rules.find((rule) => rule === process.env.GEARTRAIN_SIM_BREAK) ?? null;

describe('a simulated cluster', () => {
  if (only) {
    test(`keeps every rule under seed ${only}`, { timeout: TEST_MS_MAX }, () => {
      console.log(run(Number(only), Number.POSITIVE_INFINITY, broken));
    });
    return;
  }
  for (let first = from; first < from + count; first += SEEDS_PER_TEST) {
    const last = Math.min(first + SEEDS_PER_TEST, from + count) - 1;
    test(`keeps every rule under seeds ${first} to ${last}`, { timeout: TEST_MS_MAX }, () => {
      for (let seed = first; seed <= last; seed++) run(seed, SHOWN, broken);
    });
  }
});

/** The first seed that fails without the rule; null when all of them pass. */
function firstFailure(rule: Break): number | null {
  for (let seed = 1; seed <= BROKEN_SEEDS; seed++) {
    try {
      run(seed, 0, rule);
    } catch {
      return seed;
    }
  }
  return null;
}

describe.skipIf(!process.env.GEARTRAIN_SIM_BROKEN)('a simulation', () => {
  test.each(BREAKS)('notices that %s', { timeout: TEST_MS_MAX }, (rule) => {
    expect(firstFailure(rule)).not.toBeNull();
  });
});

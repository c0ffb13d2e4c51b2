/**
 * Checks the NOOPs of our server against the wake-up rule, after every step: for each function, woken workers >=
 * min(runnable jobs, woken + sleeping); woken are the longest sleepers, never one more than that asks.
 * The server under test runs with a wake-up delay that never ends, so time decides nothing here.
 */
import type { Connection, Model } from './model.ts';

interface Demand {
  readonly functionName: string;
  readonly runnable: number;
  readonly woken: number;
  readonly sleepers: readonly Connection[];
  /** How many more sleepers must be woken; at most so many when unsure workers count as sleepers. */
  readonly missing: number;
  readonly missingMost: number;
}

function demandOf(functionName: string, model: Model): Demand {
  const offering = model.live.filter((c) => c.abilities.includes(functionName));
  const woken = offering.filter((c) => c.waking === 'woken').length;
  const sleepers = offering.filter((c) => c.waking === 'sleeping');
  const runnable = model.runnable(functionName);
  const awaited = Math.min(runnable, woken + sleepers.length);
  const unsure = offering.filter((c) => c.isUnsure).length;
  const missing = Math.max(0, awaited - woken);
  const missingMost = Math.max(0, awaited - (woken - unsure));
  return { functionName, runnable, woken, sleepers, missing, missingMost };
}

/**
 * Takes the NOOPs of a step into the model and says what is wrong with them, or null. `leave`: wakes that the step may
 * have caused for jobs which it took away itself.
 */
export function checkWakeups(
  model: Model,
  functionNames: readonly string[],
  noops: readonly Connection[],
  leave: number,
): string | null {
  const awake = noops.find((c) => c.waking !== 'sleeping');
  if (awake !== undefined) return `${awake.name} got a NOOP, but was ${awake.waking}`;
  if (new Set(noops).size < noops.length) return 'a worker got two NOOPs for one sleep';

  const before = functionNames.map((name) => demandOf(name, model));
  const asked = before.reduce((sum, demand) => sum + demand.missingMost, 0);
  if (noops.length > asked + leave) {
    return `${noops.length} workers were woken, ${asked} were needed`;
  }
  for (const peer of noops) {
    const demands = before.filter((d) => peer.abilities.includes(d.functionName));
    const wasLongest = demands.some((d) =>
      d.sleepers.every((other) => noops.includes(other) || !(other.sleepLatest < peer.sleepFirst)),
    );
    if (!wasLongest) return `${peer.name} was woken before a worker that slept longer`;
  }

  for (const peer of noops) peer.waking = 'woken';
  for (const name of functionNames) {
    const { runnable, woken, sleepers, missing } = demandOf(name, model);
    if (missing === 0) continue;
    const asleep = sleepers.map((c) => c.name).join(' ');
    return `${runnable} jobs of ${name} wait, ${woken} workers are woken, asleep: ${asleep}`;
  }
  return null;
}

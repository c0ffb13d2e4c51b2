/** What the broker needs to know of a function's policy and state: plain data that crosses threads. */
import type { Policy } from './policy.ts';
import { type RunPolicy, runPolicyOf } from './run-policy.ts';

/** The part of a policy that decides when jobs of a function may start, with what operators have told it. */
export interface GateSettings {
  /** Name of the function, Latin-1, one character a byte. */
  readonly name: string;
  /** Runs at a time; 0 = no limit. */
  readonly concurrency: number;
  /** Milliseconds from one start to the next; 0 = no limit. */
  readonly intervalMs: number;
  /** Starts that a time without jobs saves up, at least 1. */
  readonly burst: number;
  /** No job starts. */
  readonly isPaused: boolean;
  /** New jobs are refused. */
  readonly isDraining: boolean;
  /** What happens when a run fails; null = the job ends, as in gearmand. */
  readonly runs: RunPolicy | null;
}

/** A rate saves up so much time when `burst` is not set. */
const BURST_MS = 10;

export function gateSettings(
  name: string,
  policy: Policy,
  isPaused: boolean,
  isDraining: boolean,
): GateSettings {
  const { concurrency = 0, rate = null, burst } = policy;
  const intervalMs = rate === null ? 0 : rate.perMs / rate.count;
  // Not by `intervalMs`, which is rounded: 2900/s would save up 28 starts.
  const saved = rate === null ? 1 : Math.floor((BURST_MS * rate.count) / rate.perMs);
  return {
    name,
    concurrency,
    intervalMs,
    burst: burst ?? Math.max(1, saved),
    isPaused,
    isDraining,
    runs: runPolicyOf(policy),
  };
}

/** Whether a gate with these settings never closes and refuses nothing. */
export function isOpenGate(settings: GateSettings): boolean {
  const { concurrency, intervalMs, isPaused, isDraining } = settings;
  return concurrency === 0 && intervalMs === 0 && !isPaused && !isDraining;
}

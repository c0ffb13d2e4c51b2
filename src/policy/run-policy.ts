/** The part of a policy that decides what happens when a run of a job fails: plain data that crosses threads. */
import type { Backoff, Policy } from './policy.ts';

/** Null stands for "no policy about runs": then a failed job ends, as in gearmand. */
export interface RunPolicy {
  /** Runs that may fail before the job is dead, at least 1. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /** 0 to 1: a delay is multiplied by a random number from 1 - jitter to 1. */
  readonly jitter: number;
  /** A run that lasts longer has failed; 0 = no limit. */
  readonly timeoutMs: number;
  /** Foreground jobs are tried again too. */
  readonly isForeground: boolean;
  /** Limits of the dead jobs of the function; `deadMax` 0 = they are not kept. */
  readonly deadMax: number;
  readonly deadAgeMs: number;
  readonly deadBytesMax: number;
}

const HOUR_MS = 3_600_000;
/** What holds for keys that are not set, and for dead jobs of a function without a policy about runs. */
export const DEFAULT_RUN_POLICY: RunPolicy = {
  attempts: 1,
  backoff: { firstMs: 1000, maxMs: HOUR_MS },
  jitter: 0.5,
  timeoutMs: 0,
  isForeground: false,
  deadMax: 10_000,
  deadAgeMs: 30 * 24 * HOUR_MS,
  deadBytesMax: 64 * 1024 * 1024,
};

/** Null unless the policy says something about attempts, timeout or dead jobs. */
export function runPolicyOf(policy: Policy): RunPolicy | null {
  const { attempts, timeout, dead, dead_age, dead_bytes } = policy;
  const says = [attempts, timeout, dead, dead_age, dead_bytes].some((value) => value !== undefined);
  if (!says) return null;
  return {
    attempts: attempts ?? DEFAULT_RUN_POLICY.attempts,
    backoff: policy.backoff ?? DEFAULT_RUN_POLICY.backoff,
    jitter: policy.jitter ?? DEFAULT_RUN_POLICY.jitter,
    timeoutMs: timeout ?? DEFAULT_RUN_POLICY.timeoutMs,
    isForeground: policy.fg === 1,
    deadMax: dead ?? DEFAULT_RUN_POLICY.deadMax,
    deadAgeMs: dead_age ?? DEFAULT_RUN_POLICY.deadAgeMs,
    deadBytesMax: dead_bytes ?? DEFAULT_RUN_POLICY.deadBytesMax,
  };
}

/** Whole milliseconds until the next run after `attempts` failed ones; `random` is from 0 to 1. */
export function delayAfter(
  { backoff, jitter }: RunPolicy,
  attempts: number,
  random: number,
): number {
  const delayMs =
    'timesMs' in backoff
      ? (backoff.timesMs[Math.min(attempts, backoff.timesMs.length) - 1] as number)
      : Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempts - 1, 40));
  return Math.round(delayMs * (1 - jitter * random));
}

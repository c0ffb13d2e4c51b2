/**
 * THE table of policy keys, and the one grammar of options, text commands and files: `key:value` with commas, as in
 * `concurrency:5,rate:100/s`. To add a key, add a row. Rule: a key that is not set has no effect, so a function without
 * a policy behaves as in gearmand.
 */
import { closest } from '../base/closest.ts';
import { size } from '../option/types.ts';

/** How many runs may start in a time: `count` each `perMs` milliseconds. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** The policy of a function as a program gives it. A key that is left out is not set. */
export interface FunctionPolicy {
  /** Jobs of the function that may run at a time, on all workers together. 0 to 1000000; 0 = no limit. */
  concurrency?: number;
  /** Jobs of the function that may start in a time: `100/s`, `20/m` or `5/h`; 0 = no limit. */
  rate?: string | 0;
  /** With `rate`: jobs that may start at once after a time without jobs. 1 to 1000000; default: 10 ms of the rate. */
  burst?: number;
  /** Runs that may fail (WORK_FAIL, WORK_EXCEPTION, `timeout`) before the job is dead. 1 to 1000; default 1. */
  attempts?: number;
  /** Time before the next run: `exp:1s:1h` doubles it, `fixed:10s`, `list:1s:10s:1m`. Default `exp:1s:1h`. */
  backoff?: string;
  /** How much of that time is random, so that jobs do not come back all at once. 0 to 1; default 0.5. */
  jitter?: number;
  /** A run that lasts longer has failed: `500ms`, `30s`, `5m`, `2h`, `1d`; 10 ms to 30 days, 0 = no limit. */
  timeout?: string | 0;
  /** 1: foreground jobs are tried again too; their clients wait. Default 0. */
  fg?: 0 | 1;
  /** Dead jobs that are kept for a look and for `kick`. 0 to 10000000, 0 = none; default 10000. */
  dead?: number;
  /** How long a dead job is kept. 1 second to 3650 days; default `30d`. */
  dead_age?: string;
  /** Memory of the dead jobs, such as `64M`. Default 64 MiB. */
  dead_bytes?: number | string;
}

/** How long to wait after failed runs: doubled each time from `firstMs` up to `maxMs`, or one time after the other. */
export type Backoff =
  | { readonly firstMs: number; readonly maxMs: number }
  | { readonly timesMs: readonly number[] };

/** The policy of a function; a key that is left out is not set. */
export interface Policy {
  /** Jobs of the function that may run at a time; 0 = no limit. */
  readonly concurrency?: number;
  /** Jobs of the function that may start in a time; null = no limit. */
  readonly rate?: Rate | null;
  /** Jobs that may start at once after a pause, with `rate`. */
  readonly burst?: number;
  /** Runs that may fail before the job is dead. */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  /** How much of a delay is random, 0 to 1. */
  readonly jitter?: number;
  /** A run that lasts longer has failed: milliseconds; 0 = no limit. */
  readonly timeout?: number;
  /** 1 = foreground jobs are tried again too. */
  readonly fg?: number;
  /** Dead jobs that are kept; 0 = none. */
  readonly dead?: number;
  /** Milliseconds. */
  readonly dead_age?: number;
  /** Bytes. */
  readonly dead_bytes?: number;
}

export type PolicyKeyName = keyof Policy;

interface PolicyKey<V> {
  /** Allowed values in words. */
  readonly allowed: string;
  readonly help: string;
  /** It says what happens to jobs that fail. */
  readonly isAboutRuns?: boolean;
  /** Reads a value; undefined when it is not allowed. */
  read(text: string): V | undefined;
  show(value: V): string;
}

const COUNT_MAX = 1_000_000;
const RATE_MAX = 10_000_000;
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** A number without sign and leading zeros. */
function numberOf(text: string, min: number, max: number): number | undefined {
  if (!/^(0|[1-9]\d{0,8})$/.test(text)) return undefined;
  const number = Number(text);
  return number >= min && number <= max ? number : undefined;
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DAY_MS = 86_400_000;

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d`. */
function timeOf(text: string, minMs: number, maxMs: number): number | undefined {
  const match = /^([1-9]\d{0,8})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * (TIME_UNITS[match[2] as string] as number);
  return ms >= minMs && ms <= maxMs ? ms : undefined;
}

/** The time in its largest whole unit. */
function showTime(ms: number): string {
  if (ms === 0) return '0';
  const units = Object.entries(TIME_UNITS).reverse();
  const [unit, size] = units.find(([, unitMs]) => ms % unitMs === 0) as [string, number];
  return `${ms / size}${unit}`;
}

const DELAY_MAX_MS = 30 * DAY_MS;
const DELAYS_MAX = 100;

function backoffOf(text: string): Backoff | undefined {
  const [kind, ...words] = text.split(':');
  const times = words.map((word) => timeOf(word, 1, DELAY_MAX_MS));
  if (times.includes(undefined)) return undefined;
  const timesMs = times as number[];
  const [firstMs, maxMs] = timesMs;
  if (kind === 'exp' && firstMs !== undefined && maxMs !== undefined && timesMs.length === 2)
    return maxMs < firstMs ? undefined : { firstMs, maxMs };
  if (kind === 'fixed' && timesMs.length === 1) return { timesMs };
  if (kind === 'list' && timesMs.length >= 1 && timesMs.length <= DELAYS_MAX) return { timesMs };
  return undefined;
}

function showBackoff(backoff: Backoff): string {
  if (!('timesMs' in backoff)) return `exp:${showTime(backoff.firstMs)}:${showTime(backoff.maxMs)}`;
  const kind = backoff.timesMs.length === 1 ? 'fixed' : 'list';
  return [kind, ...backoff.timesMs.map(showTime)].join(':');
}

const deadBytes = size({ min: 1024, max: 1024 ** 4 });

function rateOf(text: string): Rate | null | undefined {
  if (text === '0') return null;
  const [count = '', unit = '', rest] = text.split('/');
  const perMs = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  const number = numberOf(count, 1, RATE_MAX);
  if (perMs === undefined || number === undefined || rest !== undefined) return undefined;
  return { count: number, perMs };
}

function showRate(rate: Rate | null): string {
  if (rate === null) return '0';
  const unit = Object.keys(UNITS).find((name) => UNITS[name] === rate.perMs);
  return `${rate.count}/${unit}`;
}

export const POLICY_KEYS: {
  readonly [K in keyof FunctionPolicy]-?: PolicyKey<Exclude<Policy[K], undefined>>;
} = {
  concurrency: {
    allowed: `0 to ${COUNT_MAX}, 0 = no limit`,
    help: 'jobs of the function that may run at a time, on all workers together',
    read: (text) => numberOf(text, 0, COUNT_MAX),
    show: String,
  },
  rate: {
    allowed: `N/s, N/m or N/h with N from 1 to ${RATE_MAX}, 0 = no limit`,
    help: 'jobs of the function that may start in a second, minute or hour',
    read: rateOf,
    show: showRate,
  },
  burst: {
    allowed: `1 to ${COUNT_MAX}`,
    help: 'with rate: jobs that may start at once after a time without jobs; default: 10 ms of the rate, at least 1',
    read: (text) => numberOf(text, 1, COUNT_MAX),
    show: String,
  },
  attempts: {
    isAboutRuns: true,
    allowed: '1 to 1000',
    help: 'runs that may fail (WORK_FAIL, WORK_EXCEPTION, timeout) before a background job is dead; default 1',
    read: (text) => numberOf(text, 1, 1000),
    show: String,
  },
  backoff: {
    isAboutRuns: true,
    allowed:
      'exp:FIRST:MAX (FIRST at most MAX), fixed:TIME or list:TIME:TIME..., with times such as 500ms, 30s, 5m, 1d',
    help: 'time before the next run of a job that failed; default exp:1s:1h, doubled each time',
    read: backoffOf,
    show: showBackoff,
  },
  jitter: {
    isAboutRuns: true,
    allowed: '0 to 1',
    help: 'how much of that time is random: it is multiplied by a number from 1 - jitter to 1; default 0.5',
    read: (text) => (/^(0|1|0?\.\d{1,4}|1\.0+)$/.test(text) ? Number(text) : undefined),
    show: String,
  },
  timeout: {
    isAboutRuns: true,
    allowed: '10ms to 30d, with a unit (ms, s, m, h, d); 0 = no limit',
    help: 'a run that lasts longer has failed',
    read: (text) => (text === '0' ? 0 : timeOf(text, 10, DELAY_MAX_MS)),
    show: showTime,
  },
  fg: {
    isAboutRuns: true,
    allowed: '0 or 1',
    help: '1 = foreground jobs are tried again too, their clients wait; default 0',
    read: (text) => numberOf(text, 0, 1),
    show: String,
  },
  dead: {
    isAboutRuns: true,
    allowed: '0 to 10000000, 0 = dead jobs are not kept',
    help: 'dead jobs that are kept; the oldest is dropped; default 10000',
    read: (text) => numberOf(text, 0, 10_000_000),
    show: String,
  },
  dead_age: {
    isAboutRuns: true,
    allowed: '1s to 3650d, with a unit (s, m, h, d)',
    help: 'how long a dead job is kept; default 30d',
    read: (text) => timeOf(text, 1000, 3650 * DAY_MS),
    show: showTime,
  },
  dead_bytes: {
    isAboutRuns: true,
    allowed: '1K to 1024G',
    help: 'memory of the dead jobs of the function; default 64M',
    // No leading zeros, as in all numbers here.
    read: (text) => (/^[1-9]/.test(text) ? deadBytes.readText(text) : undefined),
    show: deadBytes.show,
  },
};

export const POLICY_KEY_NAMES = Object.keys(POLICY_KEYS) as readonly PolicyKeyName[];

/** Keys about runs; a store must keep what they lead to. */
export const RUN_KEYS: readonly PolicyKeyName[] = POLICY_KEY_NAMES.filter(
  (key) => POLICY_KEYS[key].isAboutRuns === true,
);

/** A text of the grammar is not allowed; the message says what is. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** Reads a policy. Throws PolicyError for an unknown key, a value that is not allowed, and a key that is given twice. */
export function parsePolicy(text: string): Policy {
  const policy: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const at = part.indexOf(':');
    const key = at < 0 ? part : part.slice(0, at);
    if (Object.hasOwn(policy, key)) throw new PolicyError(`${key} is given twice`);
    policy[key] = readValue(key, at < 0 ? '' : part.slice(at + 1));
  }
  return policy;
}

function readValue(key: string, text: string): unknown {
  if (!Object.hasOwn(POLICY_KEYS, key)) throw new PolicyError(unknownKey(key));
  const { allowed, read } = POLICY_KEYS[key as PolicyKeyName];
  const value = read(text);
  if (value === undefined)
    throw new PolicyError(`${key} ${JSON.stringify(text)}: allowed is ${allowed}`);
  return value;
}

function unknownKey(key: string): string {
  const known = closest(key, POLICY_KEY_NAMES);
  const hint = known === null ? '' : `, did you mean ${known}?`;
  return `there is no key ${JSON.stringify(key)}${hint} (keys are ${POLICY_KEY_NAMES.join(', ')})`;
}

/** The texts of the keys that are set, in the order of the table. */
export function policyTexts(policy: Policy): [PolicyKeyName, string][] {
  const texts: [PolicyKeyName, string][] = [];
  for (const key of POLICY_KEY_NAMES) {
    const value = policy[key];
    const { show } = POLICY_KEYS[key] as PolicyKey<unknown>;
    if (value !== undefined) texts.push([key, show(value)]);
  }
  return texts;
}

/** `concurrency:5,rate:100/s`; empty when nothing is set. */
export function showPolicy(policy: Policy): string {
  return policyTexts(policy)
    .map(([key, text]) => `${key}:${text}`)
    .join(',');
}

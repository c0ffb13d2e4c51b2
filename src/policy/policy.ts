/**
 * THE table of policy keys, and the one grammar of options, text commands and files: `key:value` with commas, as in
 * `concurrency:5,rate:100/s`. To add a key, add a row. Rule: a key that is not set has no effect, so a function without
 * a policy behaves as in gearmand.
 */
import { closest } from '../base/closest.ts';

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
}

/** The policy of a function; a key that is left out is not set. */
export interface Policy {
  /** Jobs of the function that may run at a time; 0 = no limit. */
  readonly concurrency?: number;
  /** Jobs of the function that may start in a time; null = no limit. */
  readonly rate?: Rate | null;
  /** Jobs that may start at once after a pause, with `rate`. */
  readonly burst?: number;
}

export type PolicyKeyName = keyof Policy;

interface PolicyKey<V> {
  /** Allowed values in words. */
  readonly allowed: string;
  readonly help: string;
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
};

export const POLICY_KEY_NAMES = Object.keys(POLICY_KEYS) as readonly PolicyKeyName[];

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

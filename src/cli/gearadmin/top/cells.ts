/** Figures of `gearadmin top` as text, the same for a terminal and for a pipe. */
import { printable } from '../../../base/printable.ts';
import type { FunctionRow } from './changes.ts';

/** Headings in order; the first is that of the name. */
export const HEADINGS = [
  'FUNCTION',
  'QUEUED',
  'RUNNING',
  'WORKERS',
  'IN/S',
  'OUT/S',
  'CHANGE/S',
  'OLDEST',
  'RETRY',
  'DEAD',
  'GATE',
] as const;
export type Heading = (typeof HEADINGS)[number];

const UNKNOWN = '-';

function rate(perSecond: number | null): string {
  if (perSecond === null) return UNKNOWN;
  return Math.abs(perSecond) < 99.95
    ? perSecond.toFixed(1).replace(/^-0\.0$/, '0.0')
    : perSecond.toFixed(0);
}

function signedRate(perSecond: number | null): string {
  const text = rate(perSecond);
  return perSecond !== null && Number(text) > 0 ? `+${text}` : text;
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/**
 * An age in at most two units: `0.4s`, `12s`, `3m05s`, `2h10m`, `4d03h`; `-` when no job waits or the age is unknown.
 */
export function age(ms: number | null): string {
  if (ms === null || ms <= 0) return UNKNOWN;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)}s`;
  const s = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (s < MINUTE_S) return `${s}s`;
  if (s < HOUR_S) return `${Math.floor(s / MINUTE_S)}m${two(s % MINUTE_S)}s`;
  if (s < DAY_S) return `${Math.floor(s / HOUR_S)}h${two(Math.floor((s % HOUR_S) / MINUTE_S))}m`;
  return `${Math.floor(s / DAY_S)}d${two(Math.floor((s % DAY_S) / HOUR_S))}h`;
}

/** `open`, `paused`, `conc` or `rate`, with `+d` when new jobs are refused; `-` without a gate. */
function gate({ gate: state, isDraining }: FunctionRow): string {
  if (state === null) return UNKNOWN;
  return `${state === 'concurrency' ? 'conc' : state}${isDraining ? '+d' : ''}`;
}

/** The cells of a row in the order of HEADINGS. */
export function cells(row: FunctionRow): string[] {
  return [
    printable(row.name),
    String(row.queued),
    String(row.running),
    String(row.workers),
    rate(row.inPerSecond),
    rate(row.outPerSecond),
    signedRate(row.changePerSecond),
    age(row.oldestMs),
    String(row.retrying ?? UNKNOWN),
    String(row.dead ?? UNKNOWN),
    gate(row),
  ];
}

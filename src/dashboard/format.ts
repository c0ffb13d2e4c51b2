/** Numbers, sizes and times as text, in the reader's language. Rule: every figure on a screen goes through here. */

const whole = new Intl.NumberFormat();
const oneDigit = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const twoDigits = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const timeOnly = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });

const units = new Map<string, Intl.NumberFormat>();

function inUnit(value: number, unit: string, unitDisplay: 'short' | 'long' = 'short'): string {
  let format = units.get(unit);
  if (format === undefined) {
    const digits = { maximumFractionDigits: 1 } as const;
    format = new Intl.NumberFormat(undefined, {
      ...{ style: 'unit', unit, unitDisplay },
      ...digits,
    });
    units.set(unit, format);
  }
  return format.format(value);
}

export function count(value: number): string {
  return whole.format(value);
}

/** A rate, without its unit. */
export function rate(perSecond: number): string {
  if (perSecond !== 0 && Math.abs(perSecond) < 1) return twoDigits.format(perSecond);
  return Math.abs(perSecond) < 100
    ? oneDigit.format(perSecond)
    : whole.format(Math.round(perSecond));
}

export function share(part: number, all: number): string {
  return percent.format(all === 0 ? 0 : part / all);
}

/** How long something takes or took, in the largest unit that fits. */
export function duration(ms: number): string {
  if (ms < 1000) return inUnit(Math.round(ms), 'millisecond');
  if (ms < 10_000) return inUnit(ms / 1000, 'second');
  if (ms < 120_000) return inUnit(Math.round(ms / 1000), 'second');
  if (ms < 7_200_000) return inUnit(Math.floor(ms / 60_000), 'minute');
  if (ms < 172_800_000) return inUnit(Math.floor(ms / 3_600_000), 'hour');
  return inUnit(Math.floor(ms / 86_400_000), 'day');
}

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function bytes(value: number): string {
  let power = 0;
  let rest = value;
  while (rest >= 1000 && power < SIZES.length - 1) {
    rest /= 1000;
    power++;
  }
  return inUnit(rest, SIZES[power] as string, power === 0 ? 'long' : 'short');
}

/** A moment, milliseconds since 1970. */
export function time(ms: number): string {
  return moment.format(ms);
}

export function clock(ms: number): string {
  return timeOnly.format(ms);
}

/** The same for programs. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

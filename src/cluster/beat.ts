/**
 * What servers keep in the stream of leases, as JSON: beats and owner keys. Rule: what is not exactly one of them is
 * null, and is treated as if it were missing.
 */
import { bytesOf, latin1 } from '../base/bytes.ts';
import { incarnationNumber } from './names.ts';

const STATES = ['starting', 'up', 'leaving', 'gone', 'out'] as const;

/** Formats of commits and links that this version can speak. */
export const FORMAT_MIN = 1;
export const FORMAT_MAX = 1;

/** The last sign of life of an incarnation. */
export interface Beat {
  readonly incarnation: string;
  /** Chosen by the process, so that two processes with one name notice each other. */
  readonly nonce: string;
  /** `out`: other servers have expelled it. */
  readonly state: (typeof STATES)[number];
  /** Counts the beats of the process, from 1 on. */
  readonly count: number;
  readonly formats: readonly [min: number, max: number];
}

/** Who owns a bucket. */
export interface Owner {
  readonly incarnation: string;
  readonly epoch: number;
}

export function encodeBeat(beat: Beat): Uint8Array {
  return bytesOf(JSON.stringify(beat));
}

export function decodeBeat(bytes: Uint8Array): Beat | null {
  const { incarnation, nonce, state, count, formats } = parse(bytes);
  if (!isIncarnation(incarnation) || typeof nonce !== 'string' || !isCount(count)) return null;
  const known = STATES.find((one) => one === state);
  if (known === undefined || !Array.isArray(formats) || formats.length !== 2) return null;
  const [min, max] = formats;
  if (!isCount(min) || !isCount(max)) return null;
  return { incarnation, nonce, state: known, count, formats: [min, max] };
}

export function encodeOwner({ incarnation, epoch }: Owner): Uint8Array {
  return bytesOf(JSON.stringify({ incarnation, epoch }));
}

export function decodeOwner(bytes: Uint8Array): Owner | null {
  const { incarnation, epoch } = parse(bytes);
  return isIncarnation(incarnation) && isCount(epoch) ? { incarnation, epoch } : null;
}

/** The members of the object that `bytes` spell; none when they spell something else. */
function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(latin1(bytes, 0, bytes.length));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isIncarnation(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 64 && isCount(incarnationNumber(value));
}

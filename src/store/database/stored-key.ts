/**
 * The key of a job's row. gearmand's tables allow one row for each (unique, function), so a job without unique, or with
 * `-`, gets its own key, which is recognized when it is read back.
 *
 *   geartrain:none:RUN:N     no unique       RUN: 12 hexadecimal digits, random at each start of the store
 *   geartrain:dash:RUN:N     the unique -    N: counts up, in base 36
 *
 * Rule: no client's unique is stored under a key of this form: it would be read back as something else.
 */
import { randomBytes } from 'node:crypto';
import { UNIQUE_BYTES_MAX } from '../../protocol/limits.ts';

const DASH = 0x2d;
const PREFIX = 'geartrain:';
const FORM = /^geartrain:(none|dash):[0-9a-f]{12}:[0-9a-z]{1,12}$/;
const NO_UNIQUE = new Uint8Array(0);
const DASH_UNIQUE = Uint8Array.of(DASH);

export class KeyMaker {
  readonly #run = randomBytes(6).toString('hex');
  #count = 0;

  /** The key of a job with this unique; null when there can be none. */
  keyFor(unique: Uint8Array): Uint8Array | null {
    if (unique.length === 0) return this.#next('none');
    if (unique.length === 1 && unique[0] === DASH) return this.#next('dash');
    return isMade(unique) ? null : unique;
  }

  #next(kind: 'none' | 'dash'): Uint8Array {
    return Buffer.from(`${PREFIX}${kind}:${this.#run}:${(++this.#count).toString(36)}`, 'latin1');
  }
}

/**
 * The unique of a stored key; null when the key is not valid. A NUL at the end comes from gearmand, which keeps 63
 * bytes and a NUL of a unique of 64.
 */
export function uniqueOf(key: Uint8Array): Uint8Array | null {
  if (key.length > UNIQUE_BYTES_MAX) return null;
  if (isMade(key)) return key[PREFIX.length] === 0x6e ? NO_UNIQUE : DASH_UNIQUE;
  const unique = key.at(-1) === 0 ? key.subarray(0, -1) : key;
  return unique.includes(0) ? null : unique;
}

function isMade(key: Uint8Array): boolean {
  if (key.length <= PREFIX.length || key[0] !== PREFIX.charCodeAt(0)) return false;
  return FORM.test(Buffer.from(key).toString('latin1'));
}

/** Words of the commands of `client.admin`, and what single lines of answers say. */
import { ArgumentError } from '../../link/errors.ts';
import { checkWhole } from '../../link/settings.ts';
import { escapeName, latin1Of } from '../../policy/function-name.ts';
import type { FunctionPolicy } from '../../policy/policy.ts';
import { checkFunctionName } from '../function-name.ts';
import type { AdminOptions, KickResult, LimitOptions } from './types.ts';

/** More dead jobs a function cannot have. */
export const LIMIT_MAX = 10_000_000;

/** The name as a word of the text protocol. Throws ArgumentError. */
export function wordOf(name: string): string {
  checkFunctionName('admin', name);
  return escapeName(latin1Of(name));
}

/** A policy as a word of the text protocol; the server checks keys and values. Throws ArgumentError. */
export function policyText(change: FunctionPolicy | string): string {
  const text =
    typeof change === 'string'
      ? change
      : Object.entries(change)
          .filter(([, value]) => value !== undefined)
          .map(([key, value]) => `${key}:${value}`)
          .join(',');
  if (!/^\S+$/.test(text))
    throw new ArgumentError(
      `policy ${JSON.stringify(text)}: allowed is KEY:VALUE,... without blanks`,
    );
  return latin1Of(text);
}

/** Splits off `limit`. Throws ArgumentError. */
export function limitOf(options: LimitOptions): {
  readonly limit?: number;
  readonly others: AdminOptions;
} {
  const { limit, ...others } = options;
  if (limit === undefined) return { others };
  return { limit: checkWhole('limit', limit, 1, LIMIT_MAX), others };
}

/** The answer to `kick function`. */
export function kickedOf(reply: string): KickResult {
  const [, kicked, left] = /^(\d+)\+kicked,\+(\d+)\+left/.exec(okOf(reply)) ?? [];
  if (left === undefined) throw new Error(`answered ${JSON.stringify(reply.slice(0, 200))}`);
  return { kicked: Number(kicked), left: Number(left) };
}

/** What follows the OK: empty when the change is kept. */
export function okOf(reply: string): string {
  const [, remark] = /^OK ?(.*)\r?\n$/.exec(reply) ?? [];
  if (remark === undefined) throw new Error(`answered ${JSON.stringify(reply.slice(0, 200))}`);
  return remark;
}

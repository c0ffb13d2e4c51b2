/**
 * What a key of gearmand in Redis holds. Its own fields tell function and unique; where they are missing (1.1.20) the key
 * is split at its first hyphen, which is wrong for functions with hyphens, as it is in gearmand.
 */
import type { FoundRow } from '../backend.ts';

const HYPHEN = 0x2d;
const NORMAL = 1;

export interface Place {
  readonly functionName: Buffer | null;
  readonly key: Buffer | null;
}

/** By the part of a key behind the prefix and its hyphen. */
export function splitKey(rest: Buffer): Place {
  const at = rest.indexOf(HYPHEN);
  if (at < 0) return { functionName: null, key: null };
  return { functionName: rest.subarray(0, at), key: rest.subarray(at + 1) };
}

/** Names and values in turn, in any order; fields of others do not matter. `rest`: as for `splitKey`. */
export function readRow(rest: Buffer, fields: readonly Buffer[]): FoundRow {
  const values = new Map<string, Buffer>();
  for (let at = 0; at + 1 < fields.length; at += 2)
    values.set(String(fields[at]), fields[at + 1] as Buffer);
  const priority = values.get('priority');
  const told = placeOf(rest, values.get('function'), values.get('unique'));
  return {
    ...(told ?? splitKey(rest)),
    priority: priority === undefined ? NORMAL : Number(String(priority)),
    startSeconds: 0,
    workload: values.get('data') ?? null,
  };
}

/** What the fields say, if the row can be removed by it: gearmand fills long uniques up in the key alone. */
function placeOf(rest: Buffer, functionName?: Buffer, key?: Buffer): Place | null {
  if (functionName === undefined || key === undefined) return null;
  const isKey = rest.equals(Buffer.concat([functionName, Uint8Array.of(HYPHEN), key]));
  return isKey ? { functionName, key } : null;
}

/** Before 1.1.16 the value was the workload. */
export function readStringRow(rest: Buffer, workload: Buffer | null): FoundRow | null {
  if (workload === null) return null;
  return { ...splitKey(rest), priority: NORMAL, startSeconds: 0, workload };
}

/**
 * Keys and fields of jobs in Redis. gearmand's own fields have function and unique; where they are missing (1.1.20) the
 * key is split at its first hyphen, which is wrong for functions with hyphens; gearmand has the same error.
 */
import type { FoundRow, RowKey } from '../backend.ts';

const HYPHEN = 0x2d;
const EQUALS = 0x3d;
const COLON = 0x3a;
const NORMAL = 1;

export interface KeyParts {
  readonly functionName: Buffer | null;
  readonly key: Buffer | null;
}

export interface KeyForm {
  /** FUNCTION-UNIQUE. */
  readonly rest: Buffer;
  /** The key has our form, not gearmand's. */
  readonly isOwn: boolean;
}

const NOWHERE: KeyParts = { functionName: null, key: null };

/** The two possible keys of a job: gearmand's, which another job may share, and one of its own. */
export function keysOf(
  prefix: Buffer,
  { functionName, key }: RowKey,
): { readonly shared: Buffer; readonly own: Buffer } {
  const rest = Buffer.concat([functionName, Uint8Array.of(HYPHEN), key]);
  return {
    shared: Buffer.concat([prefix, Uint8Array.of(HYPHEN), rest]),
    own: Buffer.concat([prefix, Buffer.from(`=${functionName.length}:`), rest]),
  };
}

/** Parses a key that begins with the prefix and a hyphen or an equals sign. */
export function keyFormOf(prefix: Buffer, key: Buffer): KeyForm {
  const isOwn = key[prefix.length] === EQUALS;
  const at = isOwn ? key.indexOf(COLON, prefix.length) : prefix.length;
  return { rest: key.subarray(at + 1), isOwn };
}

/** Splits the part of a key after the prefix and its hyphen. */
export function splitKey(rest: Buffer): KeyParts {
  const at = rest.indexOf(HYPHEN);
  return at < 0 ? NOWHERE : { functionName: rest.subarray(0, at), key: rest.subarray(at + 1) };
}

/** A row, with the id of its runs or null. */
export interface RedisRow extends FoundRow {
  readonly runsId: Buffer | null;
}

/** Names and values alternate, in any order; unknown fields are ignored. */
export function readRow({ rest, isOwn }: KeyForm, fields: readonly Buffer[]): RedisRow {
  const values = valuesOf(fields);
  const priority = values.get('priority');
  const told = placeOf(rest, values.get('function'), values.get('unique'));
  return {
    ...(told ?? (isOwn ? NOWHERE : splitKey(rest))),
    priority: priority === undefined ? NORMAL : Number(String(priority)),
    startSeconds: 0,
    workload: values.get('data') ?? null,
    runsId: values.get('runs') ?? null,
  };
}

/** Fields of a hash by name. */
export function valuesOf(fields: readonly Buffer[]): ReadonlyMap<string, Buffer> {
  const values = new Map<string, Buffer>();
  for (let at = 0; at + 1 < fields.length; at += 2)
    values.set(String(fields[at]), fields[at + 1] as Buffer);
  return values;
}

/**
 * Function and unique from the fields, if the row can be removed by them: gearmand pads long uniques in the key only.
 */
function placeOf(rest: Buffer, functionName?: Buffer, key?: Buffer): KeyParts | null {
  if (functionName === undefined || key === undefined) return null;
  const isKey = rest.equals(Buffer.concat([functionName, Uint8Array.of(HYPHEN), key]));
  return isKey ? { functionName, key } : null;
}

/** The job of a key that gearmand before 1.1.16 wrote: the value is the workload. */
export function readStringRow({ rest, isOwn }: KeyForm, workload: Buffer | null): FoundRow | null {
  if (workload === null) return null;
  const parts = isOwn ? NOWHERE : splitKey(rest);
  return { ...parts, priority: NORMAL, startSeconds: 0, workload };
}

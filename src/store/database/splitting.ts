/** Common code for SQL servers: text of keys, and batches in which some rows are refused. */
import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../as-buffer.ts';
import type { Batch, Put, Refusal, RowKey } from './backend.ts';

/** Longest name of a function in gearmand's tables, in characters. */
const FUNCTION_CHARACTERS_MAX = 255;
/** 32 bits with sign. */
const START_SECONDS_MAX = 0x7fffffff;

/** Adds puts by one statement. `reasonOf` returns null for errors that are not about the rows. */
export interface Adding {
  add(puts: readonly Put[]): Promise<void>;
  reasonOf(error: unknown): string | null;
}

/**
 * Adds all puts by one statement. If the database refuses that because of some rows, uses smaller and smaller
 * statements until these rows are found.
 */
export async function addSplitting(
  adding: Adding,
  puts: readonly Put[],
  first = 0,
): Promise<Refusal[]> {
  try {
    await adding.add(puts);
    return [];
  } catch (error) {
    const reason = adding.reasonOf(error);
    if (reason === null) throw error;
    if (puts.length === 1) return [{ index: first, reason }];
  }
  const half = puts.length >> 1;
  const before = await addSplitting(adding, puts.slice(0, half), first);
  const after = await addSplitting(adding, puts.slice(half), first + half);
  return [...before, ...after];
}

/** Writes a batch without the jobs that have runs, which are refused for this reason. */
export async function writeWithoutRuns(
  write: (batch: Batch) => Promise<readonly Refusal[]>,
  batch: Batch,
  reason: string,
): Promise<readonly Refusal[]> {
  const numbers = [...batch.puts.keys()];
  const kept = numbers.filter((number) => !batch.puts[number]?.runs);
  const puts = kept.map((number) => batch.puts[number] as Put);
  const refusals = await write({ ...batch, puts });
  return [
    ...refusals.map((refusal) => ({ ...refusal, index: kept[refusal.index] as number })),
    ...numbers.filter((number) => batch.puts[number]?.runs).map((index) => ({ index, reason })),
  ];
}

/** Why a row cannot be in one of gearmand's SQL tables; `isText`: its keys are text, in UTF-8. */
export function unfitForSql(put: Put, isText: boolean, workloadBytesMax: number): string | null {
  const { functionName, key, startSeconds, workload } = put;
  if (startSeconds > START_SECONDS_MAX) return 'its start time has more than 31 bits';
  if (workload.length > workloadBytesMax)
    return `its workload is larger than the database takes, ${workloadBytesMax} bytes`;
  if (isText && !isText8(key)) return 'its unique is not UTF-8';
  if (isText && !isText8(functionName)) return 'its function is not UTF-8';
  if (functionName.length <= FUNCTION_CHARACTERS_MAX) return null;
  const characters = isText ? [...textOf(functionName)].length : functionName.length;
  return characters > FUNCTION_CHARACTERS_MAX ? 'its function has more than 255 characters' : null;
}

export function textOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString();
}

/** Whether the batch removes and adds rows with the same key, because a unique is used again. */
export function sharesKeys(forgets: readonly RowKey[], puts: readonly RowKey[]): boolean {
  if (forgets.length === 0 || puts.length === 0) return false;
  const gone = new Set(forgets.map(idOf));
  return puts.some((put) => gone.has(idOf(put)));
}

function idOf({ key, functionName }: RowKey): string {
  return `${Buffer.from(functionName).toString('latin1')}\0${Buffer.from(key).toString('latin1')}`;
}

function isText8(bytes: Uint8Array): boolean {
  return !bytes.includes(0) && isUtf8(bytes);
}

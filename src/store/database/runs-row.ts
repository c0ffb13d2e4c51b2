/**
 * Rows of runs: their ids, and how a row of a live job is matched with the job's own row. Rule: both have the same
 * function and key, and the fingerprint is that of the job, or the runs belong to another job.
 *
 *   id   RUN:N     RUN: 12 hexadecimal digits, random at each start of a store     N: counts up, in base 36
 */
import { createHash, randomBytes } from 'node:crypto';
import { ATTEMPTS_MAX, DETAILS_BYTES_MAX, LOSSES_MAX } from '../stored-job.ts';
import type { FoundRuns, Put, RowKey, RunsRow } from './backend.ts';

const ID_FORM = /^[0-9a-f]{12}:[0-9a-z]{1,12}$/;
const FINGERPRINT_BYTES = 16;
const HANDLE_BYTES_MAX = 63;
const NO_BYTES = new Uint8Array(0);

export class IdMaker {
  readonly #run = randomBytes(6).toString('hex');
  #count = 0;

  next(): Uint8Array {
    return Buffer.from(`${this.#run}:${(++this.#count).toString(36)}`, 'latin1');
  }
}

/** Whether there is a table for runs, by the names of its columns, none without one. Throws when `wanted` ones are missing. */
export function hasRunsTable(
  table: string,
  found: ReadonlySet<string>,
  wanted: readonly string[],
): boolean {
  if (found.size === 0) return false;
  const missing = wanted.filter((column) => !found.has(column));
  if (missing.length === 0) return true;
  throw new Error(`table ${table} has other columns: it has no column ${missing.join(', ')}`);
}

/** 16 bytes. The lengths of function and key are part of it. */
export function fingerprintOf({
  functionName,
  key,
  workload,
}: RowKey & { readonly workload: Uint8Array }): Uint8Array {
  const lengths = new Uint32Array([functionName.length, key.length]);
  const hash = createHash('sha256').update(lengths).update(functionName).update(key);
  return hash.update(workload).digest().subarray(0, FINGERPRINT_BYTES);
}

/** The runs in a row, or why they are not valid. */
export function runsOf(found: FoundRuns): RunsRow | string {
  const { id, attempts, losses, dueMs, delayMs, isDead, details, handle } = found;
  if (id === null || !ID_FORM.test(Buffer.from(id).toString('latin1')))
    return 'its id is not valid';
  if (!isCount(attempts, ATTEMPTS_MAX)) return `its attempts are ${attempts}`;
  if (!isCount(losses, LOSSES_MAX)) return `its losses are ${losses}`;
  if (!isTime(dueMs) || !isTime(delayMs)) return 'its times are not valid';
  if (details !== null && details.length > DETAILS_BYTES_MAX) return 'its details are too long';
  if (handle !== null && handle.length > HANDLE_BYTES_MAX) return 'its handle is too long';
  const bytes = { details: details ?? NO_BYTES, handle: handle ?? NO_BYTES };
  return { id, attempts, losses, dueMs, delayMs, isDead, ...bytes };
}

/** Finds the runs of live jobs among rows with their keys. */
export class RunsOfKeys {
  readonly #byKey = new Map<string, FoundRuns[]>();

  constructor(rows: readonly FoundRuns[]) {
    for (const row of rows) {
      if (row.isDead || row.key === null || row.functionName === null) continue;
      const id = idOf(row.functionName, row.key);
      const others = this.#byKey.get(id);
      if (others === undefined) this.#byKey.set(id, [row]);
      else others.push(row);
    }
  }

  /** The runs of this job; null when there are none. */
  of(job: Put): FoundRuns | null {
    const rows = this.#byKey.get(idOf(job.functionName, job.key));
    if (rows === undefined) return null;
    const own = fingerprintOf(job);
    return rows.find(({ fingerprint }) => isEqual(fingerprint, own)) ?? null;
  }
}

/** Function and key as one text. */
export function idOf(functionName: Uint8Array, key: Uint8Array): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  return `${text(functionName)}\0${text(key)}`;
}

function isEqual(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}

function isCount(value: number | null, max: number): value is number {
  return value !== null && Number.isInteger(value) && value >= 0 && value <= max;
}

function isTime(value: number | null): value is number {
  return value !== null && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

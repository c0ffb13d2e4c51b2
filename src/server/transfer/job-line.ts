/**
 * One background job as a line of JSON, the same for every store.
 *
 *   {"function":"resize","unique":"u1","priority":"normal","workload":"aGVsbG8="}
 *   with "runTime": seconds since 1970, with "reducer": a name, each only when there is one
 *   with "runs":{"attempts":2,"losses":0,"dueMs":1900000000000,"delayMs":1500,"isDead":true,"details":"e30="}, only
 *   when the store keeps runs of the job; "dueMs", "delayMs", "isDead", "details" and "handle", a text, only when they
 *   are not 0, false or empty
 *
 * Names that are not UTF-8 are {"base64":"..."}; workload and details are always base64. Rule: any other line is
 * refused with the reason; nothing is guessed. Versions that know no runs refuse such a line for the same reason: they
 * would run a dead job.
 */
import { isUtf8 } from 'node:buffer';
import { HEAD_BYTES_MAX, UNIQUE_BYTES_MAX } from '../../protocol/limits.ts';
import { asBuffer } from '../../store/as-buffer.ts';
import {
  ATTEMPTS_MAX,
  DETAILS_BYTES_MAX,
  LOSSES_MAX,
  StoredJob,
  type StoredRuns,
} from '../../store/stored-job.ts';

const PRIORITIES = ['high', 'normal', 'low'] as const;
const KEYS: ReadonlySet<string> = new Set([
  'function',
  'unique',
  'priority',
  'runTime',
  'reducer',
  'workload',
  'runs',
]);
const RUNS_KEYS: ReadonlySet<string> = new Set([
  'attempts',
  'losses',
  'dueMs',
  'delayMs',
  'isDead',
  'details',
  'handle',
]);
/** The greatest number of seconds whose milliseconds are exact. */
const RUN_TIME_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Empty, or what JOB_CREATED may have. */
const HANDLE = /^[\x21-\x7e]{0,63}$/;
const NO_BYTES = new Uint8Array(0);
const REDUCER_BYTES_MAX = 512;
const MS = 1000;

/** Without a line end. */
export function lineOf(job: StoredJob): string {
  return JSON.stringify({
    function: shown(job.functionName),
    unique: shown(job.unique),
    priority: PRIORITIES[job.priority],
    ...(job.startMs > 0 && { runTime: job.startMs / MS }),
    ...(job.reducer.length > 0 && { reducer: shown(job.reducer) }),
    workload: asBuffer(job.workload).toString('base64'),
    ...(job.runs !== null && { runs: shownRuns(job.runs) }),
  });
}

function shownRuns(runs: StoredRuns): object {
  const { attempts, losses, dueMs, delayMs, isDead, details, handle = NO_BYTES } = runs;
  return {
    attempts,
    losses,
    ...(dueMs > 0 && { dueMs }),
    ...(delayMs > 0 && { delayMs }),
    ...(isDead && { isDead }),
    ...(details.length > 0 && { details: asBuffer(details).toString('base64') }),
    ...(handle.length > 0 && { handle: asBuffer(handle).toString('latin1') }),
  };
}

/** The job in a line, or why the line is invalid. `workloadBytesMax` is the server's limit. */
export function jobOf(line: string, workloadBytesMax: number): StoredJob | string {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(line);
  } catch (error) {
    return `it is no JSON: ${(error as Error).message}`;
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    return 'it is no JSON object';
  const stranger = Object.keys(found).find((key) => !KEYS.has(key));
  if (stranger !== undefined) return `${JSON.stringify(stranger)} is no field of a job`;
  const functionName = nameIn(found, 'function', HEAD_BYTES_MAX);
  const unique = nameIn(found, 'unique', UNIQUE_BYTES_MAX);
  const reducer = nameIn({ reducer: '', ...found }, 'reducer', REDUCER_BYTES_MAX);
  for (const name of [functionName, unique, reducer]) if (typeof name === 'string') return name;
  const priority = PRIORITIES.indexOf(found.priority as (typeof PRIORITIES)[number]);
  if (priority < 0) return `priority is ${given(found.priority)}, not ${PRIORITIES.join(', ')}`;
  const { runTime = 0, workload } = found;
  if (typeof runTime !== 'number' || !(runTime >= 0 && runTime <= RUN_TIME_MAX))
    return `runTime is ${given(runTime)}, not seconds since 1970`;
  const bytes = bytesOfBase64(workload);
  if (bytes === null) return `workload is ${given(workload)}, not base64`;
  if (bytes.length > workloadBytesMax)
    return `workload is ${bytes.length} bytes, limit ${workloadBytesMax} (--max-packet-size)`;
  const runs = found.runs === undefined ? null : runsIn(found.runs);
  if (typeof runs === 'string') return runs;
  return StoredJob.of({
    functionName: functionName as Uint8Array,
    unique: unique as Uint8Array,
    reducer: reducer as Uint8Array,
    priority,
    startMs: Math.round(runTime * MS),
    workload: bytes,
    runs,
  });
}

/** The runs in the field of a line, or why it is invalid. */
function runsIn(value: unknown): StoredRuns | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `runs is ${given(value)}, not an object`;
  const stranger = Object.keys(value).find((key) => !RUNS_KEYS.has(key));
  if (stranger !== undefined) return `${JSON.stringify(stranger)} is no field of runs`;
  const found: Partial<Record<keyof StoredRuns, unknown>> = value;
  const { attempts, losses, dueMs = 0, delayMs = 0, isDead = false, details = '' } = found;
  const { handle = '' } = found;
  if (!isCount(attempts, ATTEMPTS_MAX))
    return `attempts is ${given(attempts)}, not 0 to ${ATTEMPTS_MAX}`;
  if (!isCount(losses, LOSSES_MAX)) return `losses is ${given(losses)}, not 0 to ${LOSSES_MAX}`;
  if (!isTime(dueMs)) return `dueMs is ${given(dueMs)}, not milliseconds since 1970`;
  if (!isTime(delayMs)) return `delayMs is ${given(delayMs)}, not milliseconds`;
  if (typeof isDead !== 'boolean') return `isDead is ${given(isDead)}, not true or false`;
  const bytes = bytesOfBase64(details);
  if (bytes === null) return `details is ${given(details)}, not base64`;
  if (bytes.length > DETAILS_BYTES_MAX)
    return `details is ${bytes.length} bytes, limit ${DETAILS_BYTES_MAX}`;
  if (typeof handle !== 'string' || !HANDLE.test(handle))
    return `handle is ${given(handle)}, not the handle of a job`;
  const runs = { attempts, losses, dueMs, delayMs, isDead, details: bytes };
  return handle === '' ? runs : { ...runs, handle: Buffer.from(handle, 'latin1') };
}

function isCount(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function shown(name: Uint8Array): string | { readonly base64: string } {
  const bytes = asBuffer(name);
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}

/** The bytes of a name, or why it is invalid. */
function nameIn(
  found: Readonly<Record<string, unknown>>,
  key: string,
  bytesMax: number,
): Uint8Array | string {
  const value = found[key];
  const isBase64 =
    typeof value === 'object' && value !== null && Object.keys(value).join() === 'base64';
  const bytes =
    typeof value === 'string'
      ? Buffer.from(value)
      : bytesOfBase64(isBase64 ? (value as { readonly base64: unknown }).base64 : null);
  if (bytes === null) return `${key} is ${given(value)}, not text or {"base64":"..."}`;
  if (bytes.includes(0)) return `${key} has a NUL`;
  if (bytes.length > bytesMax) return `${key} is ${bytes.length} bytes, limit ${bytesMax}`;
  return bytes;
}

function bytesOfBase64(text: unknown): Buffer | null {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !BASE64.test(text)) return null;
  return Buffer.from(text, 'base64');
}

const GIVEN_CHARS_MAX = 40;

function given(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length <= GIVEN_CHARS_MAX ? text : `${text.slice(0, GIVEN_CHARS_MAX)}...`;
}

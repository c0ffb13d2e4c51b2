/**
 * The number of a run at the end of a handle, `HANDLE~ATTEMPT.RUN`, for workers that have asked for it by OPTION_REQ
 * `attempts`. ATTEMPT is 1 + the failed runs of the job, RUN counts the runs of the job that had such a handle. Without it
 * the handle is that of the first attempt, or of a worker that has not asked. Rule: no handle ends like that by itself,
 * because handles of job servers end with `:` and digits. Source: docs/differences.md, "Extensions".
 */
import { bytesOf } from '../base/bytes.ts';

const ZERO = 0x30;
const TILDE = 0x7e;
const DOT = 0x2e;
/** `~`, attempts up to 1,000, `.`, nine digits. */
const SUFFIX_BYTES_MAX = 15;
/** Numbers of runs are below this. */
const RUNS = 1e9;
const FORM = /^~(\d{1,4})\.\d{1,9}$/;

export const NO_SUFFIX = new Uint8Array(0);

/** Offset of the suffix of a handle that ends at `end`; `end` when it has none. */
export function suffixStart(bytes: Uint8Array, start: number, end: number): number {
  const first = Math.max(start, end - SUFFIX_BYTES_MAX);
  let dotAt = -1;
  for (let at = end - 1; at >= first; at--) {
    const byte = bytes[at] as number;
    if (byte === TILDE) return dotAt > at + 1 && dotAt < end - 1 ? at : end;
    if (byte === DOT && dotAt < 0) dotAt = at;
    else if (byte < ZERO || byte > ZERO + 9) return end;
  }
  return end;
}

/** RUN of a suffix that ends at `end`. */
export function runOfSuffix(bytes: Uint8Array, start: number, end: number): number {
  let run = 0;
  for (let at = bytes.indexOf(DOT, start) + 1; at < end; at++)
    run = run * 10 + (bytes[at] as number) - ZERO;
  return run;
}

/** The suffix of run number `run`; none for run 0. */
export function suffixOf(attempt: number, run: number): Uint8Array {
  return run === 0 ? NO_SUFFIX : bytesOf(`~${attempt}.${run}`);
}

/** The number after that of the last run, never 0. */
export function nextRun(run: number): number {
  return (run % (RUNS - 1)) + 1;
}

/** A handle without its suffix, and the attempt that the suffix names: 1 without one. */
export function splitHandle(handle: string): { readonly handle: string; readonly attempt: number } {
  const at = handle.lastIndexOf('~');
  const attempt = at < 0 ? null : FORM.exec(handle.slice(at));
  return attempt === null
    ? { handle, attempt: 1 }
    : { handle: handle.slice(0, at), attempt: Number(attempt[1]) };
}

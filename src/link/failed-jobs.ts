/**
 * What our listings `dead` and `show job` say of jobs whose runs have failed. Rule: every row is one line; a unique has
 * %HH and an error `\xHH` for bytes that would break it.
 */
import { unescapeName } from '../policy/function-name.ts';
import { linesOf, notARow, textOf, unescaped } from './listings.ts';

/**
 * Why a run has failed: WORK_FAIL, WORK_EXCEPTION, the `timeout` of the policy, too many runs lost with their workers;
 * or the job was buried.
 */
export type FailureCause = 'fail' | 'exception' | 'timeout' | 'lost' | 'buried';

/** Why a run of a job has failed. */
export interface JobFailure {
  readonly cause: FailureCause;
  /** What the worker said; empty when it said nothing. Listings of dead jobs cut it to 200 bytes. */
  readonly text: string;
}

/** What is known of every job with failed runs. */
interface FailedJobFigures {
  /** The server's name for the job. */
  readonly handle: string;
  /** The unique key; null without one. */
  readonly unique: string | null;
  /** Runs that have failed since it was submitted or kicked. */
  readonly attempts: number;
  /** Runs that were lost with their worker. */
  readonly lostRuns: number;
  /** Size of the workload. */
  readonly workloadBytes: number;
}

/** A row of `dead`. */
export interface DeadJobFigures extends FailedJobFigures {
  /** Why its last run has failed, or why it was not run again. */
  readonly cause: FailureCause;
  /** Milliseconds since the job died, in steps of a second. */
  readonly ageMs: number;
  /** The worker of its last run: address and port, a blank and the client id if it has one. Null when it is not known. */
  readonly worker: string | null;
  /** The last errors, at most five, the oldest first. */
  readonly errors: readonly JobFailure[];
}

/** The answer to `show job H`. */
export interface JobReport extends FailedJobFigures {
  /** Name of the function. */
  readonly functionName: string;
  /**
   * `scheduled`: it waits for its start time; `storing`: the store has not taken it yet; `retrying`: it waits for its
   * next run; `kept`: the server ends and leaves it to the store.
   */
  readonly state: 'scheduled' | 'storing' | 'queued' | 'running' | 'retrying' | 'dead' | 'kept';
  readonly priority: 'high' | 'normal' | 'low';
  /** Whether it is a background job. */
  readonly isBackground: boolean;
  /** Milliseconds until its next run may start; null unless it is `retrying`. */
  readonly nextRunMs: number | null;
  /** The last errors, at most five, the oldest first. */
  readonly errors: readonly PastJobFailure[];
}

/** Why a run of a job has failed, and when. */
export interface PastJobFailure extends JobFailure {
  /** Milliseconds since then, in steps of a second. */
  readonly ageMs: number;
  /** How long the run was; 0 without a run. */
  readonly runMs: number;
  /** Who ran it: address and port, a blank and the client id if it has one. Null when nobody did, or it is not known. */
  readonly worker: string | null;
}

const SECOND_MS = 1000;

export function deadRow(row: string): DeadJobFigures | null {
  const cells = row.split('\t');
  const [handle = '', unique = '', cause, ...rest] = cells;
  const numbers = rest.slice(0, 4).map(Number);
  if (cells.length !== 9 || !numbers.every(Number.isFinite)) return null;
  const [attempts, lostRuns, age, workloadBytes] = numbers as [number, number, number, number];
  return {
    handle,
    unique: uniqueOf(unique),
    cause: cause as FailureCause,
    attempts,
    lostRuns,
    ageMs: age * SECOND_MS,
    workloadBytes,
    worker: workerOf(cells[7]),
    errors: cells[8] === '' ? [] : (cells[8] as string).split(' | ').map(failureOf),
  };
}

/** The answer to `show job H`: rows `KEY \t VALUE`, then `error \t AGE \t CAUSE \t MS \t WORKER \t TEXT`. */
export function readJobReport(reply: string): JobReport {
  const rows = linesOf(reply).map((line) => line.split('\t'));
  const isError = ([key]: readonly string[]): boolean => key === 'error';
  const values = new Map(
    rows.filter((row) => !isError(row)).map(([key, value]) => [key as string, value as string]),
  );
  const value = (key: string): string => {
    const found = values.get(key);
    if (found === undefined) throw notARow(`${key}\t`);
    return found;
  };
  const state = value('state') as JobReport['state'];
  return {
    handle: value('handle'),
    functionName: textOf(unescapeName(value('function')) ?? ''),
    unique: uniqueOf(value('unique')),
    state,
    priority: value('priority') as JobReport['priority'],
    isBackground: value('background') === '1',
    attempts: Number(value('attempts')),
    lostRuns: Number(value('losses')),
    nextRunMs: state === 'retrying' ? Number(value('next_run_ms')) : null,
    workloadBytes: Number(value('workload_bytes')),
    errors: rows.filter(isError).map(([, age, cause, runMs, worker, text = '']) => ({
      cause: cause as FailureCause,
      text: unescaped(text),
      ageMs: Number(age) * SECOND_MS,
      runMs: Number(runMs),
      worker: workerOf(worker),
    })),
  };
}

/** Reads `CAUSE` or `CAUSE: TEXT`. */
function failureOf(error: string): JobFailure {
  const [, cause, text = ''] = /^([a-z]+)(?:: (.*))?$/s.exec(error) ?? [];
  if (cause === undefined) throw notARow(error);
  return { cause: cause as FailureCause, text: unescaped(text) };
}

function workerOf(escaped = '-'): string | null {
  return escaped === '-' ? null : unescaped(escaped);
}

function uniqueOf(escaped: string): string | null {
  const unique = escaped === '-' ? undefined : unescapeName(escaped);
  return unique === undefined ? null : textOf(unique);
}

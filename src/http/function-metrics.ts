/**
 * The metrics that have a value for each function, in Prometheus's text format. There may be millions of lines, so they
 * are written here, some lines at a time into the same memory. The library that writes the other metrics would make
 * objects for every line, and collecting them would delay jobs. Source: Prometheus, "Exposition formats", text-based
 * format 0.0.4.
 */
import { BUCKET_COUNT, Count } from '../broker/function-stats.ts';
import { COUNTS_AT, type FunctionStatsRow, Gauge } from '../broker/function-stats-rows.ts';
import type { FunctionRows } from './function-rows.ts';
import { type MetricFacts, upperBounds } from './metric-values.ts';

const MS = 0.001;
/** A piece is sent at this size: 500 lines, a tenth of a millisecond. */
const PIECE_BYTES = 32_768;
/** Room for the lines of one metric of a function: more than a histogram with the longest label needs. */
const ROOM_BYTES = 32_768;

/** Lines of the current piece. */
class Lines {
  readonly #bytes = Buffer.allocUnsafeSlow(PIECE_BYTES + ROOM_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends ASCII text. */
  ascii(text: string): this {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
    return this;
  }

  utf8(text: string): this {
    this.#length += this.#bytes.write(text, this.#length);
    return this;
  }

  /** Appends a copy of `[start, end)`. */
  again(start: number, end: number): this {
    this.#bytes.copyWithin(this.#length, start, end);
    this.#length += end - start;
    return this;
  }

  /** The lines so far; valid until the next append. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}

const LABELS = ['function'];

/** One metric. */
interface Family extends MetricFacts {
  /** Writes the lines of a function; `label` as in FunctionRows. */
  write(lines: Lines, label: string, row: FunctionStatsRow): void;
}

function single(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  field: number,
  unit = 1,
): Family {
  const head = `${name}{function="`;
  const write: Family['write'] = (lines, label, { numbers, at }) => {
    const value = (numbers[at + field] as number) * unit;
    lines.ascii(head).utf8(label).ascii('"} ').ascii(`${value}\n`);
  };
  return { name, help, type, labels: LABELS, write };
}

const gauge = single.bind(null, 'gauge');
const counter = single.bind(null, 'counter');

function times(name: string, help: string, buckets: number, sum: number): Family {
  const bounds = upperBounds(MS).map((le) => `",le="${le}"} `);
  const write: Family['write'] = (lines, label, { numbers, at }) => {
    const start = lines.length;
    lines.ascii(`${name}_bucket{function="`).utf8(label);
    const end = lines.length;
    let count = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      count += numbers[at + buckets + bucket] as number;
      if (bucket > 0) lines.again(start, end);
      lines.ascii(bounds[bucket] as string).ascii(`${count}\n`);
    }
    const seconds = (numbers[at + sum] as number) * MS;
    lines.ascii(`${name}_sum{function="`).utf8(label).ascii(`"} ${seconds}\n`);
    lines.ascii(`${name}_count{function="`).utf8(label).ascii(`"} ${count}\n`);
  };
  return { name, help, type: 'histogram', labels: LABELS, write };
}

const GATE_STATES = [
  ['paused', Gauge.PAUSED],
  ['concurrency', Gauge.AT_CONCURRENCY],
  ['rate', Gauge.AT_RATE],
  ['draining', Gauge.DRAINING],
] as const;

/** Only functions with a gate have these lines. */
function gateStates(name: string, help: string): Family {
  const write: Family['write'] = (lines, label, { numbers, at }) => {
    if (numbers[at + Gauge.GATES] === 0) return;
    for (const [state, field] of GATE_STATES)
      lines
        .ascii(`${name}{function="`)
        .utf8(label)
        .ascii(`",state="${state}"} ${numbers[at + field]}\n`);
  };
  return { name, help, type: 'gauge', labels: [...LABELS, 'state'], write };
}

const FAMILIES: readonly Family[] = [
  gauge('geartrain_jobs_queued', 'Jobs that wait for a worker or for their time.', Gauge.QUEUED),
  gauge('geartrain_jobs_running', 'Jobs that workers are running.', Gauge.RUNNING),
  gauge(
    'geartrain_jobs_retrying',
    'Jobs whose last run has failed and that wait for the next one; part of geartrain_jobs_queued.',
    Gauge.RETRYING,
  ),
  gauge(
    'geartrain_jobs_dead',
    'Dead jobs: their last attempt has failed, and they are kept until they are kicked or dropped.',
    Gauge.DEAD,
  ),
  gauge('geartrain_workers', 'Registrations of workers for the function.', Gauge.WORKERS),
  gauge(
    'geartrain_oldest_job_age_seconds',
    'How long the oldest queued job has waited; 0 without one.',
    Gauge.OLDEST_MS,
    MS,
  ),
  gateStates(
    'geartrain_gate_state',
    '1 while a gate holds jobs of the function back: paused, or its limit of concurrency or rate is reached; draining: new jobs are refused. Only functions with concurrency or rate in their policy, and those that were paused or drained.',
  ),
  counter(
    'geartrain_jobs_submitted_total',
    'Jobs created by submits; submits that joined a job are not counted.',
    Gauge.CREATED,
  ),
  counter(
    'geartrain_jobs_completed_total',
    'Jobs that ended with WORK_COMPLETE.',
    COUNTS_AT + Count.COMPLETED,
  ),
  counter(
    'geartrain_jobs_failed_total',
    'Jobs that ended with WORK_FAIL or WORK_EXCEPTION, or after their last attempt.',
    COUNTS_AT + Count.FAILED,
  ),
  counter(
    'geartrain_jobs_retried_total',
    'Runs that failed and are tried again by the policy of the function.',
    COUNTS_AT + Count.RETRIED,
  ),
  counter(
    'geartrain_jobs_requeued_total',
    'Runs lost with their worker or timed out.',
    COUNTS_AT + Count.REQUEUED,
  ),
  times(
    'geartrain_job_wait_seconds',
    'Time that jobs waited in the queue.',
    COUNTS_AT + Count.WAIT_BUCKETS,
    COUNTS_AT + Count.WAIT_MS,
  ),
  times(
    'geartrain_job_run_seconds',
    'Time from assignment to the end of the job.',
    COUNTS_AT + Count.RUN_BUCKETS,
    COUNTS_AT + Count.RUN_MS,
  ),
];

/** The metrics of all functions, in pieces; each piece is valid until the next one is requested. */
export const FUNCTION_METRICS: readonly MetricFacts[] = FAMILIES;

/** The metrics of all functions, in pieces; each is good until the next one is asked for. */
export function* functionMetrics(functions: FunctionRows): Generator<Uint8Array> {
  const lines = new Lines();
  for (const { name, help, type, write } of FAMILIES) {
    lines.ascii(`\n# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    for (const [label, row] of functions) {
      write(lines, label, row);
      if (lines.length >= PIECE_BYTES) yield lines.take();
    }
  }
  if (lines.length > 0) yield lines.take();
}

/**
 * Functions as programs see them: their figures, in pages by function index. Rule: one call reads a limited number of
 * functions. Names are Latin-1, one character a byte.
 */
import { latin1 } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { BUCKET_COUNT, Count } from './function-stats.ts';
import type { FunctionQueue } from './functions.ts';
import type { GateState } from './gate.ts';
import { oldestMs } from './query.ts';
import type { BrokerState } from './state.ts';

/** Counts since the start of the thread; buckets as in function-stats.ts. */
export interface FunctionCounts {
  readonly completed: number;
  readonly failed: number;
  readonly requeued: number;
  readonly retried: number;
  readonly waitMs: number;
  readonly runMs: number;
  readonly waitBuckets: readonly number[];
  readonly runBuckets: readonly number[];
}

export interface FunctionFacts {
  readonly index: number;
  readonly name: string;
  readonly queued: number;
  readonly running: number;
  readonly retrying: number;
  readonly dead: number;
  readonly workers: number;
  readonly created: number;
  readonly oldestMs: number;
  /** By priority, high first. */
  readonly waiting: readonly number[];
  readonly queueMax: readonly number[];
  readonly gate: GateState | null;
  readonly isDraining: boolean;
  /** Null for a function without statistics of its own. */
  readonly counts: FunctionCounts | null;
}

export interface FunctionPiece {
  readonly functions: readonly FunctionFacts[];
  /** The last function that was read; 0 = there are no more. */
  readonly cursor: number;
}

/** Functions that one call reads, and returns. */
const READ_MAX = 4_000;
const FOUND_MAX = 100;
const PIECE_CHARS_MAX = 64 * 1024;

/** Functions after index `cursor` (0 = from the start) whose name contains `match`, at most `countMax`. */
export function functionPiece(
  broker: BrokerState,
  match: string,
  cursor: number,
  countMax: number,
): FunctionPiece {
  const { functions } = broker;
  const end = Math.min(functions.indexEnd, cursor + 1 + READ_MAX);
  const found: FunctionFacts[] = [];
  let chars = 0;
  let index = cursor + 1;
  for (; index < end && found.length < Math.min(countMax, FOUND_MAX); index++) {
    if (chars > PIECE_CHARS_MAX) break;
    broker.steps.count += ROW_STEPS;
    const fn = functions.at(index);
    if (fn === null) continue;
    const name = latin1(fn.name, 0, fn.name.length);
    if (match !== '' && !name.includes(match)) continue;
    chars += name.length;
    found.push(functionFacts(broker, fn));
  }
  return { functions: found, cursor: index < functions.indexEnd ? index - 1 : 0 };
}

export function functionFacts(broker: BrokerState, fn: FunctionQueue): FunctionFacts {
  const { total, assigned, registrations, created, retrying, gate } = fn;
  return {
    index: fn.index,
    name: latin1(fn.name, 0, fn.name.length),
    queued: total - assigned,
    running: assigned,
    retrying,
    dead: fn.dead?.count ?? 0,
    workers: registrations,
    created,
    oldestMs: oldestMs(broker, fn),
    waiting: [...fn.waiting],
    queueMax: [...fn.queueMax],
    gate: fn.gateState,
    isDraining: gate?.isDraining === true,
    counts: fn.countsAt === 0 ? null : countsOf(broker.functionStats.counts, fn.countsAt),
  };
}

function countsOf(counts: Float64Array, at: number): FunctionCounts {
  const numberOf = (count: number) => counts[at + count] as number;
  const bucketsOf = (first: number) =>
    Array.from(counts.subarray(at + first, at + first + BUCKET_COUNT));
  return {
    completed: numberOf(Count.COMPLETED),
    failed: numberOf(Count.FAILED),
    requeued: numberOf(Count.REQUEUED),
    retried: numberOf(Count.RETRIED),
    waitMs: numberOf(Count.WAIT_MS),
    runMs: numberOf(Count.RUN_MS),
    waitBuckets: bucketsOf(Count.WAIT_BUCKETS),
    runBuckets: bucketsOf(Count.RUN_BUCKETS),
  };
}

/**
 * Writes the function statistics of a shard as rows, some functions at a time, so that no turn stalls.
 *
 *   | row count | numbers of row 0 | numbers of row 1 | ... | bytes of name | name | bytes of name | name | ...
 *       u32       ROW_NUMBERS doubles each, as they lie          u16                  in row order
 *
 * Row 0 of every piece has no name and sums up the functions of this piece that have no row of their own. Their counts
 * since start are in the first piece only, so readers can add up all rows without a name.
 */
import { copyBytes, ownCopy } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { Count } from './function-stats.ts';
import type { FunctionQueue } from './functions.ts';
import { oldestMs } from './query.ts';
import type { BrokerState } from './state.ts';

/** Current values at the start of a row, before its counts (`Count`); CREATED alone counts since start. */
export const Gauge = {
  QUEUED: 0,
  RUNNING: 1,
  WORKERS: 2,
  OLDEST_MS: 3,
  CREATED: 4,
  /** Functions with a gate (gate.ts), and those whose gate is in each state. */
  GATES: 5,
  PAUSED: 6,
  AT_CONCURRENCY: 7,
  AT_RATE: 8,
  DRAINING: 9,
  /** Jobs that wait for their next run, and dead jobs. */
  RETRYING: 10,
  DEAD: 11,
} as const;

const GAUGE_COUNT = 12;
/** Where the counts of a row begin, after its gauges: `numbers[COUNTS_AT + Count.FAILED]`. */
export const COUNTS_AT = GAUGE_COUNT;
const COUNT_COUNT = Count.RETRIED + 1;
/** Doubles of one row: gauges, then counts. */
export const ROW_NUMBERS = GAUGE_COUNT + COUNT_COUNT;
const ROW_BYTES = ROW_NUMBERS * Float64Array.BYTES_PER_ELEMENT;

/** One row as it is read: `numbers[at, at + ROW_NUMBERS)`. */
export interface FunctionStatsRow {
  /** The function's name as UTF-8 text; null for the sum of all others. */
  readonly name: string | null;
  /**
   * Numbers of all rows of the piece. This row has its `Gauge` values from `at` on, and its `Count` values from
   * `at + COUNTS_AT` on.
   */
  readonly numbers: Float64Array;
  readonly at: number;
}

/**
 * A piece of rows from function index `cursor` on (0 = from the start) and the next cursor, 0 = done. Reads
 * `functionsMax` functions, fewer when `rowsMax` of them have a row of their own.
 */
export function functionStatsPiece(
  broker: BrokerState,
  cursor: number,
  functionsMax: number,
  rowsMax: number,
): { bytes: Uint8Array; cursor: number } {
  const { functions, functionStats } = broker;
  const endMax = Math.min(functions.indexEnd, cursor + 1 + functionsMax);
  const measured: FunctionQueue[] = [];
  const rest = new Float64Array(ROW_NUMBERS);
  if (cursor === 0) {
    rest.set(functionStats.counts.subarray(0, COUNT_COUNT), COUNTS_AT);
    rest[Gauge.CREATED] = functionStats.counts[Count.CREATED] as number;
  }
  const row = new Float64Array(GAUGE_COUNT);
  let end = cursor + 1;
  while (end < endMax && measured.length < rowsMax) {
    const fn = functions.at(end++);
    broker.steps.count += ROW_STEPS;
    if (fn === null) continue;
    if (fn.countsAt !== 0) measured.push(fn);
    else {
      readGauges(broker, fn, row, 0);
      const oldest = Math.max(rest[Gauge.OLDEST_MS] as number, row[Gauge.OLDEST_MS] as number);
      for (let i = 0; i < GAUGE_COUNT; i++) rest[i] = (rest[i] as number) + (row[i] as number);
      rest[Gauge.OLDEST_MS] = oldest;
    }
  }
  return {
    bytes: encode(broker, rest, measured),
    cursor: end < functions.indexEnd ? end - 1 : 0,
  };
}

function encode(broker: BrokerState, rest: Float64Array, measured: readonly FunctionQueue[]) {
  const rowCount = measured.length + 1;
  const numbers = new Float64Array(rowCount * ROW_NUMBERS);
  numbers.set(rest);
  const { counts } = broker.functionStats;
  let row = ROW_NUMBERS;
  let nameBytes = 2;
  for (const fn of measured) {
    readGauges(broker, fn, numbers, row);
    // For thirty numbers a loop is faster than two views.
    for (let i = 0; i < COUNT_COUNT; i++)
      numbers[row + COUNTS_AT + i] = counts[fn.countsAt + i] as number;
    row += ROW_NUMBERS;
    nameBytes += 2 + fn.name.length;
  }
  const bytes = new Uint8Array(4 + numbers.byteLength + nameBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, rowCount);
  bytes.set(new Uint8Array(numbers.buffer), 4);
  let at = 4 + numbers.byteLength + 2;
  for (const { name } of measured) {
    view.setUint16(at, name.length);
    at = copyBytes(bytes, at + 2, name, 0, name.length);
  }
  return bytes;
}

function readGauges(broker: BrokerState, fn: FunctionQueue, into: Float64Array, at: number): void {
  into[at + Gauge.QUEUED] = fn.total - fn.assigned;
  into[at + Gauge.RUNNING] = fn.assigned;
  into[at + Gauge.WORKERS] = fn.registrations;
  into[at + Gauge.OLDEST_MS] = oldestMs(broker, fn);
  into[at + Gauge.CREATED] = fn.created;
  const { gate, gateState: state } = fn;
  into[at + Gauge.GATES] = gate === null ? 0 : 1;
  into[at + Gauge.PAUSED] = state === 'paused' ? 1 : 0;
  into[at + Gauge.AT_CONCURRENCY] = state === 'concurrency' ? 1 : 0;
  into[at + Gauge.AT_RATE] = state === 'rate' ? 1 : 0;
  into[at + Gauge.DRAINING] = gate?.isDraining === true ? 1 : 0;
  into[at + Gauge.RETRYING] = fn.retrying;
  into[at + Gauge.DEAD] = fn.dead?.count ?? 0;
}

/** The rows of a piece; empty for the reply of a thread that has died. */
export function readFunctionStatsPiece(piece: Uint8Array): FunctionStatsRow[] {
  if (piece.length === 0) return [];
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  const rowCount = bytes.readUInt32BE(0);
  let nameAt = 4 + rowCount * ROW_BYTES;
  // Doubles must lie at a multiple of eight.
  const numbers = new Float64Array(ownCopy(piece, 4, nameAt).buffer);
  const rows: FunctionStatsRow[] = [];
  for (let i = 0; i < rowCount; i++) {
    const nameEnd = nameAt + 2 + bytes.readUInt16BE(nameAt);
    const name = i === 0 ? null : bytes.toString('utf8', nameAt + 2, nameEnd);
    rows.push({ name, numbers, at: i * ROW_NUMBERS });
    nameAt = nameEnd;
  }
  return rows;
}

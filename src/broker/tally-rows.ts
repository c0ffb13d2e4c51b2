/**
 * Rows of the tally as they leave a shard, some functions at a time, so that no turn stalls whatever their number.
 *
 *   | row count | numbers of row 0 | numbers of row 1 | ... | bytes of name | name | bytes of name | name | ...
 *       u32            ROW_NUMBERS doubles each                  u16                  in row order
 *
 * Row 0 of every piece has no name and stands for the functions without a row of their own that the piece has walked
 * over; what they have done so far is in the first piece alone, so rows without a name may be added up.
 */
import { copyBytes } from '../base/bytes.ts';
import type { Broker } from './broker.ts';
import type { FunctionQueue } from './functions.ts';
import { oldestMs } from './query.ts';
import { BUCKET_COUNT, Count } from './tally.ts';

/** Numbers of a row in front of its counts (`Count`): as they are now, but for CREATED. */
export const Gauge = { QUEUED: 0, RUNNING: 1, WORKERS: 2, OLDEST_MS: 3, CREATED: 4 } as const;

const GAUGE_COUNT = 5;
const COUNT_COUNT = Count.RUN_BUCKETS + BUCKET_COUNT;
/** Doubles of one row: gauges, then counts. */
export const ROW_NUMBERS = GAUGE_COUNT + COUNT_COUNT;

/** One row, read back. */
export interface TallyRow {
  /** The function's name in bytes; null for the rest. */
  readonly name: Uint8Array | null;
  /** Gauges, see `Gauge`. */
  readonly now: Float64Array;
  /** See `Count`. */
  readonly counts: Float64Array;
}

/** A piece of rows behind function index `cursor` (0 = from the start) and where to go on, 0 = nowhere. */
export function tallyPiece(
  broker: Broker,
  cursor: number,
  functionsMax: number,
): { bytes: Uint8Array; cursor: number } {
  const { functions, tally } = broker;
  const end = Math.min(functions.indexEnd, cursor + 1 + functionsMax);
  const measured: FunctionQueue[] = [];
  const rest = new Float64Array(ROW_NUMBERS);
  if (cursor === 0) {
    rest.set(tally.counts.subarray(0, COUNT_COUNT), GAUGE_COUNT);
    rest[Gauge.CREATED] = tally.counts[Count.CREATED] as number;
  }
  const row = new Float64Array(GAUGE_COUNT);
  for (let index = cursor + 1; index < end; index++) {
    const fn = functions.at(index);
    if (fn === null) continue;
    if (fn.countsAt !== 0) measured.push(fn);
    else {
      readGauges(broker, fn, row);
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

function encode(broker: Broker, rest: Float64Array, measured: readonly FunctionQueue[]) {
  const nameBytes = measured.reduce((sum, fn) => sum + 2 + fn.name.length, 2);
  const rowCount = measured.length + 1;
  const bytes = new Uint8Array(4 + rowCount * ROW_NUMBERS * 8 + nameBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, rowCount);
  let at = 4;
  const numbers = rest;
  const put = (): void => {
    for (const number of numbers) {
      view.setFloat64(at, number);
      at += 8;
    }
  };
  put();
  for (const fn of measured) {
    readGauges(broker, fn, numbers);
    const { counts } = broker.tally;
    numbers.set(counts.subarray(fn.countsAt, fn.countsAt + COUNT_COUNT), GAUGE_COUNT);
    put();
  }
  at += 2;
  for (const { name } of measured) {
    view.setUint16(at, name.length);
    at = copyBytes(bytes, at + 2, name, 0, name.length);
  }
  return bytes;
}

function readGauges(broker: Broker, fn: FunctionQueue, into: Float64Array): void {
  into[Gauge.QUEUED] = fn.total - fn.assigned;
  into[Gauge.RUNNING] = fn.assigned;
  into[Gauge.WORKERS] = fn.registrations;
  into[Gauge.OLDEST_MS] = oldestMs(broker, fn);
  into[Gauge.CREATED] = fn.created;
}

/** The rows of a piece; empty for the answer of a thread that has died. */
export function readTallyPiece(bytes: Uint8Array): TallyRow[] {
  if (bytes.length === 0) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rowCount = view.getUint32(0);
  let at = 4;
  const take = (count: number): Float64Array =>
    Float64Array.from({ length: count }, () => {
      at += 8;
      return view.getFloat64(at - 8);
    });
  const numbers = Array.from({ length: rowCount }, () => ({
    now: take(GAUGE_COUNT),
    counts: take(COUNT_COUNT),
  }));
  return numbers.map((row, index) => {
    const nameBytes = view.getUint16(at);
    const name = bytes.slice(at + 2, at + 2 + nameBytes);
    at += 2 + nameBytes;
    return { ...row, name: index === 0 ? null : name };
  });
}

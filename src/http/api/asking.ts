/**
 * Questions to shards for answers of the API. Rule: a page is made in small steps with a pause after each, so that jobs
 * go first; a shard that does not answer in time costs the page, never the request's memory.
 */
import type { ThreadQuery, ThreadResult } from '../../session/thread-queries.ts';
import { PAUSE_MS } from '../snapshot.ts';
import { type Cursor, type CursorKind, cursorText, readCursor } from './cursors.ts';
import { ApiProblem } from './problems.ts';
import type { ApiSource } from './source.ts';

/** How long a thread may take for one step. */
const STEP_MS = 5_000;
/** Steps of one page, and bytes of its rows as JSON. */
const STEPS_MAX = 24;
const PAGE_BYTES_MAX = 224 * 1024;

const decoder = new TextDecoder();

/** Asks one thread. Throws ApiProblem `shardDown` when it does not answer in time. */
export async function askInTime(
  source: ApiSource,
  thread: number,
  query: ThreadQuery,
): Promise<ThreadResult> {
  if (source.notReady() === 'starting') throw new ApiProblem('notReady', 'the server is starting');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    // A server that ends does not wait for it.
    timer = setTimeout(() => resolve(null), STEP_MS).unref();
  });
  const result = await Promise.race([source.ask(thread, query), late]);
  clearTimeout(timer);
  if (result === null) throw new ApiProblem('shardDown', `thread ${thread} does not answer`);
  return result;
}

/** The JSON in the answer of a thread. Throws ApiProblem `shardDown`. */
export async function askJson<T>(source: ApiSource, thread: number, query: ThreadQuery) {
  const { bytes, part } = await askInTime(source, thread, query);
  if (bytes.length === 0) throw new ApiProblem('shardDown', `thread ${thread} is not running`);
  return { value: JSON.parse(decoder.decode(bytes)) as T, starts: part };
}

/** One step: the rows with the place after each, and where the thread continues; 0 = it is complete. */
export interface Step<Row> {
  readonly rows: readonly { readonly row: Row; readonly position: number }[];
  readonly cursor: number;
  readonly scanned: number;
}

export interface PageOptions<Facts, Row> {
  readonly kind: CursorKind;
  readonly threads: readonly number[];
  readonly cursor: string | undefined;
  readonly limit: number;
  query(position: number, rows: number): ThreadQuery;
  step(facts: Facts): Step<Row>;
  /** Whether places are those of one start of a thread. */
  readonly isByStarts: boolean;
}

export interface Page<Row> {
  readonly rows: Row[];
  readonly next: string | null;
  readonly scanned: number;
  /** A thread was left out, because it is not running. */
  readonly isIncomplete: boolean;
}

/** Makes one page. Throws ApiProblem `cursorInvalid`, `cursorOld` and `shardDown`. */
export async function pageOf<Facts, Row>(
  source: ApiSource,
  options: PageOptions<Facts, Row>,
): Promise<Page<Row>> {
  const { kind, threads, cursor, limit, isByStarts } = options;
  const page = { rows: [] as Row[], bytes: 0, scanned: 0, isIncomplete: false };
  let place = cursor === undefined ? after(threads, -1) : readCursor(kind, cursor);
  for (let steps = 0; place !== null && page.rows.length < limit && steps < STEPS_MAX; steps++) {
    const at: Cursor = place;
    if (!threads.includes(at.thread))
      throw new ApiProblem('cursorInvalid', `there is no thread ${at.thread} in this listing`);
    if (steps > 0) await pause();
    const query = options.query(at.position, limit - page.rows.length);
    const { bytes, part } = await askInTime(source, at.thread, query);
    if (bytes.length === 0) {
      page.isIncomplete = true;
      place = after(threads, at.thread);
      continue;
    }
    const starts = isByStarts ? part : 0;
    if (at.starts >= 0 && at.starts !== starts) throw new ApiProblem('cursorOld');
    const step = options.step(JSON.parse(decoder.decode(bytes)) as Facts);
    page.scanned += step.scanned;
    const taken = take(page, step.rows);
    if (taken < step.rows.length) {
      const position = step.rows[taken - 1]?.position ?? at.position;
      place = { ...at, position, starts };
      break;
    }
    place =
      step.cursor === 0 ? after(threads, at.thread) : { ...at, position: step.cursor, starts };
  }
  const { rows, scanned, isIncomplete } = page;
  return { rows, scanned, isIncomplete, next: place === null ? null : cursorText(kind, place) };
}

/** Adds rows to the page while there is room, but always the first one; returns how many. */
function take<Row>(
  page: { readonly rows: Row[]; bytes: number },
  rows: readonly { readonly row: Row }[],
): number {
  for (const [i, { row }] of rows.entries()) {
    const bytes = Buffer.byteLength(JSON.stringify(row));
    if (page.bytes + bytes > PAGE_BYTES_MAX && page.rows.length > 0) return i;
    page.rows.push(row);
    page.bytes += bytes;
  }
  return rows.length;
}

/** The start of the thread after this one; null after the last. */
function after(threads: readonly number[], thread: number): Cursor | null {
  const next = threads.find((other) => other > thread);
  return next === undefined ? null : { thread: next, position: 0, starts: -1 };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

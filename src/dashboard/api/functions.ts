/**
 * The functions of the server, kept up to date page by page. Rule: a second's work is bounded, however many functions
 * there are: the pages with rows that are shown, and one more in turn.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import { startPolling } from '../poll.ts';
import { remember } from './history.ts';
import { queryOf, segmentOf } from './paths.ts';
import { get, isCursorOld, needsLogin } from './request.ts';
import { server } from './server.ts';
import type { FunctionRow, FunctionsPage } from './types.ts';

const PAGE_ROWS = 500;
/** Pages with shown rows that are loaded in a second. */
const SHOWN_PAGES_MAX = 2;
/** Between two steps while the first list is not complete, and between two looks at it. */
const FIRST_STEP_MS = 20;
const FIRST_LOOK_MS = 700;

/** By segment. A new map after each change; null before the first page. */
export const functions = signal<ReadonlyMap<string, FunctionRow> | null>(null);
/** False while the first list is being loaded. */
export const isComplete = signal(false);

/** Segments of the rows that a screen shows. */
let shown: readonly string[] = [];

interface Page {
  readonly cursor: string | undefined;
  segments: readonly string[];
}

let pages: Page[] = [];
let turn = 0;
let pageOf = new Map<string, number>();
/** As `functions`, with what has come since. */
let rows = new Map<string, FunctionRow>();
let publishedMs = 0;

/** Says which rows are looked at. */
export function showFunctions(segments: readonly string[]): void {
  shown = segments;
}

/** Sums of all functions that are known so far. */
export const totals = computed(() => {
  const sums = { functions: 0, queued: 0, running: 0, retrying: 0, dead: 0, workers: 0 };
  const flow = { created: 0, completed: 0, failed: 0 };
  for (const row of functions.value?.values() ?? []) {
    sums.functions++;
    sums.queued += row.queued;
    sums.running += row.running;
    sums.retrying += row.retrying;
    sums.dead += row.dead;
    sums.workers += row.workers;
    flow.created += row.created;
    flow.completed += row.counts?.completed ?? 0;
    flow.failed += row.counts?.failed ?? 0;
  }
  return { ...sums, ...flow };
});

/** Whether the server has answered this caller at all. */
const isReached = computed(() => server.value !== null);

/** Starts to follow the functions; again after each login. */
export function followFunctions(): void {
  effect(() => {
    if (needsLogin.value || !isReached.value) return;
    startAnew();
    functions.value = null;
    let polling = startPolling(
      step,
      FIRST_STEP_MS,
      () => {},
      () => {},
    );
    const whole = isComplete.subscribe((complete) => {
      if (!complete) return;
      polling.stop();
      polling = startPolling(
        refresh,
        1000,
        () => {},
        () => {},
      );
    });
    return () => {
      whole();
      polling.stop();
    };
  });
}

function startAnew(): void {
  pages = [{ cursor: undefined, segments: [] }];
  pageOf = new Map();
  rows = new Map();
  publishedMs = 0;
  turn = 0;
  isComplete.value = false;
}

/** Loads the page that is next in the first list. */
async function step(stop: AbortSignal): Promise<void> {
  await loadPage(pages.length - 1, stop);
}

async function refresh(stop: AbortSignal): Promise<void> {
  const wanted = new Set<number>();
  for (const segment of shown) {
    const page = pageOf.get(segment);
    if (page !== undefined && wanted.size < SHOWN_PAGES_MAX) wanted.add(page);
  }
  wanted.add(turn++ % pages.length);
  try {
    for (const page of wanted) await loadPage(page, stop);
  } catch (error) {
    // The cursors are of a server that has been started again.
    if (isCursorOld(error)) startAnew();
    throw error;
  }
}

async function loadPage(index: number, stop: AbortSignal): Promise<void> {
  const page = pages[index];
  if (page === undefined) return;
  const query = queryOf({ limit: PAGE_ROWS, cursor: page.cursor });
  const answer = await get<FunctionsPage>(`v1/functions${query}`, stop);
  for (const segment of page.segments) if (pageOf.get(segment) === index) rows.delete(segment);
  page.segments = answer.functions.map(segmentOf);
  const isLast = index === pages.length - 1;
  if (isLast && answer.next !== null) pages.push({ cursor: answer.next, segments: [] });
  batch(() => {
    for (const [at, row] of answer.functions.entries()) {
      const segment = page.segments[at] as string;
      rows.set(segment, row);
      pageOf.set(segment, index);
      remember(segment, row);
    }
    const isWhole = isComplete.value || (isLast && answer.next === null);
    // Each look filters and sorts all of them, so a long first list is not shown at each page.
    if (isWhole || performance.now() - publishedMs > FIRST_LOOK_MS) {
      functions.value = new Map(rows);
      publishedMs = performance.now();
    }
    isComplete.value = isWhole;
  });
}

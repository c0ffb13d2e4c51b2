/** The order of functions in `gearadmin top`. */
import type { FunctionRow } from './changes.ts';

export const SORT_KEYS = [
  'queued',
  'running',
  'workers',
  'in',
  'out',
  'change',
  'oldest',
  'retry',
  'dead',
  'name',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

const FIGURES: Readonly<Record<Exclude<SortKey, 'name'>, (row: FunctionRow) => number | null>> = {
  queued: (row) => row.queued,
  running: (row) => row.running,
  workers: (row) => row.workers,
  in: (row) => row.inPerSecond,
  out: (row) => row.outPerSecond,
  change: (row) => row.changePerSecond,
  oldest: (row) => row.oldestMs,
  retry: (row) => row.retrying,
  dead: (row) => row.dead,
};

/** The next order; after the last one comes the first. */
export function nextSortKey(key: SortKey): SortKey {
  return SORT_KEYS[(SORT_KEYS.indexOf(key) + 1) % SORT_KEYS.length] as SortKey;
}

function byName(a: FunctionRow, b: FunctionRow): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** A new list: the greatest first, unknown values last, equal ones by name. */
export function sorted(rows: readonly FunctionRow[], key: SortKey): FunctionRow[] {
  if (key === 'name') return rows.toSorted(byName);
  const figure = FIGURES[key];
  const weight = (row: FunctionRow): number => figure(row) ?? Number.NEGATIVE_INFINITY;
  return rows.toSorted((a, b) => (weight(a) === weight(b) ? byName(a, b) : weight(b) - weight(a)));
}

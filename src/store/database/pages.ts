/** Groups rows that come one by one into pages of bounded size. */
import type { FoundRow } from './backend.ts';

export const PAGE_ROWS = 500;
export const PAGE_BYTES = 4 * 1024 * 1024;

/** How many rows to ask for next, so that a page has about PAGE_BYTES of workloads when its rows are as large as `last`. */
export function nextRowCount(last: readonly { readonly workload: Uint8Array | null }[]): number {
  const byteCount = last.reduce((sum, { workload }) => sum + (workload?.length ?? 0), 1);
  return Math.max(1, Math.min(PAGE_ROWS, Math.floor((PAGE_BYTES * last.length) / byteCount)));
}

/** A page ends after the row that makes it large enough, by its number of rows or the bytes of their workloads. */
export async function* inPages(rows: AsyncIterable<FoundRow>): AsyncGenerator<readonly FoundRow[]> {
  let page: FoundRow[] = [];
  let byteCount = 0;
  for await (const row of rows) {
    page.push(row);
    byteCount += row.workload?.length ?? 0;
    if (page.length < PAGE_ROWS && byteCount < PAGE_BYTES) continue;
    yield page;
    page = [];
    byteCount = 0;
  }
  if (page.length > 0) yield page;
}

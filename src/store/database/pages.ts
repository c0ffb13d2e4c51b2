/** Groups rows that come one by one into pages of bounded size. */
import type { FoundRow } from './backend.ts';

export const PAGE_ROWS = 500;
export const PAGE_BYTES = 4 * 1024 * 1024;

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

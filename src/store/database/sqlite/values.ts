/** Names, numbers and pages of rows, as SQLite takes and gives them. */
import { PAGE_BYTES } from '../pages.ts';

/** Rows of up to so many bytes of workloads, at least one. */
export function pageOf<Row extends { readonly data: unknown }>(found: Iterable<unknown>): Row[] {
  const rows: Row[] = [];
  let byteCount = 0;
  for (const one of found) {
    const row = one as Row;
    rows.push(row);
    byteCount += row.data instanceof Uint8Array ? row.data.length : 0;
    if (byteCount > PAGE_BYTES) break;
  }
  return rows;
}

/** The number, or null. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
}

/** A name of a table. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

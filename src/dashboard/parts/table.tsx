/**
 * A table that sorts and pages. Rule: a real table with a caption and headers that are buttons; never more rows in the
 * page than `PAGE_ROWS`, so that any number of rows stays quick.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { count } from '../format.ts';

export interface Column<Row> {
  readonly title: string;
  cell(row: Row): ComponentChildren;
  /** Left out: the column does not sort. */
  sortBy?(row: Row): number | string;
  readonly isNumber?: boolean;
  /** Left out on small screens. */
  readonly isExtra?: boolean;
}

export interface TableProps<Row> {
  /** Names the table for readers who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
  /** Shown instead of a table without rows. */
  readonly empty: ComponentChildren;
  /** Column and direction of the start; without it the rows stay in their order. */
  readonly sort?: { readonly title: string; readonly isDown: boolean };
  /** Called with the rows that are on the page. */
  shown?(rows: readonly Row[]): void;
  readonly selection?: Selection;
}

export interface Selection {
  readonly keys: ReadonlySet<string>;
  change(keys: ReadonlySet<string>): void;
  /** What is selected, such as `jobs`. */
  readonly noun: string;
}

const PAGE_ROWS = 100;

export function Table<Row>(props: TableProps<Row>) {
  const { columns, rows, keyOf, caption, selection } = props;
  const [sort, setSort] = useState(props.sort ?? null);
  const [page, setPage] = useState(0);
  const sorted = useMemo(() => sortRows(rows, columns, sort), [rows, columns, sort]);
  const last = Math.max(0, Math.ceil(sorted.length / PAGE_ROWS) - 1);
  const at = Math.min(page, last);
  const visible = sorted.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS);
  useEffect(() => props.shown?.(visible));
  if (rows.length === 0) return <div class="empty">{props.empty}</div>;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard. */}
      <section class="scroller" aria-label={caption} tabIndex={0}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {selection && <SelectAll keys={visible.map(keyOf)} selection={selection} />}
              {columns.map((column) => (
                <Header key={column.title} column={column} sort={sort} change={setSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => {
              const key = keyOf(row);
              return (
                <tr key={key} class={selection?.keys.has(key) ? 'selected' : undefined}>
                  {selection && (
                    <td class="pick">
                      <Pick name={key} selection={selection} />
                    </td>
                  )}
                  {columns.map((column) => (
                    <td key={column.title} class={classOf(column)}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {last > 0 && <Pager at={at} last={last} rows={sorted.length} change={setPage} />}
    </>
  );
}

interface Sort {
  readonly title: string;
  readonly isDown: boolean;
}

function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: Sort | null,
): readonly Row[] {
  const sortBy = columns.find(({ title }) => title === sort?.title)?.sortBy;
  if (sortBy === undefined || sort === null) return rows;
  const keyed = rows.map((row) => ({ row, key: sortBy(row) }));
  const up = sort.isDown ? -1 : 1;
  keyed.sort((a, b) => (a.key < b.key ? -up : a.key > b.key ? up : 0));
  return keyed.map(({ row }) => row);
}

function classOf({ isNumber, isExtra }: { isNumber?: boolean; isExtra?: boolean }): string {
  return `${isNumber ? 'number' : ''} ${isExtra ? 'extra' : ''}`.trim();
}

function Header<Row>(props: {
  column: Column<Row>;
  sort: Sort | null;
  change: (sort: Sort) => void;
}) {
  const { column, sort, change } = props;
  const isSorted = sort?.title === column.title;
  const isDown = isSorted && sort.isDown;
  if (column.sortBy === undefined)
    return (
      <th scope="col" class={classOf(column)}>
        {column.title}
      </th>
    );
  // A first press on a number shows the largest first.
  const next = isSorted ? !isDown : column.isNumber === true;
  return (
    <th
      scope="col"
      class={classOf(column)}
      aria-sort={isSorted ? (isDown ? 'descending' : 'ascending') : undefined}
    >
      <button
        type="button"
        class="sort"
        onClick={() => change({ title: column.title, isDown: next })}
      >
        {column.title}
        <span aria-hidden="true">{isSorted ? (isDown ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}

function Pick({ name, selection: { keys, change } }: { name: string; selection: Selection }) {
  const toggle = (): void => {
    const next = new Set(keys);
    if (!next.delete(name)) next.add(name);
    change(next);
  };
  return (
    <input
      type="checkbox"
      aria-label={`Select ${name}`}
      checked={keys.has(name)}
      onChange={toggle}
    />
  );
}

function SelectAll({ keys, selection }: { keys: readonly string[]; selection: Selection }) {
  const areAll = keys.every((key) => selection.keys.has(key));
  const toggle = (): void => selection.change(new Set(areAll ? [] : keys));
  return (
    <th scope="col" class="pick">
      <input
        type="checkbox"
        aria-label={`Select all ${selection.noun} of this page`}
        checked={areAll}
        onChange={toggle}
      />
    </th>
  );
}

function Pager(props: { at: number; last: number; rows: number; change: (page: number) => void }) {
  const { at, last, rows, change } = props;
  const end = Math.min(rows, (at + 1) * PAGE_ROWS);
  return (
    <nav class="pager" aria-label="Pages of the table">
      <button type="button" disabled={at === 0} onClick={() => change(at - 1)}>
        Previous
      </button>
      <span>
        {count(at * PAGE_ROWS + 1)} to {count(end)} of {count(rows)}
      </span>
      <button type="button" disabled={at === last} onClick={() => change(at + 1)}>
        Next
      </button>
    </nav>
  );
}

/**
 * Statistics of the functions of all threads, by their label in the metrics page. Rule: names with the same label
 * (bytes that are not UTF-8, very long names, the label of the rest) are added up, because a page that has a label
 * twice is invalid.
 */
import { type FunctionStatsRow, Gauge, ROW_NUMBERS } from '../broker/function-stats-rows.ts';

/** Label of all functions without a row of their own. No function is shown under this name. */
export const REST_LABEL = '(other)';
/** Clients choose the names, which may have 8 KiB. */
const LABEL_CHARS_MAX = 128;

/** Rows by label, escaped for the page. */
export type FunctionRows = ReadonlyMap<string, FunctionStatsRow>;

/** Adds a row, or its numbers to the row with the same label. */
export function addRow(rows: Map<string, FunctionStatsRow>, row: FunctionStatsRow): void {
  const label = row.name === null ? REST_LABEL : labelOf(row.name);
  const known = rows.get(label);
  if (known === undefined) rows.set(label, row);
  else addNumbers(known, row);
}

function labelOf(name: string): string {
  const isLong = name.length > LABEL_CHARS_MAX;
  return escaped(isLong ? `${name.slice(0, LABEL_CHARS_MAX - 1)}…` : name);
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

/** Source: Prometheus, "Exposition formats": backslash, line feed and double quote of a label's value. */
function escaped(label: string): string {
  return label.replace(/[\\\n"]/g, (character) => ESCAPES[character] as string);
}

function addNumbers(sum: FunctionStatsRow, more: FunctionStatsRow): void {
  const oldestAt = sum.at + Gauge.OLDEST_MS;
  const oldestMs = Math.max(
    sum.numbers[oldestAt] as number,
    more.numbers[more.at + Gauge.OLDEST_MS] as number,
  );
  for (let i = 0; i < ROW_NUMBERS; i++)
    sum.numbers[sum.at + i] =
      (sum.numbers[sum.at + i] as number) + (more.numbers[more.at + i] as number);
  sum.numbers[oldestAt] = oldestMs;
}

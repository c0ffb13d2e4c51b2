/**
 * One screen of `gearadmin top`: a line about the server, the table, and a line with the number of rows that did not
 * fit. Contains no cursor movements.
 */
import Table from 'cli-table3';
import type picocolors from 'picocolors';
import { cells, HEADINGS, type Heading } from './cells.ts';
import type { FunctionRow } from './changes.ts';

/** Colour functions; with colours off they change nothing. */
export type Colors = ReturnType<typeof picocolors.createColors>;

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

export interface FrameContent {
  /** Address of the server. */
  readonly server: string;
  readonly time: string;
  /** Sorted. */
  readonly functions: readonly FunctionRow[];
  /** The column by which the functions are sorted. */
  readonly sort: string;
  /** The current error, or null. */
  readonly trouble: string | null;
}

/** Lines without a function: two above the headings, the headings, one below. */
const OTHER_LINES = 4;
const NAME_COLUMNS_MIN = 11;
const NAME_COLUMNS_MAX = 48;
const WIDTHS: Readonly<Record<Exclude<Heading, 'FUNCTION'>, number>> = {
  QUEUED: 8,
  RUNNING: 7,
  WORKERS: 7,
  'IN/S': 6,
  'OUT/S': 6,
  'CHANGE/S': 8,
  OLDEST: 7,
  RETRY: 5,
  DEAD: 5,
  GATE: 8,
};

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
} as const;

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((total, item) => total + figure(item), 0);
}

/**
 * The columns of the table. 80 columns of a terminal hold all but RETRY and DEAD, or all but CHANGE/S. A server that
 * tells dead jobs also tells IN/S and OUT/S, whose difference is CHANGE/S; other servers tell neither.
 */
function headingsFor(functions: readonly FunctionRow[], columns: number): readonly Heading[] {
  if (widthOf(HEADINGS) + NAME_COLUMNS_MIN < columns) return HEADINGS;
  const isTold = functions.some((row) => row.dead !== null);
  const left: readonly Heading[] = isTold ? ['CHANGE/S'] : ['RETRY', 'DEAD'];
  return HEADINGS.filter((heading) => !left.includes(heading));
}

/** Width of all columns after the name, each with the blank before it. */
function widthOf(headings: readonly Heading[]): number {
  return sum(headings, (heading) => (heading === 'FUNCTION' ? 0 : WIDTHS[heading] + 1));
}

/**
 * A function with jobs and no worker is red, one with running jobs green, an idle one dim; a closed gate and dead jobs
 * are yellow.
 */
function coloured(row: FunctionRow, heading: Heading, text: string, colors: Colors): string {
  const isClosed = row.gate !== null && (row.gate !== 'open' || row.isDraining);
  const isUnserved = row.queued > 0 && row.workers === 0;
  if (heading === 'DEAD' && (row.dead ?? 0) > 0) return colors.yellow(text);
  if (row.queued === 0 && row.running === 0) return colors.dim(text);
  if (heading === 'FUNCTION') return isUnserved ? colors.red(text) : colors.bold(text);
  if ((heading === 'QUEUED' || heading === 'WORKERS') && isUnserved) return colors.red(text);
  if (heading === 'QUEUED' && row.queued > 0) return colors.yellow(text);
  if (heading === 'RUNNING' && row.running > 0) return colors.green(text);
  return heading === 'GATE' && isClosed ? colors.yellow(text) : text;
}

/**
 * The lines of a screen, at most `size.rows`. The last column stays free, because a terminal that does not wrap erases
 * it together with the rest of the line. On a narrow terminal lines may be longer than `size.columns`.
 */
export function frame(content: FrameContent, size: FrameSize, colors: Colors): string[] {
  const { functions, server, time, sort, trouble } = content;
  const shown = functions.slice(0, Math.max(1, size.rows - OTHER_LINES));
  const headings = headingsFor(functions, size.columns);
  const nameColumns = Math.max(
    NAME_COLUMNS_MIN,
    Math.min(NAME_COLUMNS_MAX, size.columns - 1 - widthOf(headings)),
  );
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: headings.map((heading) => (heading === 'FUNCTION' ? nameColumns : WIDTHS[heading])),
    colAligns: headings.map((heading) => (heading === 'FUNCTION' ? 'left' : 'right')),
    head: headings.map((heading) => colors.bold(heading)),
  });
  for (const row of shown) {
    const texts = cells(row);
    table.push(
      headings.map((heading) =>
        coloured(row, heading, texts[HEADINGS.indexOf(heading)] as string, colors),
      ),
    );
  }
  const queued = sum(functions, (row) => row.queued);
  const running = sum(functions, (row) => row.running);
  const totals = `${functions.length} functions, ${queued} queued, ${running} running`;
  const state = trouble === null ? totals : colors.red(trouble);
  const hidden = functions.length - shown.length;
  return [
    `${colors.bold('gearadmin top')}  ${server}  ${time}  ${state}`,
    '',
    ...table.toString().split('\n'),
    colors.dim(`${hidden > 0 ? `${hidden} more  ` : ''}q quit  s sort (${sort})`),
  ];
}

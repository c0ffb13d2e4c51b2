/**
 * One screen of `gearadmin top`: a line about the server, the table, and a line with the number of rows that did not
 * fit. Contains no cursor movements.
 */
import Table from 'cli-table3';
import type picocolors from 'picocolors';
import { cells, HEADINGS } from './cells.ts';
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
const NAME_COLUMNS_MIN = 12;
/** Widths of the columns after the name. With the shortest name and blanks between them they need 79. */
const FIGURE_COLUMNS: readonly number[] = [8, 7, 7, 7, 7, 8, 7, 8];

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

function sum(rows: readonly FunctionRow[], figure: (row: FunctionRow) => number): number {
  return rows.reduce((total, row) => total + figure(row), 0);
}

/** A function with jobs and no worker is red, one with running jobs green, an idle one dim. */
function coloured(row: FunctionRow, texts: readonly string[], colors: Colors): string[] {
  const [name = '', queued = '', running = '', workers = '', ...rest] = texts;
  const gate = rest.pop() as string;
  const isClosed = row.gate !== null && (row.gate !== 'open' || row.isDraining);
  const isUnserved = row.queued > 0 && row.workers === 0;
  if (row.queued === 0 && row.running === 0) return texts.map((text) => colors.dim(text));
  return [
    isUnserved ? colors.red(name) : colors.bold(name),
    isUnserved ? colors.red(queued) : row.queued > 0 ? colors.yellow(queued) : queued,
    row.running > 0 ? colors.green(running) : running,
    isUnserved ? colors.red(workers) : workers,
    ...rest,
    isClosed ? colors.yellow(gate) : gate,
  ];
}

/**
 * The lines of a screen, at most `size.rows`. The last column stays free, because a terminal that does not wrap erases
 * it together with the rest of the line. On a narrow terminal lines may be longer than `size.columns`.
 */
export function frame(content: FrameContent, size: FrameSize, colors: Colors): string[] {
  const { functions, server, time, sort, trouble } = content;
  const shown = functions.slice(0, Math.max(1, size.rows - OTHER_LINES));
  const figureColumns = FIGURE_COLUMNS.reduce((columns, width) => columns + width + 1, 0);
  const nameColumns = Math.max(NAME_COLUMNS_MIN, Math.min(48, size.columns - 1 - figureColumns));
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: [nameColumns, ...FIGURE_COLUMNS],
    colAligns: ['left', ...HEADINGS.slice(1).map(() => 'right' as const)],
    head: HEADINGS.map((heading) => colors.bold(heading)),
  });
  for (const row of shown) table.push(coloured(row, cells(row), colors));
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

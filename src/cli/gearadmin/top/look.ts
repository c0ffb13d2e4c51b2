/**
 * Samples the functions of a server. Our own server reports them with `functions`; others with `status`, which has
 * neither ages nor totals.
 */
import type { AdminConnection } from '../../tool/admin-connection.ts';

export interface FunctionFigures {
  readonly name: string;
  readonly queued: number;
  readonly running: number;
  readonly workers: number;
  /** Jobs created since the server knows the function; null when unknown. */
  readonly created: number | null;
  /** Age of the oldest queued job; null when unknown. */
  readonly oldestMs: number | null;
}

/** One sample of all functions. */
export interface Look {
  /** Time of a monotonic clock. */
  readonly atMs: number;
  readonly functions: readonly FunctionFigures[];
}

/** Columns of a row, split from the end: a name may contain tabs. */
function columns(row: string, count: number): { name: string; numbers: number[] } | null {
  const cells = row.split('\t');
  if (cells.length <= count) return null;
  const numbers = cells.slice(-count).map(Number);
  const isGood = numbers.every((number) => Number.isFinite(number));
  return isGood ? { name: cells.slice(0, -count).join('\t'), numbers } : null;
}

/** The name in a row of `functions`, where control characters and backslashes are `\xHH`. */
const unescaped = (name: string): string =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

/** A row of `functions`. */
function ownRow(row: string): FunctionFigures | null {
  const read = columns(row, 5);
  if (read === null) return null;
  const [queued, running, workers, created, oldestMs] = read.numbers as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { name: unescaped(read.name), queued, running, workers, created, oldestMs };
}

/** A row of `status`. */
export function statusRow(row: string): FunctionFigures | null {
  const read = columns(row, 3);
  if (read === null) return null;
  const [total, running, workers] = read.numbers as [number, number, number];
  const queued = total - running;
  return { name: read.name, queued, running, workers, created: null, oldestMs: null };
}

/**
 * Rows of a listing that ends with a dot. In `status` a name may contain line ends: a line that is not a row by itself
 * is joined with the next. Throws when the text is not a listing, or its last line is not a row.
 */
export function readRows(
  text: string,
  read: (row: string) => FunctionFigures | null,
): FunctionFigures[] {
  if (text !== '.\n' && !text.endsWith('\n.\n')) {
    throw new Error(`the server answered ${JSON.stringify(text.trim().slice(0, 200))}`);
  }
  const rows: FunctionFigures[] = [];
  let row = '';
  for (const line of text.slice(0, -2).split('\n').slice(0, -1)) {
    row += line;
    const figures = read(row);
    if (figures !== null) rows.push(figures);
    row = figures === null ? `${row}\n` : '';
  }
  if (row !== '')
    throw new Error(`the server listed ${JSON.stringify(row.slice(0, -1).slice(0, 200))}`);
  return rows;
}

/** Samples a server repeatedly over one connection; detects which listing the server has. */
export class Looker {
  readonly #connection: AdminConnection;
  #isOurs = true;

  constructor(connection: AdminConnection) {
    this.#connection = connection;
  }

  /** Rejects when the connection is lost or the reply is not a listing. */
  async look(): Promise<Look> {
    if (this.#isOurs) {
      const text = await this.#connection.askText('functions');
      if (!text.startsWith('ERR UNKNOWN_COMMAND') && !text.startsWith('ERR unknown_command')) {
        return { atMs: performance.now(), functions: readRows(text, ownRow) };
      }
      this.#isOurs = false;
    }
    const text = await this.#connection.askText('status');
    return { atMs: performance.now(), functions: readRows(text, statusRow) };
  }
}

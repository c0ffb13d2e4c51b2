/**
 * `gearadmin top`: samples a server at intervals and shows the changes, full screen on a terminal, as lines of text
 * elsewhere. When the server is lost, it waits on a terminal, and ends in a pipe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import picocolors from 'picocolors';
import type { AdminConnection } from '../../tool/admin-connection.ts';
import { reasonOf } from '../../tool/failure.ts';
import { writeAll } from '../../tool/streams.ts';
import { cells, HEADINGS } from './cells.ts';
import { changes, type FunctionRow } from './changes.ts';
import { frame } from './frame.ts';
import { type Look, Looker } from './look.ts';
import { nextSortKey, type SortKey, sorted } from './sort.ts';
import { Terminal } from './terminal.ts';

export interface TopOptions {
  /** Makes a connection; called again when one is lost. */
  readonly connect: () => Promise<AdminConnection>;
  /** Address of the server, for people. */
  readonly server: string;
  readonly intervalMs: number;
  /** Number of samples; 0 = without end. */
  readonly count: number;
  readonly sort: SortKey;
}

/** Samples over a connection that is made on demand and dropped when it fails. */
class Watch {
  readonly #connect: () => Promise<AdminConnection>;
  #open: { connection: AdminConnection; looker: Looker } | null = null;
  #before: Look | null = null;

  constructor(connect: () => Promise<AdminConnection>) {
    this.#connect = connect;
  }

  async look(): Promise<FunctionRow[]> {
    try {
      if (this.#open === null) {
        const connection = await this.#connect();
        this.#open = { connection, looker: new Looker(connection) };
      }
      const now = await this.#open.looker.look();
      const rows = changes(now, this.#before);
      this.#before = now;
      return rows;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#open?.connection.close();
    this.#open = null;
    this.#before = null;
  }
}

/** Resolves after `ms`, or to false when `signal` aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}

async function topOnTerminal(options: TopOptions): Promise<void> {
  const watch = new Watch(options.connect);
  const quit = new AbortController();
  const quitted = aborted(quit.signal);
  let rows: readonly FunctionRow[] = [];
  let trouble: string | null = null;
  let { sort } = options;
  const lines = (size: { columns: number; rows: number }): string[] => {
    const time = new Date().toTimeString().slice(0, 8);
    const content = { server: options.server, time, functions: sorted(rows, sort), sort, trouble };
    return frame(content, size, picocolors);
  };
  const draw = (): void => terminal.show(lines(terminal.size));
  const onSort = (): void => {
    sort = nextSortKey(sort);
    draw();
  };
  const terminal = new Terminal({ onQuit: () => quit.abort(), onSort, onResize: draw });
  try {
    for (let look = 1; !quit.signal.aborted; look++) {
      const seen = await Promise.race([watch.look().then(ok, failed), quitted]);
      if (seen === null) break;
      if ('rows' in seen) rows = seen.rows;
      trouble = 'rows' in seen ? null : `${seen.trouble}, trying again`;
      draw();
      if (look === options.count || !(await pause(options.intervalMs, quit.signal))) break;
    }
  } finally {
    watch.close();
    terminal.close();
  }
  // The last sample stays on the terminal's own screen.
  process.stdout.write(`${lines({ ...terminal.size, rows: terminal.size.rows - 1 }).join('\n')}\n`);
}

const ok = (rows: FunctionRow[]): { rows: FunctionRow[] } => ({ rows });
const failed = (error: unknown): { trouble: string } => ({ trouble: reasonOf(error) });

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

async function topAsText(options: TopOptions): Promise<void> {
  const watch = new Watch(options.connect);
  await writeAll(process.stdout, `${['TIME', ...HEADINGS].join('\t')}\n`);
  try {
    for (let look = 1; ; look++) {
      const rows = sorted(await watch.look(), options.sort);
      const time = new Date().toISOString();
      const text = rows.map((row) => `${[time, ...cells(row)].join('\t')}\n`).join('');
      await writeAll(process.stdout, text);
      if (look === options.count) return;
      await sleep(options.intervalMs);
    }
  } finally {
    watch.close();
  }
}

/** Runs until it is stopped. Rejects when the server cannot be reached; on a terminal only for the first sample. */
export async function top(options: TopOptions): Promise<void> {
  if (!process.stdout.isTTY) {
    await topAsText(options);
    return;
  }
  // Takes over the screen only when the server is reachable.
  const first = await options.connect();
  let isUsed = false;
  const connect = (): Promise<AdminConnection> => {
    if (isUsed) return options.connect();
    isUsed = true;
    return Promise.resolve(first);
  };
  await topOnTerminal({ ...options, connect });
}

/**
 * gearmand's SQLite table. Keys are TEXT with unchanged bytes, a workload is a BLOB that is never NULL, a time is
 * never NULL: gearmand refuses to start with NULL there. Rule: when another process has locked the file, the operation
 * is tried again for a while; the thread never blocks on the lock.
 */
import {
  type Backend,
  type BackendKind,
  type Batch,
  type FoundRow,
  type FoundRuns,
  isAdd,
  isBury,
  type Put,
  type Refusal,
  type RowKey,
  TAKEN_REASON,
} from '../backend.ts';
import { PAGE_ROWS } from '../pages.ts';
import {
  loadSqlite,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteStatement,
} from './driver.ts';
import { RunsTable } from './runs-table.ts';
import { numberOf, pageOf, quoted } from './values.ts';

export interface SqliteSettings {
  readonly file: string;
  readonly table: string;
}

/** How long a lock is waited for, as in gearmand. */
const BUSY_MS = 6_000;
const BUSY_PAUSE_MS = 25;
/** Below SQLite's limit of a value. */
const WORKLOAD_BYTES_MAX = 999_000_000;
const START_SECONDS_MAX = 0xffffffff;
const COLUMNS = ['unique_key', 'function_name', 'priority', 'data', 'when_to_run'] as const;
/** The columns of a row that is read. */
const FOUND = `rowid AS id, CAST(unique_key AS BLOB) AS key, CAST(function_name AS BLOB) AS name,
  priority, data, when_to_run AS start`;
const EXACT = 'unique_key = CAST(? AS TEXT) AND function_name = CAST(? AS TEXT)';

export async function sqliteKind(settings: SqliteSettings): Promise<BackendKind> {
  const driver = await loadSqlite();
  return {
    label: `libsqlite3 ${settings.file}`,
    isShared: true,
    keepsRuns: true,
    make: () => new SqliteBackend(driver, settings),
  };
}

interface Row {
  readonly id: number;
  readonly key: Uint8Array | null;
  readonly name: Uint8Array | null;
  readonly priority: unknown;
  readonly data: unknown;
  readonly start: unknown;
}

class SqliteBackend implements Backend {
  readonly #driver: SqliteDriver;
  readonly #settings: SqliteSettings;
  readonly #table: string;
  #connection: SqliteConnection | null = null;
  #insert: SqliteStatement | null = null;
  #remove: SqliteStatement | null = null;
  #runs: RunsTable | null = null;

  constructor(driver: SqliteDriver, settings: SqliteSettings) {
    this.#driver = driver;
    this.#settings = settings;
    this.#table = quoted(settings.table);
  }

  async open(): Promise<void> {
    const { file } = this.#settings;
    try {
      this.#connection = this.#driver.open(file);
      await this.#patiently(() => this.#prepare(this.#connection as SqliteConnection));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  unfit({ startSeconds, workload }: Put): string | null {
    if (startSeconds > START_SECONDS_MAX) return 'its start time has more than 32 bits';
    return workload.length > WORKLOAD_BYTES_MAX ? 'its workload is too large for SQLite' : null;
  }

  async write(batch: Batch): Promise<readonly Refusal[]> {
    const connection = this.#connection as SqliteConnection;
    await this.#patiently(() => connection.exec('BEGIN IMMEDIATE'));
    try {
      const refusals = this.#write(batch);
      await this.#patiently(() => connection.exec('COMMIT'));
      return refusals;
    } catch (error) {
      rollBack(connection);
      throw error;
    }
  }

  #write({ forgets, runsForgets = [], puts }: Batch): Refusal[] {
    const runs = this.#runs as RunsTable;
    for (const { key, functionName } of forgets) this.#remove?.run(key, functionName);
    for (const id of runsForgets) runs.remove(id);
    for (const put of puts) {
      if (isAdd(put)) continue;
      runs.put(put);
      if (isBury(put)) this.#remove?.run(put.key, put.functionName);
    }
    return this.#add(puts, runs);
  }

  async findRuns(rows: readonly RowKey[]): Promise<readonly FoundRuns[]> {
    return this.#runs?.find(rows) ?? [];
  }

  async *scanRuns(): AsyncGenerator<readonly FoundRuns[]> {
    yield* this.#runs?.scan() ?? [];
  }

  async find(rows: readonly RowKey[]): Promise<readonly FoundRow[]> {
    const one = (this.#connection as SqliteConnection).prepare(
      `SELECT ${FOUND} FROM ${this.#table} WHERE ${EXACT}`,
    );
    const found = rows.map(({ key, functionName }) => one.get(key, functionName));
    return found.flatMap((row) => (row === undefined ? [] : [foundRow(row as Row)]));
  }

  async count(): Promise<number> {
    const sql = `SELECT count(*) AS rows FROM ${this.#table}`;
    const connection = this.#connection as SqliteConnection;
    const { rows } = connection.prepare(sql).get() as { readonly rows: number };
    return rows;
  }

  async *scan(): AsyncGenerator<readonly FoundRow[]> {
    const page = (this.#connection as SqliteConnection).prepare(
      `SELECT ${FOUND}
      FROM ${this.#table} WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE_ROWS}`,
    );
    for (let last = Number.MIN_SAFE_INTEGER; ; ) {
      const rows = pageOf<Row>(page.iterate(last));
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.id;
      yield rows.map(foundRow);
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    this.#insert = null;
    this.#remove = null;
    this.#runs = null;
    connection?.close();
  }

  #add(puts: readonly Put[], runs: RunsTable): Refusal[] {
    const insert = this.#insert as SqliteStatement;
    const refusals: Refusal[] = [];
    for (const [index, put] of puts.entries()) {
      const { key, functionName, priority, workload, startSeconds } = put;
      if (!isAdd(put)) continue;
      const { changes } = insert.run(key, functionName, priority, workload, startSeconds);
      if (changes !== 1 && changes !== 1n) refusals.push({ index, reason: TAKEN_REASON });
      else if (put.runs) runs.put(put);
    }
    return refusals;
  }

  #prepare(connection: SqliteConnection): void {
    const encoding = connection.prepare('PRAGMA encoding').get() as { readonly encoding: string };
    if (encoding.encoding !== 'UTF-8')
      throw new Error(`its text is ${encoding.encoding}, which would change the bytes of uniques`);
    // One sync for each commit, and readers block nobody. gearmand opens such a file like any other.
    connection.exec('PRAGMA journal_mode = WAL');
    connection.exec('PRAGMA synchronous = FULL');
    this.#makeTable(connection);
    this.#insert = connection.prepare(
      `INSERT OR IGNORE INTO ${this.#table} (${COLUMNS.join(', ')})
      VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, coalesce(?, x''), ?)`,
    );
    this.#remove = connection.prepare(`DELETE FROM ${this.#table} WHERE ${EXACT}`);
    this.#runs = new RunsTable(connection, `${this.#settings.table}_ext`);
  }

  #makeTable(connection: SqliteConnection): void {
    const table = this.#table;
    connection.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (unique_key TEXT, function_name TEXT, priority INTEGER,
        data BLOB, when_to_run INTEGER, PRIMARY KEY (unique_key, function_name))`,
    );
    const found = connection.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[];
    const names = new Set(found.map(({ name }) => name.toLowerCase()));
    const missing = COLUMNS.filter((name) => !names.has(name));
    if (missing.join() === 'when_to_run')
      connection.exec(`ALTER TABLE ${table} ADD COLUMN when_to_run INTEGER`);
    else if (missing.length > 0)
      throw new Error(
        `table ${this.#settings.table} is none of gearmand: it has no column ${missing.join(', ')}`,
      );
  }

  /** Tries again while another process has locked the file. */
  async #patiently(step: () => unknown): Promise<void> {
    const endMs = performance.now() + BUSY_MS;
    for (;;) {
      try {
        step();
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > endMs) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
    }
  }
}

function foundRow({ key, name, priority, data, start }: Row): FoundRow {
  return {
    key,
    functionName: name,
    priority: numberOf(priority),
    startSeconds: start === null ? null : (numberOf(start) ?? Number.NaN),
    // gearmand writes blobs; text can only have been inserted by hand, and is taken as its bytes.
    workload: typeof data === 'string' ? Buffer.from(data) : (data as Uint8Array | null),
  };
}

function isBusy(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const number = typeof errcode === 'number' ? errcode & 0xff : 0;
  return (
    number === 5 || number === 6 || (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code))
  );
}

function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // There is none when the failure has ended the transaction.
  }
}

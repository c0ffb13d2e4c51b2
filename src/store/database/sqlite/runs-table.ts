/**
 * The runs of jobs in SQLite: a second table beside gearmand's, which gearmand does not read. It is made when the first
 * job has runs. Rule: a row of a live job has no workload; that is in the job's own row.
 */
import type { FoundRuns, Put, RowKey, RunsRow } from '../backend.ts';
import { PAGE_ROWS } from '../pages.ts';
import { fingerprintOf, hasRunsTable } from '../runs-row.ts';
import type { SqliteConnection, SqliteStatement } from './driver.ts';
import { numberOf, pageOf, quoted } from './values.ts';

const COLUMNS = [
  ...['id', 'handle', 'function_name', 'unique_key', 'fingerprint', 'attempts', 'losses'],
  ...['due_ms', 'delay_ms', 'is_live', 'details', 'priority', 'data'],
] as const;
const TEXTS: readonly string[] = ['id', 'handle', 'function_name', 'unique_key'];
const FOUND = COLUMNS.map((name) =>
  TEXTS.includes(name) ? `CAST(${name} AS BLOB) AS ${name}` : name,
).join(', ');
const NO_BYTES = new Uint8Array(0);

type Row = { readonly [C in (typeof COLUMNS)[number]]: unknown };

interface Statements {
  readonly put: SqliteStatement;
  readonly remove: SqliteStatement;
  readonly find: SqliteStatement;
  readonly page: SqliteStatement;
}

export class RunsTable {
  readonly #connection: SqliteConnection;
  readonly #name: string;
  /** null: there is no table. */
  #statements: Statements | null = null;

  /** Throws when there is a table of this name with other columns. */
  constructor(connection: SqliteConnection, name: string) {
    this.#connection = connection;
    this.#name = name;
    const found = connection.prepare(`PRAGMA table_info(${quoted(name)})`).all() as {
      name: string;
    }[];
    if (hasRunsTable(name, new Set(found.map((one) => one.name)), COLUMNS))
      this.#statements = this.#prepare();
  }

  /** Adds or replaces the runs of a job, in the transaction of the caller; makes the table when it is missing. */
  put(put: Put): void {
    this.#statements ??= this.#make();
    const { key, functionName, priority, workload } = put;
    const { id, handle = NO_BYTES, attempts, losses, ...runs } = put.runs as RunsRow;
    const { dueMs, delayMs, isDead, details } = runs;
    this.#statements.put.run(
      ...[id, handle, functionName, key],
      isDead ? null : fingerprintOf(put),
      ...[attempts, losses, dueMs, delayMs, isDead ? null : 1, details],
      ...(isDead ? [priority, workload] : [null, null]),
    );
  }

  remove(id: Uint8Array): void {
    this.#statements?.remove.run(id);
  }

  /** The runs of live jobs with these keys. */
  find(rows: readonly RowKey[]): FoundRuns[] {
    const find = this.#statements?.find;
    if (find === undefined) return [];
    const found = rows.map(({ key, functionName }) => find.get(functionName, key));
    return found.flatMap((row) => (row === undefined ? [] : [foundRuns(row as Row)]));
  }

  *scan(): Generator<FoundRuns[]> {
    for (let last: Uint8Array = NO_BYTES; this.#statements !== null; ) {
      const rows = pageOf<Row>(this.#statements.page.iterate(last));
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.id as Uint8Array;
      yield rows.map(foundRuns);
    }
  }

  /** In the transaction of the caller: when that fails, there is no table. */
  #make(): Statements {
    const name = quoted(this.#name);
    this.#connection.exec(
      `CREATE TABLE ${name} (id TEXT PRIMARY KEY, handle TEXT, function_name TEXT, unique_key TEXT,
        fingerprint BLOB, attempts INTEGER, losses INTEGER, due_ms REAL, delay_ms REAL, is_live INTEGER,
        details BLOB, priority INTEGER, data BLOB, UNIQUE (function_name, unique_key, is_live))`,
    );
    return this.#prepare();
  }

  #prepare(): Statements {
    const name = quoted(this.#name);
    const sql = (text: string): SqliteStatement => this.#connection.prepare(text);
    const values = COLUMNS.map((column) => (TEXTS.includes(column) ? 'CAST(? AS TEXT)' : '?'));
    return {
      put: sql(`INSERT OR REPLACE INTO ${name} (${COLUMNS.join()}) VALUES (${values.join()})`),
      remove: sql(`DELETE FROM ${name} WHERE id = CAST(? AS TEXT)`),
      find: sql(
        `SELECT ${FOUND} FROM ${name} WHERE function_name = CAST(? AS TEXT)
        AND unique_key = CAST(? AS TEXT) AND is_live = 1`,
      ),
      page: sql(
        `SELECT ${FOUND} FROM ${name} WHERE id > CAST(coalesce(?, x'') AS TEXT) ORDER BY id LIMIT ${PAGE_ROWS}`,
      ),
    };
  }
}

function foundRuns(row: Row): FoundRuns {
  return {
    id: bytesOf(row.id),
    key: bytesOf(row.unique_key),
    functionName: bytesOf(row.function_name),
    fingerprint: bytesOf(row.fingerprint),
    handle: bytesOf(row.handle),
    attempts: numberOf(row.attempts),
    losses: numberOf(row.losses),
    dueMs: numberOf(row.due_ms),
    delayMs: numberOf(row.delay_ms),
    isDead: row.is_live === null,
    details: bytesOf(row.details),
    priority: numberOf(row.priority),
    workload: bytesOf(row.data),
  };
}

function bytesOf(value: unknown): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}

/**
 * The runs of jobs in PostgreSQL: a second table beside gearmand's, which gearmand does not read. It is made when the
 * first job has runs. Keys are bytes. Rule: a row of a live job has no workload; that is in the job's own row.
 */
import type { Client } from 'pg';
import { asBuffer } from '../../as-buffer.ts';
import type { FoundRuns, Put, RowKey, RunsRow } from '../backend.ts';
import { nextRowCount, PAGE_ROWS } from '../pages.ts';
import { fingerprintOf, hasRunsTable } from '../runs-row.ts';

/** Columns with their types. */
const COLUMNS = {
  id: 'bytea',
  handle: 'bytea',
  function_name: 'bytea',
  unique_key: 'bytea',
  fingerprint: 'bytea',
  attempts: 'int',
  losses: 'int',
  due_ms: 'float8',
  delay_ms: 'float8',
  is_live: 'bool',
  details: 'bytea',
  priority: 'int',
  data: 'bytea',
} as const;
const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
const INSUFFICIENT_PRIVILEGE = '42501';
const NO_BYTES = new Uint8Array(0);
/** Bytes of workloads and details in one statement, except for a single larger row. */
const STATEMENT_BYTES_MAX = 1024 * 1024;

type Row = { readonly [C in keyof typeof COLUMNS]: unknown };
type Query = (text: string, values: readonly unknown[]) => Promise<{ readonly rows: unknown[] }>;

export class RunsTable {
  readonly #name: string;
  readonly #query: Query;
  #isThere = false;

  constructor(name: string, query: Query) {
    this.#name = name;
    this.#query = query;
  }

  /** Looks for the table. Rejects when it has other columns. */
  async look(client: Client): Promise<void> {
    const { rows } = await client.query(
      'SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped',
      [this.#name],
    );
    const found = new Set(rows.map(({ name }) => name as string));
    this.#isThere = hasRunsTable(this.#name, found, NAMES);
  }

  /**
   * Makes the table when it is missing, outside of a transaction. Two connections may do so at once. Resolves to the
   * reason when this user may not, else null.
   */
  async make(): Promise<string | null> {
    if (this.#isThere) return null;
    const columns = NAMES.map((name) => `${name} ${COLUMNS[name]}`).join(', ');
    await this.#query('BEGIN', []);
    try {
      await this.#query('SELECT pg_advisory_xact_lock(hashtext($1))', [this.#name]);
      await this.#query(
        `CREATE TABLE IF NOT EXISTS ${this.#name} (${columns}, PRIMARY KEY (id),
          UNIQUE (function_name, unique_key, is_live))`,
        [],
      );
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message: string };
      if (code !== INSUFFICIENT_PRIVILEGE) throw error;
      await this.#query('ROLLBACK', []);
      return `table ${this.#name} for its runs cannot be made: ${message}`;
    }
    await this.#query('COMMIT', []);
    this.#isThere = true;
    return null;
  }

  async remove(ids: readonly Uint8Array[]): Promise<void> {
    if (!this.#isThere || ids.length === 0) return;
    await this.#query(`DELETE FROM ${this.#name} WHERE id = ANY($1::bytea[])`, [ids.map(asBuffer)]);
  }

  /** Adds or replaces runs of jobs, in the transaction of the caller. */
  async put(puts: readonly Put[]): Promise<void> {
    for (const some of lotsOf(puts)) {
      const live = some.filter(({ runs }) => !runs?.isDead);
      await this.remove(some.map(({ runs }) => (runs as RunsRow).id));
      await this.#query(
        `DELETE FROM ${this.#name} USING unnest($1::bytea[], $2::bytea[]) AS gone(f, k)
        WHERE function_name = gone.f AND unique_key = gone.k AND is_live`,
        keysOf(live),
      );
      const rows = some.map(valuesOf);
      const arrays = NAMES.map((name, i) => `$${i + 1}::${COLUMNS[name]}[]`);
      await this.#query(
        `INSERT INTO ${this.#name} (${NAMES.join()}) SELECT * FROM unnest(${arrays.join()})`,
        NAMES.map((name) => rows.map((row) => row[name])),
      );
    }
  }

  /** The runs of live jobs with these keys. */
  async find(rows: readonly RowKey[]): Promise<FoundRuns[]> {
    if (!this.#isThere || rows.length === 0) return [];
    const found = await this.#query(
      `SELECT ${NAMES.join()} FROM ${this.#name}, unnest($1::bytea[], $2::bytea[]) AS wanted(f, k)
      WHERE function_name = wanted.f AND unique_key = wanted.k AND is_live`,
      keysOf(rows),
    );
    return (found.rows as Row[]).map(foundRuns);
  }

  async *scan(): AsyncGenerator<readonly FoundRuns[]> {
    if (!this.#isThere) return;
    const sql = `SELECT ${NAMES.join()} FROM ${this.#name} WHERE id > $1 ORDER BY id LIMIT $2`;
    let last = asBuffer(NO_BYTES);
    for (let count = PAGE_ROWS; ; ) {
      const rows = (await this.#query(sql, [last, count])).rows as Row[];
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.id as Buffer;
      const found = rows.map(foundRuns);
      count = nextRowCount(found);
      yield found;
    }
  }
}

function* lotsOf(puts: readonly Put[]): Generator<readonly Put[]> {
  let first = 0;
  let bytes = 0;
  for (const [index, { workload, runs }] of puts.entries()) {
    const more = (runs?.isDead ? workload.length : 0) + (runs?.details.length ?? 0);
    if (index > first && (bytes + more > STATEMENT_BYTES_MAX || index - first === PAGE_ROWS)) {
      yield puts.slice(first, index);
      first = index;
      bytes = 0;
    }
    bytes += more;
  }
  if (first < puts.length) yield puts.slice(first);
}

function keysOf(rows: readonly RowKey[]): unknown[] {
  return [
    rows.map(({ functionName }) => asBuffer(functionName)),
    rows.map(({ key }) => asBuffer(key)),
  ];
}

function valuesOf(put: Put): Row {
  const {
    id,
    handle = NO_BYTES,
    attempts,
    losses,
    dueMs,
    delayMs,
    isDead,
    details,
  } = put.runs as RunsRow;
  return {
    id: asBuffer(id),
    handle: asBuffer(handle),
    function_name: asBuffer(put.functionName),
    unique_key: asBuffer(put.key),
    fingerprint: isDead ? null : asBuffer(fingerprintOf(put)),
    attempts,
    losses,
    due_ms: dueMs,
    delay_ms: delayMs,
    is_live: isDead ? null : true,
    details: asBuffer(details),
    priority: isDead ? put.priority : null,
    data: isDead ? asBuffer(put.workload) : null,
  };
}

function foundRuns(row: Row): FoundRuns {
  return {
    id: row.id as Buffer,
    key: row.unique_key as Buffer | null,
    functionName: row.function_name as Buffer | null,
    fingerprint: row.fingerprint as Buffer | null,
    handle: row.handle as Buffer | null,
    attempts: row.attempts as number | null,
    losses: row.losses as number | null,
    dueMs: row.due_ms as number | null,
    delayMs: row.delay_ms as number | null,
    isDead: row.is_live === null,
    details: row.details as Buffer | null,
    priority: row.priority as number | null,
    workload: row.data as Buffer | null,
  };
}

/**
 * gearmand's PostgreSQL table. A batch is one statement: arrays of its columns, expanded by `unnest`. Rule: parameters
 * only; the table's name is the one part of a statement that is text, checked when it is set, and unquoted as in
 * gearmand. A table made here numbers its rows in a sixth column, because PostgreSQL keeps no order; gearmand fills
 * and ignores it.
 */
import type { Client, ClientConfig } from 'pg';
import { asBuffer } from '../../as-buffer.ts';
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
import { loadPeer } from '../load-peer.ts';
import { nextRowCount, PAGE_ROWS } from '../pages.ts';
import { addSplitting, sharesKeys, textOf, unfitForSql, writeWithoutRuns } from '../splitting.ts';
import { type PostgresConnection, readConninfo } from './conninfo.ts';
import { RunsTable } from './runs-table.ts';

export interface PostgresSettings {
  readonly conninfo: string | null;
  readonly table: string;
}

const PEER = { name: 'pg', version: '8.23.1' } as const;
/** The longest workload. The driver sends it as text with twice as many characters. */
const WORKLOAD_BYTES_MAX = 500_000_000;
/** A larger workload is sent by a statement of its own, in binary form. */
const INLINE_BYTES_MAX = 256 * 1024;
const COLUMNS = ['unique_key', 'function_name', 'priority', 'data', 'when_to_run'] as const;
const ORDER_COLUMN = 'id';
const TABLE_NAME = /^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?$/i;
const UNIQUE_VIOLATION = '23505';

type ClientClass = new (config: ClientConfig) => Client;

/** Throws when the settings are invalid or the driver is missing. */
export function postgresKind({ conninfo, table }: PostgresSettings): BackendKind {
  if (!TABLE_NAME.test(table))
    throw new Error(`--libpq-table: ${table} is no name of a table without quotes`);
  const { Client } = loadPeer(PEER, 'postgres') as { readonly Client: ClientClass };
  const connection = readConninfo(conninfo);
  const { host, port, database } = connection;
  return {
    label: `postgres ${database} on ${host}:${port}`,
    isShared: false,
    keepsRuns: true,
    make: () => new PostgresBackend(() => new Client(configOf(connection)), table),
  };
}

interface Row {
  readonly unique_key: string | null;
  readonly function_name: string | null;
  readonly priority: number | null;
  readonly data: Buffer | null;
  readonly when_to_run: number | null;
}

class PostgresBackend implements Backend {
  readonly #makeClient: () => Client;
  readonly #table: string;
  #client: Client | null = null;
  #order = '';
  readonly #runs: RunsTable;

  constructor(makeClient: () => Client, table: string) {
    this.#makeClient = makeClient;
    this.#table = table;
    this.#runs = new RunsTable(`${table}_ext`, (text, values) => this.#query(text, values));
  }

  async open(onLost: (error: Error) => void): Promise<void> {
    const client = this.#makeClient();
    this.#client = client;
    client.on('error', (error) => {
      if (this.#client === client) onLost(error);
    });
    await client.connect();
    // JOB_CREATED means that the job is on disk.
    await client.query(
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    );
    await this.#makeTable(client);
    await this.#runs.look(client);
  }

  unfit(put: Put): string | null {
    return unfitForSql(put, true, WORKLOAD_BYTES_MAX);
  }

  async write(batch: Batch): Promise<readonly Refusal[]> {
    const { forgets, runsForgets = [], puts } = batch;
    const hasRuns = runsForgets.length > 0 || puts.some(({ runs }) => runs);
    if (!hasRuns) return this.#writeRows(forgets, puts);
    const reason = puts.some(({ runs }) => runs) ? await this.#runs.make() : null;
    const write = (some: Batch) => this.#writeWithRuns(some);
    return reason === null ? write(batch) : writeWithoutRuns(write, batch, reason);
  }

  async #writeRows(forgets: readonly RowKey[], puts: readonly Put[]): Promise<readonly Refusal[]> {
    const small = puts.filter(({ workload }) => workload.length <= INLINE_BYTES_MAX);
    if (small.length === puts.length && small.length > 0 && !sharesKeys(forgets, puts)) {
      try {
        await this.#writeAtOnce(forgets, puts);
        return [];
      } catch (error) {
        if (reasonOf(error) === null) throw error;
      }
    }
    if (forgets.length > 0) await this.#query(`${this.#deleting(1)}`, keysOf(forgets));
    return addSplitting({ add: (some) => this.#add(some), reasonOf }, puts);
  }

  /** One transaction, so that no job is lost between its row and its runs. */
  async #writeWithRuns({ forgets, runsForgets = [], puts }: Batch): Promise<readonly Refusal[]> {
    await this.#query('BEGIN', []);
    if (forgets.length > 0) await this.#query(this.#deleting(1), keysOf(forgets));
    await this.#runs.remove(runsForgets);
    await this.#runs.put(puts.filter((put) => !isAdd(put)));
    const buried = puts.filter(isBury);
    if (buried.length > 0) await this.#query(this.#deleting(1), keysOf(buried));
    const numbers = [...puts.keys()].filter((number) => isAdd(puts[number] as Put));
    const added = numbers.map((number) => puts[number] as Put);
    const adding = { add: (some: readonly Put[]) => this.#addIn(some), reasonOf };
    const refusals = await addSplitting(adding, added);
    const refused = new Set(refusals.map(({ index }) => index));
    await this.#runs.put(added.filter(({ runs }, index) => runs && !refused.has(index)));
    await this.#query('COMMIT', []);
    return refusals.map(({ index, reason }) => ({ index: numbers[index] as number, reason }));
  }

  async findRuns(rows: readonly RowKey[]): Promise<readonly FoundRuns[]> {
    return this.#runs.find(rows);
  }

  scanRuns(): AsyncIterable<readonly FoundRuns[]> {
    return this.#runs.scan();
  }

  async find(rows: readonly RowKey[]): Promise<readonly FoundRow[]> {
    const sql = `SELECT ${COLUMNS.join(', ')} FROM ${this.#table},
      unnest($1::text[], $2::text[]) AS wanted(k, f)
      WHERE unique_key = wanted.k AND function_name = wanted.f`;
    const found = await this.#query(sql, keysOf(rows));
    return (found.rows as Row[]).map(foundRow);
  }

  async count(): Promise<number> {
    const { rows } = await this.#query(`SELECT count(*)::float8 AS rows FROM ${this.#table}`, []);
    return (rows[0] as { readonly rows: number }).rows;
  }

  async *scan(): AsyncGenerator<readonly FoundRow[]> {
    const sql = `SELECT ${COLUMNS.join(', ')} FROM ${this.#table} ORDER BY ${this.#order}`;
    await this.#query('BEGIN READ ONLY', []);
    await this.#query(`DECLARE jobs NO SCROLL CURSOR FOR ${sql}`, []);
    for (let count = PAGE_ROWS; ; ) {
      const { rows } = await this.#query(`FETCH ${count} FROM jobs`, []);
      if (rows.length === 0) break;
      const found = (rows as Row[]).map(foundRow);
      count = nextRowCount(found);
      yield found;
    }
    await this.#query('COMMIT', []);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  #query(text: string, values: readonly unknown[]) {
    return (this.#client as Client).query(text, [...values]);
  }

  /** Removes and adds rows by one statement, so that both are one commit. */
  async #writeAtOnce(forgets: readonly RowKey[], puts: readonly Put[]): Promise<void> {
    const with_ = forgets.length === 0 ? '' : `WITH gone AS (${this.#deleting(6)}) `;
    const text = `${with_}${this.#inserting} SELECT * FROM
      unnest($1::text[], $2::text[], $3::int[], $4::bytea[], $5::int[])`;
    const gone = forgets.length === 0 ? [] : keysOf(forgets);
    await this.#query(text, [...columnsOf(puts), ...gone]);
  }

  async #add(puts: readonly Put[]): Promise<void> {
    const [first] = puts;
    if (first === undefined) return;
    if (puts.length > 1 && puts.every(({ workload }) => workload.length <= INLINE_BYTES_MAX)) {
      await this.#writeAtOnce([], puts);
      return;
    }
    await this.#query('BEGIN', []);
    try {
      for (const put of puts)
        await this.#query(`${this.#inserting} VALUES ($1, $2, $3, $4, $5)`, valuesOf(put));
      await this.#query('COMMIT', []);
    } catch (error) {
      if (reasonOf(error) !== null) await this.#query('ROLLBACK', []);
      throw error;
    }
  }

  /** Adds rows within a transaction, which goes on when they are refused. */
  async #addIn(puts: readonly Put[]): Promise<void> {
    if (puts.length === 0) return;
    await this.#query('SAVEPOINT added', []);
    try {
      if (puts.length > 1 && puts.every(({ workload }) => workload.length <= INLINE_BYTES_MAX))
        await this.#writeAtOnce([], puts);
      else
        for (const put of puts)
          await this.#query(`${this.#inserting} VALUES ($1, $2, $3, $4, $5)`, valuesOf(put));
    } catch (error) {
      if (reasonOf(error) !== null) await this.#query('ROLLBACK TO SAVEPOINT added', []);
      throw error;
    }
    await this.#query('RELEASE SAVEPOINT added', []);
  }

  get #inserting(): string {
    return `INSERT INTO ${this.#table} (${COLUMNS.join(', ')})`;
  }

  #deleting(first: number): string {
    return `DELETE FROM ${this.#table} USING unnest($${first}::text[], $${first + 1}::text[]) AS gone(k, f)
      WHERE unique_key = gone.k AND function_name = gone.f`;
  }

  async #makeTable(client: Client): Promise<void> {
    const table = this.#table;
    const { rows: found } = await client.query('SELECT to_regclass($1) IS NOT NULL AS exists', [
      table,
    ]);
    if (!found[0].exists)
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${table} (unique_key VARCHAR(64), function_name VARCHAR(255),
          priority INTEGER, data BYTEA, when_to_run INTEGER, ${ORDER_COLUMN} BIGSERIAL,
          UNIQUE (unique_key, function_name))`,
      );
    const { rows } = await client.query(
      'SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped',
      [table],
    );
    const names = new Set(rows.map(({ name }) => name as string));
    const missing = COLUMNS.filter((name) => !names.has(name));
    if (missing.length > 0)
      throw new Error(`table ${table} is none of gearmand: it has no column ${missing.join(', ')}`);
    // Without a numbering column: the age of the transaction, then the position in the file.
    this.#order = names.has(ORDER_COLUMN) ? ORDER_COLUMN : 'age(xmin) DESC, ctid';
  }
}

function configOf({ connectMs, applicationName, ...rest }: PostgresConnection): ClientConfig {
  return {
    ...rest,
    application_name: applicationName,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
  };
}

function keysOf(rows: readonly RowKey[]): unknown[] {
  return [rows.map(({ key }) => textOf(key)), rows.map((row) => textOf(row.functionName))];
}

function columnsOf(puts: readonly Put[]): unknown[] {
  return [
    ...keysOf(puts),
    puts.map(({ priority }) => priority),
    puts.map(({ workload }) => asBuffer(workload)),
    puts.map(({ startSeconds }) => startSeconds),
  ];
}

function valuesOf({ key, functionName, priority, workload, startSeconds }: Put): unknown[] {
  return [textOf(key), textOf(functionName), priority, asBuffer(workload), startSeconds];
}

function foundRow(row: Row): FoundRow {
  return {
    key: row.unique_key === null ? null : Buffer.from(row.unique_key),
    functionName: row.function_name === null ? null : Buffer.from(row.function_name),
    priority: row.priority,
    startSeconds: row.when_to_run,
    workload: row.data,
  };
}

/** Classes 22 and 23 of SQLSTATE are about the data. */
function reasonOf(error: unknown): string | null {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  if (typeof code !== 'string' || !/^2[23]/.test(code)) return null;
  return code === UNIQUE_VIOLATION ? TAKEN_REASON : message;
}

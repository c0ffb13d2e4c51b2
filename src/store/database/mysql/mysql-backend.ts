/**
 * gearmand's table in MySQL or MariaDB. A batch is one transaction of statements with many rows. Rule: values are
 * written as hexadecimal literals and numbers, so that no byte is ever read as SQL; a statement stays below the
 * server's packet limit.
 */
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { DETAILS_BYTES_MAX } from '../../stored-job.ts';
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
import { inPages, PAGE_ROWS } from '../pages.ts';
import { addSplitting, unfitForSql, writeWithoutRuns } from '../splitting.ts';
import { connectionOptions, type MysqlAddress } from './connection.ts';
import { RunsTable } from './runs-table.ts';
import { prepareTable, quoted, type TableFacts } from './table.ts';
import { bytesOf, hex } from './values.ts';

export interface MysqlSettings extends MysqlAddress {
  readonly table: string;
}

const PEER = { name: 'mysql2', version: '3.24.6' } as const;
/** Bytes of a statement besides its values, at most. */
const STATEMENT_BYTES = 4096;
/** Bytes of a row besides its workload, as text, at most. */
const ROW_BYTES = 1024;
/** Bytes of runs besides a workload, as text, at most. */
const RUNS_BYTES = 2 * (DETAILS_BYTES_MAX + ROW_BYTES);
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024;
const KEYS_MAX = 1000;
const COLUMNS = 'unique_key, function_name, priority, data, when_to_run';
const DUPLICATE = 1062;
const DEADLOCK = 1213;
const ATTEMPTS_MAX = 5;
/** Data too long, out of range, or not in the character set. */
const DATA_ERRORS = new Set([1264, 1265, 1292, 1366, 1406, 3854, 3988]);

interface Driver {
  createConnection(options: ConnectionOptions): Promise<Connection>;
}

/** Throws when the settings are invalid or the driver is missing. */
export function mysqlKind({ table, ...address }: MysqlSettings): BackendKind {
  const driver = loadPeer(PEER, 'mysql', `${PEER.name}/promise`) as Driver;
  const options = connectionOptions(address);
  const where = options.socketPath ?? `${options.host}:${options.port}`;
  return {
    label: `mysql ${options.database} on ${where}`,
    isShared: false,
    keepsRuns: true,
    make: () => new MysqlBackend(() => driver.createConnection(options), table),
  };
}

interface Row {
  readonly unique_key: Buffer | string | null;
  readonly function_name: Buffer | string | null;
  readonly priority: number | null;
  readonly data: Buffer | null;
  readonly when_to_run: number | null;
}

class MysqlBackend implements Backend {
  readonly #connect: () => Promise<Connection>;
  readonly #tableName: string;
  readonly #table: string;
  #connection: Connection | null = null;
  #facts: TableFacts = { isText: false, remark: null };
  #packetBytesMax = 0;
  readonly #runs: RunsTable;

  constructor(connect: () => Promise<Connection>, table: string) {
    this.#connect = connect;
    this.#tableName = table;
    this.#table = quoted(table);
    const ask = async (statement: string) => (await this.#query(statement))[0] as unknown[];
    this.#runs = new RunsTable(`${table}_ext`, ask);
  }

  get remark(): string | null {
    return this.#facts.remark;
  }

  async open(onLost: (error: Error) => void): Promise<void> {
    const connection = await this.#connect();
    this.#connection = connection;
    connection.on('error', (error: Error) => {
      if (this.#connection === connection) onLost(error);
    });
    // Otherwise values that do not fit would be cut and stored.
    await connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES', autocommit = 1");
    const [rows] = await connection.query('SELECT @@max_allowed_packet AS bytes');
    const [{ bytes }] = rows as [{ readonly bytes: number }];
    this.#packetBytesMax = Number(bytes);
    this.#facts = await prepareTable(connection, this.#tableName);
    await this.#runs.look();
  }

  unfit(put: Put): string | null {
    const runsBytes = put.runs ? RUNS_BYTES : 0;
    const most = (this.#packetBytesMax - STATEMENT_BYTES - ROW_BYTES - runsBytes) / 2;
    return unfitForSql(put, this.#facts.isText, Math.floor(most));
  }

  async write(batch: Batch): Promise<readonly Refusal[]> {
    const reason = batch.puts.some(({ runs }) => runs) ? await this.#runs.make() : null;
    const write = (some: Batch) => this.#writePatiently(some);
    return reason === null ? write(batch) : writeWithoutRuns(write, batch, reason);
  }

  async #writePatiently(batch: Batch): Promise<readonly Refusal[]> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.#write(batch);
      } catch (error) {
        // The server has rolled it back as a whole, in favour of another shard.
        if (errnoOf(error) !== DEADLOCK || attempt === ATTEMPTS_MAX) throw error;
      }
  }

  async #write({ forgets, runsForgets = [], puts }: Batch): Promise<readonly Refusal[]> {
    await this.#query('START TRANSACTION');
    await this.#remove(forgets);
    await this.#runs.remove(runsForgets);
    await this.#putRuns(puts.filter((put) => !isAdd(put)));
    await this.#remove(puts.filter(isBury));
    const numbers = [...puts.keys()].filter((number) => isAdd(puts[number] as Put));
    const added = numbers.map((number) => puts[number] as Put);
    const refusals: Refusal[] = [];
    for (const { first, slice } of this.#slices(added)) {
      const adding = { add: (some: readonly Put[]) => this.#add(some), reasonOf };
      refusals.push(...(await addSplitting(adding, slice, first)));
    }
    const refused = new Set(refusals.map(({ index }) => index));
    await this.#putRuns(added.filter(({ runs }, index) => runs && !refused.has(index)));
    await this.#query('COMMIT');
    return refusals.map(({ index, reason }) => ({ index: numbers[index] as number, reason }));
  }

  async #remove(rows: readonly RowKey[]): Promise<void> {
    for (const these of this.#conditions(rows))
      await this.#query(`DELETE FROM ${this.#table} WHERE ${these}`);
  }

  async #putRuns(puts: readonly Put[]): Promise<void> {
    for (const { slice } of this.#slices(puts)) await this.#runs.put(slice);
  }

  async findRuns(rows: readonly RowKey[]): Promise<readonly FoundRuns[]> {
    return this.#runs.find(rows);
  }

  scanRuns(): AsyncIterable<readonly FoundRuns[]> {
    return this.#runs.scan();
  }

  async find(rows: readonly RowKey[]): Promise<readonly FoundRow[]> {
    const found: Row[] = [];
    for (const these of this.#conditions(rows)) {
      const sql = `SELECT ${COLUMNS} FROM ${this.#table} WHERE ${these}`;
      found.push(...((await this.#query(sql))[0] as unknown as Row[]));
    }
    return found.map(foundRow);
  }

  async count(): Promise<number> {
    const [rows] = await this.#query(`SELECT count(*) AS rows_ FROM ${this.#table}`);
    return Number((rows as [{ readonly rows_: number }])[0].rows_);
  }

  /** InnoDB keeps rows without a primary key in insertion order, and a full read follows it. */
  scan(): AsyncIterable<readonly FoundRow[]> {
    return inPages(this.#rows());
  }

  async *#rows(): AsyncGenerator<FoundRow> {
    const { connection } = this.#connection as unknown as { connection: Streaming };
    const found = connection.query(`SELECT ${COLUMNS} FROM ${this.#table}`);
    for await (const row of found.stream({ highWaterMark: PAGE_ROWS })) yield foundRow(row as Row);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
  }

  #query(statement: string) {
    return (this.#connection as Connection).query(statement);
  }

  async #add(puts: readonly Put[]): Promise<void> {
    const rows = puts.map(
      ({ key, functionName, priority, workload, startSeconds }) =>
        `(${this.#text(key)},${this.#text(functionName)},${priority},${hex(workload)},${startSeconds})`,
    );
    await this.#query(`INSERT INTO ${this.#table} (${COLUMNS}) VALUES ${rows.join(',')}`);
  }

  /**
   * Conditions that select rows, each for some hundred keys of one function. Text is compared byte by byte, regardless
   * of its collation.
   */
  #conditions(rows: readonly RowKey[]): string[] {
    const keysOf = new Map<string, Uint8Array[]>();
    for (const { key, functionName } of rows) {
      const name = this.#text(functionName);
      const keys = keysOf.get(name);
      if (keys === undefined) keysOf.set(name, [key]);
      else keys.push(key);
    }
    const conditions: string[] = [];
    for (const [name, keys] of keysOf)
      for (let at = 0; at < keys.length; at += KEYS_MAX) {
        const some = keys.slice(at, at + KEYS_MAX);
        const exact = this.#facts.isText
          ? ` AND BINARY CONVERT(unique_key USING utf8mb4) IN (${some.map(hex).join(',')})
            AND BINARY CONVERT(function_name USING utf8mb4) = BINARY ${name}`
          : '';
        const texts = some.map((key) => this.#text(key)).join(',');
        conditions.push(`function_name = ${name} AND unique_key IN (${texts})${exact}`);
      }
    return conditions;
  }

  /** Puts whose statement fits into a packet. */
  *#slices(puts: readonly Put[]): Generator<{ readonly first: number; readonly slice: Put[] }> {
    const bytesMax = Math.min(STATEMENT_BYTES_MAX, this.#packetBytesMax) - STATEMENT_BYTES;
    let first = 0;
    let byteCount = 0;
    for (const [index, { workload, functionName, runs }] of puts.entries()) {
      const detailsBytes = runs?.details.length ?? 0;
      const rowBytes = ROW_BYTES + 2 * (workload.length + functionName.length + detailsBytes);
      if (index > first && byteCount + rowBytes > bytesMax) {
        yield { first, slice: puts.slice(first, index) };
        first = index;
        byteCount = 0;
      }
      byteCount += rowBytes;
    }
    if (first < puts.length) yield { first, slice: puts.slice(first) };
  }

  #text(bytes: Uint8Array): string {
    return this.#facts.isText ? `_utf8mb4 ${hex(bytes)}` : hex(bytes);
  }
}

/** The part of the driver, without promises, that streams rows. */
interface Streaming {
  query(sql: string): { stream(options: object): AsyncIterable<unknown> };
}

function foundRow(row: Row): FoundRow {
  return {
    key: bytesOf(row.unique_key),
    functionName: bytesOf(row.function_name),
    priority: row.priority,
    startSeconds: row.when_to_run,
    workload: row.data,
  };
}

function reasonOf(error: unknown): string | null {
  const errno = errnoOf(error);
  if (errno === DUPLICATE) return TAKEN_REASON;
  return DATA_ERRORS.has(errno) ? (error as Error).message : null;
}

function errnoOf(error: unknown): number {
  return Number((error as { readonly errno?: unknown }).errno ?? 0);
}

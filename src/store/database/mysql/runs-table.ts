/**
 * The runs of jobs in MySQL or MariaDB: a second table beside gearmand's, which gearmand does not read. It is made when
 * the first job has runs. Keys are bytes. Rule: a row of a live job has no workload; that is in the job's own row.
 */
import type { FoundRuns, Put, RowKey, RunsRow } from '../backend.ts';
import { nextRowCount, PAGE_ROWS } from '../pages.ts';
import { fingerprintOf, hasRunsTable } from '../runs-row.ts';
import { quoted } from './table.ts';
import { bytesOf, hex, hexOrNull } from './values.ts';

const COLUMNS = {
  id: 'VARBINARY(32) NOT NULL PRIMARY KEY',
  handle: 'VARBINARY(64)',
  function_name: 'VARBINARY(1020)',
  unique_key: 'VARBINARY(64)',
  fingerprint: 'BINARY(16)',
  attempts: 'INT',
  losses: 'INT',
  due_ms: 'DOUBLE',
  delay_ms: 'DOUBLE',
  is_live: 'TINYINT',
  details: 'MEDIUMBLOB',
  priority: 'INT',
  data: 'LONGBLOB',
} as const;
const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
/** The user has no right to make a table, or none in this database. */
const DENIED = new Set([1044, 1142]);
const NO_BYTES = new Uint8Array(0);

interface Row {
  readonly id: Buffer;
  readonly handle: Buffer | null;
  readonly function_name: Buffer | null;
  readonly unique_key: Buffer | null;
  readonly fingerprint: Buffer | null;
  readonly attempts: number | null;
  readonly losses: number | null;
  readonly due_ms: number | null;
  readonly delay_ms: number | null;
  readonly is_live: number | null;
  readonly details: Buffer | null;
  readonly priority: number | null;
  readonly data: Buffer | null;
}

/** Sends a statement; resolves to its rows. */
type Ask = (statement: string) => Promise<readonly unknown[]>;

export class RunsTable {
  readonly #plainName: string;
  readonly #name: string;
  readonly #ask: Ask;
  #isThere = false;

  constructor(name: string, ask: Ask) {
    this.#plainName = name;
    this.#name = quoted(name);
    this.#ask = ask;
  }

  /** Looks for the table. Rejects when it has other columns. */
  async look(): Promise<void> {
    const rows = (await this.#ask(
      `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = CONVERT(${hex(Buffer.from(this.#plainName))} USING utf8mb4)`,
    )) as { readonly name: string }[];
    const found = new Set(rows.map(({ name }) => String(name).toLowerCase()));
    this.#isThere = hasRunsTable(this.#plainName, found, NAMES);
  }

  /**
   * Makes the table when it is missing, outside of a transaction: the statement would end it. Resolves to the reason
   * when this user may not, else null.
   */
  async make(): Promise<string | null> {
    if (this.#isThere) return null;
    const columns = NAMES.map((name) => `${name} ${COLUMNS[name]}`).join(', ');
    try {
      await this.#ask(
        `CREATE TABLE IF NOT EXISTS ${this.#name} (${columns},
          UNIQUE KEY live (function_name, unique_key, is_live)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      );
    } catch (error) {
      const { errno, message } = error as { readonly errno?: unknown; readonly message: string };
      if (!DENIED.has(Number(errno))) throw error;
      return `table ${this.#plainName} for its runs cannot be made: ${message}`;
    }
    this.#isThere = true;
    return null;
  }

  async remove(ids: readonly Uint8Array[]): Promise<void> {
    if (!this.#isThere) return;
    for (let at = 0; at < ids.length; at += PAGE_ROWS) {
      const some = ids.slice(at, at + PAGE_ROWS).map(hex);
      await this.#ask(`DELETE FROM ${this.#name} WHERE id IN (${some.join()})`);
    }
  }

  /** Adds or replaces runs of jobs by one statement, in the transaction of the caller. */
  async put(puts: readonly Put[]): Promise<void> {
    const rows = puts.map((put) => `(${valuesOf(put).join()})`);
    await this.#ask(`REPLACE INTO ${this.#name} (${NAMES.join()}) VALUES ${rows.join()}`);
  }

  /** The runs of live jobs with these keys. */
  async find(rows: readonly RowKey[]): Promise<FoundRuns[]> {
    if (!this.#isThere) return [];
    const found: Row[] = [];
    for (let at = 0; at < rows.length; at += PAGE_ROWS) {
      const some = rows.slice(at, at + PAGE_ROWS);
      const keys = some.map(({ key, functionName }) => `(${hex(functionName)},${hex(key)},1)`);
      const sql = `SELECT ${NAMES.join()} FROM ${this.#name} WHERE (function_name, unique_key, is_live) IN (${keys.join()})`;
      found.push(...((await this.#ask(sql)) as Row[]));
    }
    return found.map(foundRuns);
  }

  async *scan(): AsyncGenerator<readonly FoundRuns[]> {
    let last: Uint8Array = NO_BYTES;
    for (let count = PAGE_ROWS; this.#isThere; ) {
      const rows = (await this.#ask(
        `SELECT ${NAMES.join()} FROM ${this.#name} WHERE id > ${hex(last)} ORDER BY id LIMIT ${count}`,
      )) as Row[];
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.id;
      const found = rows.map(foundRuns);
      count = nextRowCount(found);
      yield found;
    }
  }
}

function valuesOf(put: Put): (string | number)[] {
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
  const fingerprint = hexOrNull(isDead ? null : fingerprintOf(put));
  return [
    ...[hex(id), hex(handle), hex(put.functionName), hex(put.key), fingerprint],
    ...[attempts, losses, dueMs, delayMs, isDead ? 'NULL' : 1, hex(details)],
    ...(isDead ? [put.priority, hex(put.workload)] : ['NULL', 'NULL']),
  ];
}

function foundRuns(row: Row): FoundRuns {
  return {
    id: row.id,
    key: bytesOf(row.unique_key),
    functionName: bytesOf(row.function_name),
    fingerprint: row.fingerprint,
    handle: row.handle,
    attempts: row.attempts,
    losses: row.losses,
    dueMs: row.due_ms,
    delayMs: row.delay_ms,
    isDead: row.is_live === null,
    details: row.details,
    priority: row.priority,
    workload: row.data,
  };
}

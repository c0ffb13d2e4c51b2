/**
 * gearmand's MySQL table: made when it is missing, otherwise checked. A table made here keeps keys as bytes, so that
 * `A` and `a` are two jobs, as they are to gearmand. A table made by gearmand keeps text in the server's character set
 * and collation: a job whose key equals another one under the collation is refused.
 */
import type { Connection, RowDataPacket } from 'mysql2/promise';

export interface TableFacts {
  /** Keys are text: they are sent as UTF-8 and stored in the table's character set. */
  readonly isText: boolean;
  /** A remark about the table for the log, or null. */
  readonly remark: string | null;
}

const COLUMNS = ['unique_key', 'function_name', 'priority', 'data', 'when_to_run'];

/** Rejects when the table is unusable. */
export async function prepareTable(connection: Connection, table: string): Promise<TableFacts> {
  const name = quoted(table);
  if ((await columnsOf(connection, table)).length === 0)
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${name} (unique_key VARBINARY(64), function_name VARBINARY(255),
        priority INT, data LONGBLOB, when_to_run INT,
        UNIQUE KEY unique_key (unique_key, function_name)) ENGINE=InnoDB`,
    );
  const columns = await columnsOf(connection, table);
  const names = new Set(columns.map((column) => String(column.name).toLowerCase()));
  const missing = COLUMNS.filter((each) => !names.has(each));
  if (missing.length > 0)
    throw new Error(`table ${table} is none of gearmand: it has no column ${missing.join(', ')}`);
  await refuseEngine(connection, table);
  const key = columns.find((column) => String(column.name).toLowerCase() === 'unique_key');
  const collation = key?.collation as string | null | undefined;
  const isText = collation != null;
  const isExact = !isText || collation.endsWith('_bin');
  const remark = isExact
    ? null
    : `table ${table} compares keys by ${collation}: of two jobs whose uniques are equal by it the second one is refused`;
  return { isText, remark };
}

/** The name as a quoted identifier. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

async function columnsOf(connection: Connection, table: string): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT COLUMN_NAME AS name, COLLATION_NAME AS collation FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [table],
  );
  return rows;
}

/** Rejects for a table whose engine has no transactions: a batch could be written in part. */
async function refuseEngine(connection: Connection, table: string): Promise<void> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT t.ENGINE AS engine, e.TRANSACTIONS AS transactions FROM information_schema.TABLES t
    LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ?`,
    [table],
  );
  const [found] = rows;
  if (found === undefined || found.transactions === 'YES') return;
  throw new Error(
    `table ${table} has the engine ${found.engine}, which has no transactions: ALTER TABLE ${quoted(table)} ENGINE=InnoDB`,
  );
}

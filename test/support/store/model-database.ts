/**
 * A database in memory that keeps rows and runs as `Backend` says, for one test after the other: a call may fail before
 * or after it was carried out, or half way where that is allowed. Rule: nothing here is taken from a kind of database.
 */
import {
  type Backend,
  type Batch,
  Change,
  type FoundRow,
  type FoundRuns,
  isAdd,
  type Put,
  type Refusal,
  type RowKey,
  TAKEN_REASON,
} from '../../../src/store/database/backend.ts';
import { fingerprintOf } from '../../../src/store/database/runs-row.ts';

/** Which call of the backend fails, counted from 0, and what of it the database carries out. */
export interface Fault {
  readonly call: number;
  readonly done: 'nothing' | 'half' | 'all';
}

/** Jobs with this unique fit no database. */
export const UNFIT = 'unfit';

const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('latin1');
const placeOf = (row: RowKey | FoundRow): string =>
  `${textOf(row.functionName)}/${textOf(row.key)}`;

export class ModelDatabase implements Backend {
  readonly rows = new Map<string, FoundRow>();
  readonly runs = new Map<string, FoundRuns>();
  #fault: Fault | null = null;
  #calls = 0;

  /** The fault of the calls from now on. */
  begin(fault: Fault | null): void {
    this.#fault = fault;
    this.#calls = 0;
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  unfit({ key }: Put): string | null {
    return textOf(key) === UNFIT ? 'it does not fit' : null;
  }

  async write(batch: Batch): Promise<readonly Refusal[]> {
    const done = this.#call();
    const hasRuns = (batch.runsForgets ?? []).length > 0 || batch.puts.some(({ runs }) => runs);
    if (done === 'half' && !hasRuns) this.#carryOut({ ...batch, puts: batch.puts.slice(1) });
    if (done === 'nothing' || done === 'half') throw new Error('the connection is gone');
    const refusals = this.#carryOut(batch);
    if (done === 'all') throw new Error('the connection is gone');
    return refusals;
  }

  async find(rows: readonly RowKey[]): Promise<readonly FoundRow[]> {
    if (this.#call() !== null) throw new Error('the connection is gone');
    return rows.flatMap((row) => this.rows.get(placeOf(row)) ?? []);
  }

  async count(): Promise<number> {
    return this.rows.size;
  }

  async *scan(): AsyncGenerator<readonly FoundRow[]> {
    for (const row of [...this.rows.values()]) yield [row];
  }

  async findRuns(rows: readonly RowKey[]): Promise<readonly FoundRuns[]> {
    const wanted = new Set(rows.map(placeOf));
    return [...this.runs.values()].filter(
      (runs) => !runs.isDead && wanted.has(placeOf(runs as RowKey)),
    );
  }

  async *scanRuns(): AsyncGenerator<readonly FoundRuns[]> {
    for (const runs of [...this.runs.values()]) yield [runs];
  }

  /** What becomes of this call; null: nothing goes wrong. */
  #call(): Fault['done'] | null {
    const fault = this.#fault;
    return this.#calls++ === fault?.call ? fault.done : null;
  }

  #carryOut({ forgets, runsForgets = [], puts }: Batch): Refusal[] {
    for (const row of forgets) this.rows.delete(placeOf(row));
    for (const id of runsForgets) this.runs.delete(textOf(id));
    const ids = puts.flatMap(({ runs }) => (runs ? [textOf(runs.id)] : []));
    if (new Set(ids).size < ids.length) throw new Error('an id of runs comes twice in a batch');
    for (const put of puts) {
      if (this.unfit(put) !== null) throw new Error('a job is written that does not fit');
      if (isAdd(put)) continue;
      this.#putRuns(put);
      if (put.change === Change.BURY) this.rows.delete(placeOf(put));
    }
    const refusals: Refusal[] = [];
    for (const [index, put] of puts.entries()) {
      if (!isAdd(put)) continue;
      if (this.rows.has(placeOf(put))) {
        refusals.push({ index, reason: TAKEN_REASON });
        continue;
      }
      const { key, functionName, priority, startSeconds, workload } = put;
      const own = { key: key.slice(), functionName: functionName.slice(), priority, startSeconds };
      this.rows.set(placeOf(put), { ...own, workload: workload.slice() });
      if (put.runs) this.#putRuns(put);
    }
    return refusals;
  }

  #putRuns(put: Put): void {
    const { id, handle = null, details, ...numbers } = put.runs as NonNullable<Put['runs']>;
    this.runs.set(textOf(id), {
      ...numbers,
      id: id.slice(),
      key: put.key.slice(),
      functionName: put.functionName.slice(),
      fingerprint: numbers.isDead ? null : fingerprintOf(put),
      handle,
      details: details.slice(),
      priority: numbers.isDead ? put.priority : null,
      workload: numbers.isDead ? put.workload.slice() : null,
    });
  }
}

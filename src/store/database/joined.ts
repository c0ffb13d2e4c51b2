/**
 * Writes the batches of several shards together. Rule: a batch is written again when its outcome is unknown, so its own
 * rows may exist already. If an existing row has exactly the content of the put, it counts as this put; any other row
 * with the same key refuses it. So it is for jobs that are queued again, whose batch may be repeated later; the runs of
 * a row that was there already are written afterwards.
 */
import {
  type Backend,
  type Batch,
  Change,
  type FoundRow,
  type Put,
  type Refusal,
  type RowKey,
  TAKEN_REASON,
} from './backend.ts';
import { idOf } from './runs-row.ts';

interface Owner {
  readonly batch: number;
  readonly index: number;
}

const AT_ONCE = 0;
const NO_BYTES = new Uint8Array(0);

/**
 * Writes the batches together; resolves to the refusals of each. `isAgain`: their outcome is unknown so far. Rejects
 * as `Backend.write` does.
 */
export async function writeJoined(
  backend: Backend,
  batches: readonly Batch[],
  isAgain: boolean,
): Promise<readonly Refusal[][]> {
  const forgets: RowKey[] = [];
  const runsForgets: Uint8Array[] = [];
  const puts: Put[] = [];
  /** By number of a put in the joined batch. */
  const owners: Owner[] = [];
  const refusals: Refusal[][] = batches.map(() => []);
  for (const [number, batch] of batches.entries()) {
    for (const row of batch.forgets) forgets.push(row);
    for (const id of batch.runsForgets ?? []) runsForgets.push(id);
    for (const [index, put] of batch.puts.entries()) {
      const reason = backend.unfit(put);
      if (reason === null) {
        owners.push({ batch: number, index });
        puts.push(put);
      } else refusals[number]?.push({ index, reason });
    }
  }
  if (forgets.length === 0 && runsForgets.length === 0 && puts.length === 0) return refusals;
  const refused = await backend.write({ forgets, runsForgets, puts });
  const own = await ownOf(backend, puts, refused, isAgain);
  const runs = puts.filter((put, index) => own.has(index) && put.runs);
  if (runs.length > 0)
    await backend.write({
      forgets: [],
      runsForgets: [],
      puts: runs.map((put) => ({ ...put, change: Change.RUNS })),
    });
  for (const { index, reason } of refused) {
    if (own.has(index)) continue;
    const owner = owners[index] as Owner;
    refusals[owner.batch]?.push({ index: owner.index, reason });
  }
  return refusals;
}

/** Refused puts whose rows exist with their own content. */
async function ownOf(
  backend: Backend,
  puts: readonly Put[],
  refusals: readonly Refusal[],
  isAgain: boolean,
): Promise<ReadonlySet<number>> {
  const taken = refusals.filter(
    ({ index, reason }) =>
      reason === TAKEN_REASON && (isAgain || puts[index]?.change === Change.KICK),
  );
  if (taken.length === 0) return new Set();
  const rows = await backend.find(taken.map(({ index }) => puts[index] as Put));
  const found = new Map(rows.map((row) => [keyOf(row), row]));
  const own = taken.filter(({ index }) => {
    const put = puts[index] as Put;
    return isSame(put, found.get(keyOf(put)));
  });
  return new Set(own.map(({ index }) => index));
}

function isSame(put: Put, row: FoundRow | undefined): boolean {
  if (row === undefined || row.priority !== put.priority) return false;
  if ((row.startSeconds ?? AT_ONCE) !== put.startSeconds) return false;
  return Buffer.compare(row.workload ?? NO_BYTES, put.workload) === 0;
}

function keyOf({ functionName, key }: Pick<FoundRow, 'functionName' | 'key'>): string {
  return idOf(functionName ?? NO_BYTES, key ?? NO_BYTES);
}

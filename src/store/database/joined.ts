/**
 * Writes the batches of several shards together. Rule: a batch is written again when its outcome is unknown, so its own
 * rows may exist already. If an existing row has exactly the content of the put, it counts as this put; any other row
 * with the same key refuses it.
 */
import {
  type Backend,
  type Batch,
  type FoundRow,
  type Put,
  type Refusal,
  type RowKey,
  TAKEN_REASON,
} from './backend.ts';

interface Owner {
  readonly batch: number;
  readonly index: number;
}

const AT_ONCE = 0;

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
  const puts: Put[] = [];
  /** By number of a put in the joined batch. */
  const owners: Owner[] = [];
  const refusals: Refusal[][] = batches.map(() => []);
  for (const [number, batch] of batches.entries()) {
    for (const row of batch.forgets) forgets.push(row);
    for (const [index, put] of batch.puts.entries()) {
      const reason = backend.unfit(put);
      if (reason === null) {
        owners.push({ batch: number, index });
        puts.push(put);
      } else refusals[number]?.push({ index, reason });
    }
  }
  if (forgets.length === 0 && puts.length === 0) return refusals;
  const refused = await backend.write({ forgets, puts });
  const left = isAgain ? await withoutOwn(backend, puts, refused) : refused;
  for (const { index, reason } of left) {
    const owner = owners[index] as Owner;
    refusals[owner.batch]?.push({ index: owner.index, reason });
  }
  return refusals;
}

/** The refusals, except those of puts that the earlier write, whose outcome was unknown, had stored. */
async function withoutOwn(
  backend: Backend,
  puts: readonly Put[],
  refusals: readonly Refusal[],
): Promise<readonly Refusal[]> {
  const taken = refusals.filter(({ reason }) => reason === TAKEN_REASON);
  if (taken.length === 0) return refusals;
  const rows = await backend.find(taken.map(({ index }) => puts[index] as Put));
  const found = new Map(rows.map((row) => [idOf(row), row]));
  return refusals.filter(({ index, reason }) => {
    const put = puts[index] as Put;
    return reason !== TAKEN_REASON || !isSame(put, found.get(idOf(put)));
  });
}

function isSame(put: Put, row: FoundRow | undefined): boolean {
  if (row === undefined || row.priority !== put.priority) return false;
  if ((row.startSeconds ?? AT_ONCE) !== put.startSeconds) return false;
  return Buffer.compare(row.workload ?? new Uint8Array(0), put.workload) === 0;
}

function idOf({ functionName, key }: Pick<FoundRow, 'functionName' | 'key'>): string {
  const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('latin1');
  return `${text(functionName)}\0${text(key)}`;
}

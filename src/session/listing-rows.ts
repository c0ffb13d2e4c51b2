/** Rows of listings about the connections and the store of one thread; listing.ts joins them. */
import { ByteWriter } from '../base/byte-writer.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { SLOT_MASK } from '../protocol/batch.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import { DONE, LIST_BYTES_MAX, LIST_ROWS_MAX, type ThreadResult } from './thread-queries.ts';

/**
 * `workers`: the connections of this thread from slot `cursor` on: `NUMBER IP ID : NAME ...`. With `part` > 0 `cursor`
 * is the id of a connection whose row is incomplete, and its names continue at `part` (SessionAbilities.list).
 */
export function listConnections(table: SessionTable, cursor: number, part: number): ThreadResult {
  const out = new ByteWriter(4096);
  let slot = cursor & SLOT_MASK;
  if (part > 0) {
    // When the connection has ended meanwhile, its row ends.
    const behind = table.live(cursor)?.abilities?.list(part, LIST_BYTES_MAX, out) ?? 0;
    if (behind > 0) return { ...DONE, cursor, part: behind, bytes: out.take() };
    out.text('\n');
    slot++;
  }
  for (let rows = 0; slot < table.slotEnd && rows < LIST_ROWS_MAX; slot++, rows++) {
    if (out.length >= LIST_BYTES_MAX) break;
    const session = table.atSlot(slot);
    if (session === null || session.isEnding) continue;
    const behind = listConnection(table, session, out);
    if (behind > 0) return { ...DONE, cursor: session.conn, part: behind, bytes: out.take() };
    out.text('\n');
  }
  return { ...DONE, cursor: slot < table.slotEnd ? slot : 0, bytes: out.take() };
}

/**
 * The number that `workers` shows instead of a descriptor. Slots and descriptors of different threads can be equal;
 * this number is unique in the server.
 */
export function connectionNumber(table: SessionTable, session: Session): number {
  const { shardCount, thread } = table.options;
  return (session.conn & SLOT_MASK) * (shardCount + 1) + thread;
}

/** Writes a row without its end; returns where its names continue, 0 = they are complete. */
function listConnection(table: SessionTable, session: Session, out: ByteWriter): number {
  table.steps.count += ROW_STEPS;
  out.text(`${connectionNumber(table, session)} ${session.address} `);
  if (session.clientId === null) out.text('-');
  else out.bytes(session.clientId);
  out.text(' :');
  return session.abilities?.list(0, LIST_BYTES_MAX, out) ?? 0;
}

/**
 * `store`: the row of this thread's store, empty without one: thread, state, jobs, uncommitted, commits, average jobs
 * and milliseconds of a commit, the longest commit, bytes of disk.
 */
export function listStore(table: SessionTable): ThreadResult {
  const store = table.hooks.storeHealth();
  if (store === null) return DONE;
  const { jobs, uncommitted, commits, committed, commitMs, commitMsMax, bytes } = store;
  const commitCount = Math.max(1, commits);
  const row = [
    table.options.thread,
    store.isAccepting ? 'accepting' : 'refusing',
    jobs,
    uncommitted,
    commits,
    (committed / commitCount).toFixed(1),
    (commitMs / commitCount).toFixed(2),
    commitMsMax.toFixed(2),
    bytes,
  ];
  return { ...DONE, bytes: new ByteWriter(64).text(`${row.join('\t')}\n`).take() };
}

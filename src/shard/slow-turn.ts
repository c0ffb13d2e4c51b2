/** What one turn did, in words: for the log line of a turn that took too long. Costs nothing before. */
import { ROW_INTS, Row, RowKind } from '../protocol/batch.ts';
import { PACKETS } from '../protocol/packets.ts';

/** Kinds of rows that are named; the rest is counted together. */
const KINDS_MAX = 4;

const KIND_NAMES: Readonly<Record<number, string>> = {
  [RowKind.OPEN]: 'new connection',
  [RowKind.LINE]: 'text line',
  [RowKind.GONE]: 'lost connection',
  [RowKind.FAULT]: 'fault',
  [RowKind.DRAINED]: 'drained connection',
};

/** What a turn does beside its rows. */
export interface TurnWork {
  /** Records of other threads. */
  readonly records: number;
  /** Jobs that were due: scheduled ones and timeouts. */
  readonly dueJobs: number;
  /** Listings that went on. */
  readonly listings: number;
}

/** `1200 rows of 3 connections (1000 SUBMIT_JOB_BG, 200 GRAB_JOB), 20 records`; `rows` as the reactor handed them over. */
export function describeTurn(rows: Int32Array, rowCount: number, work: TurnWork): string {
  const counts = new Map<number, number>();
  const conns = new Set<number>();
  for (let row = 0; row < rowCount; row++) {
    const type = rows[row * ROW_INTS + Row.TYPE] as number;
    counts.set(type, (counts.get(type) ?? 0) + 1);
    conns.add(rows[row * ROW_INTS + Row.CONN] as number);
  }
  const kinds = [...counts].sort(([, a], [, b]) => b - a);
  const named = kinds.slice(0, KINDS_MAX).map(([type, count]) => `${count} ${nameOf(type)}`);
  const others = kinds.slice(KINDS_MAX).reduce((sum, [, count]) => sum + count, 0);
  if (others > 0) named.push(`${others} others`);
  const parts = [];
  if (rowCount > 0)
    parts.push(`${rowCount} rows of ${conns.size} connections (${named.join(', ')})`);
  if (work.records > 0) parts.push(`${work.records} records of other threads`);
  if (work.dueJobs > 0) parts.push(`${work.dueJobs} due jobs`);
  if (work.listings > 0) parts.push(`${work.listings} listings`);
  return parts.length === 0 ? 'nothing of its own' : parts.join(', ');
}

function nameOf(type: number): string {
  return PACKETS[type]?.name ?? KIND_NAMES[type] ?? `row of kind ${type}`;
}

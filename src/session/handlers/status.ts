/**
 * GET_STATUS and GET_STATUS_UNIQUE, which change no job: queries to the owner in the handle, or to every owner.
 * Source: Gearman PROTOCOL, client requests; docs/design.md, section 6.
 */
import { latin1 } from '../../base/bytes.ts';
import { isBetter, type JobStatus } from '../../broker/query.ts';
import { decimalBytes, writeDecimal, writeHeader } from '../../protocol/encode.ts';
import type { Frame } from '../../protocol/frame.ts';
import { HEADER_BYTES } from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { ownerThreads } from '../../protocol/shard-of.ts';
import { findJob, jobOfThisRun, mayBeOfEarlierRun, type NamedJob } from '../find-job.ts';
import { fill, hold, limitPendingReplies, reply, reserveReply, unhold } from '../replies.ts';
import { Hold, type Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';

/** GET_STATUS. A handle of an earlier run may be that of a job with runs; that of another server is an unknown job. */
export function onStatus(table: SessionTable, session: Session, frame: Frame): void {
  const handle = frame.text(frame.a0);
  const named = jobOfThisRun(table, handle);
  if (named !== null) askOwner(table, session, handle, named);
  else if (mayBeOfEarlierRun(table, handle)) askOwners(table, session, handle);
  else reply(table, session, statusPacket(Packet.STATUS_RES, handle, null));
  limitPendingReplies(table, session, frame.end);
}

function askOwner(
  table: SessionTable,
  session: Session,
  handle: Uint8Array,
  { owner, job }: NamedJob,
): void {
  const pending = owner === table.options.thread ? null : reserveReply(session);
  table.ask(owner, { kind: 'handle', ...job }, ({ status }) => {
    if (table.live(session.conn) !== session) return;
    const packet = statusPacket(Packet.STATUS_RES, handle, status);
    if (pending === null) reply(table, session, packet);
    else fill(table, session, pending, packet);
  });
}

function askOwners(table: SessionTable, session: Session, handle: Uint8Array): void {
  const pending = reserveReply(session);
  const answer = (status: JobStatus | null): void => {
    if (table.live(session.conn) !== session) return;
    fill(table, session, pending, statusPacket(Packet.STATUS_RES, handle, status));
  };
  findJob(table, handle, (found) => {
    if (found === null) answer(null);
    else table.ask(found.owner, { kind: 'handle', ...found.job }, ({ status }) => answer(status));
  });
}

/**
 * GET_STATUS_UNIQUE. Every owner searches its functions one after the other, a limited number in each turn. Reading the
 * connection is paused during the search, so that it has one search at a time.
 */
export function onStatusByUnique(table: SessionTable, session: Session, frame: Frame): void {
  const unique = frame.text(frame.a0);
  const text = latin1(unique, 0, unique.length);
  const threads = ownerThreads(table.options.shardCount);
  const pending = reserveReply(session);
  let best: JobStatus | null = null;
  const search = (index: number, cursor: number): void => {
    if (table.live(session.conn) !== session) return;
    const thread = threads[index];
    if (thread === undefined) {
      fill(table, session, pending, statusPacket(Packet.STATUS_RES_UNIQUE, unique, best));
      unhold(table, session, Hold.search);
      return;
    }
    table.ask(thread, { kind: 'unique', unique: text, cursor }, (result) => {
      const { status } = result;
      if (status !== null && (best === null || isBetter(status, best))) best = status;
      if (result.cursor === 0) search(index + 1, 0);
      else table.later(() => search(index, result.cursor));
    });
  };
  search(0, 0);
  if (pending.isFilled) limitPendingReplies(table, session, frame.end);
  else hold(table, session, Hold.search, frame.end);
}

/** STATUS_RES: key, known, running, numerator, denominator; STATUS_RES_UNIQUE adds the number of clients. */
function statusPacket(type: number, key: Uint8Array, status: JobStatus | null): Uint8Array {
  const numbers = [
    status?.isKnown ? 1 : 0,
    status?.isRunning ? 1 : 0,
    status?.numerator ?? 0,
    status?.denominator ?? 0,
  ];
  if (type === Packet.STATUS_RES_UNIQUE) numbers.push(status?.watcherCount ?? 0);
  const payloadBytes = numbers.reduce((sum, n) => sum + 1 + decimalBytes(n), key.length);
  const packet = new Uint8Array(HEADER_BYTES + payloadBytes);
  let next = writeHeader(packet, 0, type, payloadBytes);
  packet.set(key, next);
  next += key.length;
  for (const n of numbers) {
    packet[next++] = 0;
    next = writeDecimal(packet, next, n);
  }
  return packet;
}

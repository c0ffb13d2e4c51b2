/**
 * Queries to the owner of a function, or to every thread: status, listings, admin changes. This thread answers its own
 * queries at once; other threads answer by a record. Queries are rare, so queries and results are sent through rings as
 * JSON, followed by the bytes of listings.
 */
import { ByteWriter } from '../base/byte-writer.ts';
import { bytesOf } from '../base/bytes.ts';
import { createFunction, dropFunction, limitQueue } from '../broker/admin.ts';
import type { Broker } from '../broker/broker.ts';
import {
  buryJob,
  DeadResult,
  kickJob,
  kickSome,
  listDead,
  showJob,
} from '../broker/dead-queries.ts';
import { type DeadAction, type DeadFilter, deadStep } from '../broker/dead-steps.ts';
import { drain, failWatched } from '../broker/drain.ts';
import { functionStatsPiece } from '../broker/function-stats-rows.ts';
import { functionFacts, functionPiece } from '../broker/function-views.ts';
import { setGate } from '../broker/gates.ts';
import { type JobFilter, jobPiece, wholeJob, workloadPiece } from '../broker/job-views.ts';
import { cancel } from '../broker/loss.ts';
import { numbersOfHandle } from '../broker/named-job.ts';
import { type JobStatus, list, statusByHandle, statusByUnique } from '../broker/query.ts';
import type { GateSettings } from '../policy/gate-settings.ts';
import type { PolicyChange, PolicyCommand } from '../policy/policy-command.ts';
import { hashBytes } from '../protocol/hash.ts';
import type { StoreHealth } from '../store/store.ts';

/** Names and uniques are Latin-1 texts, one character a byte. */
export type ThreadQuery =
  | { readonly kind: 'echoBarrier' }
  | { readonly kind: 'handle'; readonly slot: number; readonly serial: number }
  /** The numbers of a job with a handle of an earlier run of the server: slot in `cursor`, 0 = none, serial in `part`. */
  | { readonly kind: 'find'; readonly handle: string }
  | { readonly kind: 'unique'; readonly unique: string; readonly cursor: number }
  | { readonly kind: 'list'; readonly listing: number; readonly cursor: number }
  | { readonly kind: 'workers'; readonly cursor: number; readonly part: number }
  | { readonly kind: 'store' }
  | { readonly kind: 'functionStats'; readonly cursor: number }
  | { readonly kind: 'create' | 'drop'; readonly name: string }
  | {
      readonly kind: 'maxqueue';
      readonly name: string;
      readonly high: number;
      readonly normal: number;
      readonly low: number;
    }
  | { readonly kind: 'cancel'; readonly slot: number; readonly serial: number }
  | { readonly kind: 'drain' | 'fail'; readonly cursor: number }
  | { readonly kind: 'dead'; readonly name: string; readonly cursor: number; readonly rows: number }
  | { readonly kind: 'job' | 'kick' | 'bury'; readonly slot: number; readonly serial: number }
  | {
      readonly kind: 'kickSome';
      readonly name: string;
      readonly cursor: number;
      readonly count: number;
    }
  /** Changes the gate of a function; for its owner. */
  | { readonly kind: 'gate'; readonly settings: GateSettings }
  /** An operator's command about a policy; for thread 0, see policy-command.ts. */
  | { readonly kind: 'policy'; readonly command: PolicyCommand }
  /** Pages for programs; the result has JSON in `bytes`, and the thread's number of starts in `part`. */
  | {
      readonly kind: 'jobPage';
      readonly filter: JobFilter;
      readonly cursor: number;
      readonly rows: number;
    }
  | {
      readonly kind: 'functionPage';
      readonly match: string;
      readonly cursor: number;
      readonly rows: number;
    }
  | { readonly kind: 'connectionPage'; readonly cursor: number; readonly rows: number }
  /** JSON of one function or job; `null` when there is none. */
  | { readonly kind: 'functionView'; readonly name: string }
  | { readonly kind: 'jobView'; readonly slot: number; readonly serial: number }
  /** A piece of a workload. */
  | {
      readonly kind: 'workload';
      readonly slot: number;
      readonly serial: number;
      readonly offset: number;
      readonly count: number;
    }
  /** Closes a connection of the thread; result 1 = it was there. */
  | { readonly kind: 'closeConnection'; readonly conn: number }
  /** A change by a text command, for the audit log of thread 0. */
  | { readonly kind: 'audit'; readonly entry: AuditedCommand }
  /** A step over the dead jobs of a function; the result has JSON of DeadStep. */
  | {
      readonly kind: 'deadStep';
      readonly name: string;
      readonly filter: DeadFilter;
      readonly action: DeadAction;
      readonly cursor: number;
      readonly count: number;
    }
  | { readonly kind: 'stats' }
  /** Publishes what connections hold: see `Account.publish`. */
  | { readonly kind: 'most' };

/** A text command that changes something, and its answer. */
export interface AuditedCommand {
  /** The peer: token, certificate, address. */
  readonly who: string;
  /** The first word. */
  readonly action: string;
  readonly target: string;
  readonly before: string | null;
  readonly after: string | null;
  /** `ok`, or the code of the refusal. */
  readonly result: string;
}

export interface ThreadResult {
  /** AdminResult of create, drop, cancel; DeadResult of kick and bury. */
  readonly result: number;
  /** Where a listing or a search continues; 0 = complete. */
  readonly cursor: number;
  /** If a row was too long for its piece, where it continues; 0 = all rows are complete. Of `dead`: rows that are left. */
  readonly part: number;
  readonly status: JobStatus | null;
  readonly stats: ThreadStats | null;
  /** Of `policy`: what a command has changed. */
  readonly change: PolicyChange | null;
  /** Rows of a listing. */
  readonly bytes: Uint8Array;
}

/** Figures of one thread in `server.stats()`. Counters count since the thread started. */
export interface ThreadStats {
  /** Number of the thread: 0 is the acceptor; with `threads: 0` the only one. */
  readonly thread: number;
  /** Open connections that live in this thread, now. */
  readonly connections: number;
  /** Functions that this thread owns, now. */
  readonly functions: number;
  /** Jobs that this thread owns, now: queued, scheduled and running. */
  readonly jobs: number;
  /** Part of `jobs` that is left to the store for the next start, because the server is ending. */
  readonly keptJobs: number;
  /** Times that a job was given to a worker; a job that is tried again counts again. */
  readonly assigned: number;
  /** Jobs created by submits; joined submits do not count. */
  readonly submitted: number;
  /** Submits that joined a job with the same unique. */
  readonly coalesced: number;
  /** Submits that were answered with QUEUE_ERROR. */
  readonly refused: number;
  /** Jobs that ended with WORK_COMPLETE. */
  readonly completed: number;
  /** Jobs that ended with WORK_FAIL or WORK_EXCEPTION, or after their last attempt. */
  readonly failed: number;
  /** Times that a job returned to its queue because its worker was lost. */
  readonly requeued: number;
  /** Dead jobs dropped for a limit: `dead`, `dead_bytes` and `dead_age` of the policy of their function, `--dead-memory`. */
  readonly deadDropped: {
    readonly number: number;
    readonly bytes: number;
    readonly age: number;
    readonly memory: number;
  };
  /** Bytes of dead jobs, now: what `--dead-memory` limits. */
  readonly deadBytes: number;
  /** Bytes of job rows, workloads and indexes in use, now. */
  readonly queueBytes: number;
  /**
   * Bytes that peers make the thread keep, now: what `--max-memory` limits. Of the thread's tables only the used part
   * counts.
   */
  readonly memoryBytes: number;
  /** Records sent to other threads. */
  readonly recordsSent: number;
  /** Records received from other threads. */
  readonly recordsReceived: number;
  /**
   * Turns since start by duration: bucket b counts those below 4^b microseconds, the last one all longer ones; `sumUs`
   * is their total in microseconds.
   */
  readonly turns: { readonly buckets: readonly number[]; readonly sumUs: number };
  /** Lateness of the thread's timers; null where it is not measured. */
  readonly loopDelay: LoopDelay | null;
  /** Refused and dropped connections since start, by reason. */
  readonly incidents: { readonly [reason: string]: number };
  /** The thread's store; null where background jobs are kept in memory. */
  readonly store: StoreHealth | null;
}

/** Fields of ThreadStats that can be added up over threads. */
export type ThreadFigure = {
  [K in keyof ThreadStats]: ThreadStats[K] extends number ? K : never;
}[keyof ThreadStats];

/** How late timers of the thread were since the previous call of `server.stats()`. */
export interface LoopDelay {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const DONE: ThreadResult = {
  result: 0,
  cursor: 0,
  part: 0,
  status: null,
  stats: null,
  change: null,
  bytes: NO_BYTES,
};

/** At each restart the serials of a shard begin this much higher, so that handles never repeat. */
export const SERIALS_PER_START = 2 ** 40;

/** Functions that one turn searches for a unique. */
const FUNCTIONS_MAX = 10_000;

/** Rows of a listing that one turn may write. */
export const LIST_ROWS_MAX = 1000;
/** Bytes after which no further name or row is written in one turn. */
export const LIST_BYTES_MAX = 256 * 1024;
/** Rows of function statistics that one turn may write: they have thirty numbers each. */
const STATS_ROWS_MAX = 64;

/** Holds one piece of a listing while it is written; empty between two queries. */
const rows = new ByteWriter(64 * 1024);

/** Whether the query reads many rows, as many as peers have caused. All such queries of a turn share one budget. */
export function goesOverRows({ kind }: ThreadQuery): boolean {
  return (
    kind === 'list' ||
    kind === 'workers' ||
    kind === 'unique' ||
    kind === 'functionStats' ||
    kind === 'dead' ||
    kind === 'kickSome' ||
    kind === 'deadStep' ||
    kind === 'jobPage' ||
    kind === 'functionPage' ||
    kind === 'connectionPage'
  );
}

/** Results from the broker; the sessions answer `echoBarrier`, `workers`, `store`, `stats` and `most` themselves. */
export function answerByBroker(broker: Broker, query: ThreadQuery): ThreadResult {
  switch (query.kind) {
    case 'handle':
      return { ...DONE, status: statusByHandle(broker, query.slot, query.serial) };
    case 'find': {
      const { slot, serial } = numbersOfHandle(broker, query.handle);
      return { ...DONE, cursor: slot, part: serial };
    }
    case 'unique': {
      const { unique, cursor } = query;
      return { ...DONE, ...statusByUnique(broker, bytesOf(unique), cursor, FUNCTIONS_MAX) };
    }
    case 'list': {
      const cursor = list(broker, query, LIST_ROWS_MAX, LIST_BYTES_MAX, rows);
      return { ...DONE, cursor, bytes: rows.take() };
    }
    case 'functionStats':
      return {
        ...DONE,
        ...functionStatsPiece(broker, query.cursor, LIST_ROWS_MAX, STATS_ROWS_MAX),
      };
    case 'create':
    case 'drop': {
      const name = bytesOf(query.name);
      const hash = hashBytes(name, 0, name.length, broker.options.hashSeed);
      const change = query.kind === 'create' ? createFunction : dropFunction;
      return { ...DONE, result: change(broker, name, hash) };
    }
    case 'maxqueue': {
      const name = bytesOf(query.name);
      const hash = hashBytes(name, 0, name.length, broker.options.hashSeed);
      limitQueue(broker, name, hash, query.high, query.normal, query.low);
      return DONE;
    }
    case 'drain':
      return { ...DONE, cursor: drain(broker, query.cursor) };
    case 'fail':
      return { ...DONE, cursor: failWatched(broker, query.cursor) };
    case 'dead': {
      const fn = broker.functionCalled(query.name);
      const { cursor, rows: rowsMax } = query;
      const next = listDead(broker, fn, cursor, rowsMax, LIST_BYTES_MAX, rows);
      return { ...DONE, cursor: next.cursor, part: next.rowsLeft, bytes: rows.take() };
    }
    case 'job': {
      const isThere = showJob(broker, query.slot, query.serial, rows);
      return {
        ...DONE,
        result: isThere ? DeadResult.done : DeadResult.notFound,
        bytes: rows.take(),
      };
    }
    case 'kick':
      return { ...DONE, result: kickJob(broker, query.slot, query.serial) };
    case 'bury':
      return { ...DONE, result: buryJob(broker, query.slot, query.serial) };
    case 'kickSome': {
      const fn = broker.functionCalled(query.name);
      const { kicked, left, cursor, reason, dead } = kickSome(
        broker,
        fn,
        query.cursor,
        query.count,
      );
      return { ...DONE, result: reason, cursor, bytes: bytesOf(`${kicked} ${left} ${dead}`) };
    }
    case 'deadStep': {
      const { name, filter, action, cursor, count } = query;
      return asJson(broker, deadStep(broker, name, filter, action, cursor, count));
    }
    case 'jobPage': {
      const { filter, cursor, rows: rowsMax } = query;
      return asJson(broker, jobPiece(broker, filter, cursor, rowsMax));
    }
    case 'functionPage': {
      const { match, cursor, rows: rowsMax } = query;
      return asJson(broker, functionPiece(broker, match, cursor, rowsMax));
    }
    case 'functionView': {
      const fn = broker.functionCalled(query.name);
      return asJson(broker, fn === null ? null : functionFacts(broker, fn));
    }
    case 'jobView':
      return asJson(broker, wholeJob(broker, query.slot, query.serial));
    case 'workload': {
      const { slot, serial, offset, count } = query;
      const bytes = workloadPiece(broker, slot, serial, offset, count);
      const result = bytes === null ? DeadResult.notFound : DeadResult.done;
      return { ...DONE, result, bytes: bytes ?? NO_BYTES };
    }
    case 'gate':
      setGate(broker, query.settings);
      return DONE;
    case 'cancel':
      return { ...DONE, result: cancel(broker, query.slot, query.serial) ? 0 : 1 };
    default:
      return DONE;
  }
}

function asJson({ options }: Broker, value: unknown): ThreadResult {
  return jsonResult(value, Math.floor((options.lastSerial ?? 0) / SERIALS_PER_START));
}

/** A result for programs. `starts`: how often the thread was started. */
export function jsonResult(value: unknown, starts: number): ThreadResult {
  return { ...DONE, part: starts, bytes: new TextEncoder().encode(JSON.stringify(value)) };
}

/** Bytes of a RESULT record: JSON, NUL, rows. */
export function encodeResult(result: ThreadResult): Uint8Array {
  const { bytes, ...rest } = result;
  const head = bytesOf(`${JSON.stringify(rest)}\0`);
  const record = new Uint8Array(head.length + bytes.length);
  record.set(head);
  record.set(bytes, head.length);
  return record;
}

/** Decodes the result in `bytes[at, at + count)`; copies. */
export function decodeResult(bytes: Uint8Array, at: number, count: number): ThreadResult {
  const record = bytes.slice(at, at + count);
  const nul = record.indexOf(0);
  const rest = JSON.parse(new TextDecoder().decode(record.subarray(0, nul))) as Omit<
    ThreadResult,
    'bytes'
  >;
  return { ...rest, bytes: record.subarray(nul + 1) };
}

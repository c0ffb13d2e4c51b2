/**
 * The bytes of a commit, version 1. Numbers are little-endian and not aligned.
 *
 *   commit     0 version u8   1 zeros u8, u16   4 crc u32 of bytes 8 to the end
 *              8 epoch u64   16 number u64   24 entries u32   28 name: writer   then the entries
 *   name       length u8, then so many bytes
 *   key        epoch u64, serial u64
 *   put        1 u8, flags u8, priority u8, key, name: home of the submit, number of the submit u64, start f64: ms since 1970,
 *              function u16, reducer u16, name: unique, then the bytes of function and reducer, [runs], workload
 *   runs       attempts u16, losses u16, dead u8, due f64, delay f64: ms; bytes of the details u32, details
 *   workload   bytes u32, then the bytes; or, with the flag PARTS: count u32, crc u32, bytes u64
 *   forget     2 u8, key
 *   answered   3 u8, name: home, lowest u64, count u32, then for each: number u64, key
 *
 * Rule: `decodeCommit` returns null for bytes that are not exactly one commit; it never throws and never makes more
 * objects than the bytes have room for.
 */
import { crcOf } from '../store/journal/crc.ts';
import { entryBytesOf } from '../store/journal/entry-bytes.ts';
import type { StoredRuns } from '../store/stored-job.ts';
import {
  type Answered,
  type Commit,
  type Entry,
  EntryKind,
  isParts,
  type JobKey,
  type Parts,
  type Put,
} from './entries.ts';
import { FieldReader, FieldWriter } from './fields.ts';

export const COMMIT_VERSION = 1;
/** A commit has at most so many bytes. */
export const COMMIT_BYTES_MAX = 512 * 1024;
/** A larger workload is kept in parts. With every other field at its largest, such a put still fits into a commit. */
export const INLINE_WORKLOAD_BYTES_MAX = 192 * 1024;
/** Bytes of a commit without entries, at most. */
export const COMMIT_HEAD_BYTES_MAX = 28 + 256;

const HEAD_BYTES = 28;
const Flag = { PARTS: 1, RUNS: 2 } as const;
const KEY_BYTES = 16;
const PUT_FIXED_BYTES = 3 + KEY_BYTES + 1 + 8 + 8 + 2 + 2 + 1;
const RUNS_FIXED_BYTES = 2 + 2 + 1 + 8 + 8 + 4;
const ANSWERED_FIXED_BYTES = 1 + 1 + 8 + 4;
const ANSWERED_JOB_BYTES = 8 + KEY_BYTES;
const PRIORITY_MAX = 2;

/** Bytes of the entry in a commit. */
export function entryBytes(entry: Entry): number {
  switch (entry.kind) {
    case EntryKind.PUT:
      return putBytes(entry);
    case EntryKind.FORGET:
      return 1 + KEY_BYTES;
    case EntryKind.ANSWERED:
      return ANSWERED_FIXED_BYTES + entry.home.length + entry.jobs.length * ANSWERED_JOB_BYTES;
  }
}

function putBytes({ functionName, unique, reducer, runs, submit, workload }: Put): number {
  const texts = functionName.length + unique.length + reducer.length + submit.home.length;
  const runsBytes = runs === null ? 0 : RUNS_FIXED_BYTES + runs.details.length;
  return PUT_FIXED_BYTES + texts + runsBytes + (isParts(workload) ? 16 : 4 + workload.length);
}

/** The bytes of `commit`; the caller sees to it that they are at most COMMIT_BYTES_MAX. */
export function encodeCommit(commit: Commit): Uint8Array {
  const to = new FieldWriter();
  to.u8(COMMIT_VERSION).u8(0).u16(0).u32(0).u64(commit.epoch).u64(commit.number);
  to.u32(commit.entries.length).name(commit.writer);
  for (const entry of commit.entries) writeEntry(to, entry);
  const bytes = to.take();
  const crc = crcOf(entryBytesOf(bytes), 8, bytes.length, 0);
  new DataView(bytes.buffer).setUint32(4, crc, true);
  return bytes;
}

function writeEntry(to: FieldWriter, entry: Entry): void {
  to.u8(entry.kind);
  switch (entry.kind) {
    case EntryKind.PUT:
      writePut(to, entry);
      break;
    case EntryKind.FORGET:
      writeKey(to, entry.key);
      break;
    case EntryKind.ANSWERED:
      to.name(entry.home).u64(entry.lowest).u32(entry.jobs.length);
      for (const [number, key] of entry.jobs) writeKey(to.u64(number), key);
  }
}

function writeKey(to: FieldWriter, { epoch, serial }: JobKey): void {
  to.u64(epoch).u64(serial);
}

function writePut(to: FieldWriter, put: Put): void {
  const { functionName, reducer, runs, submit, workload } = put;
  const inParts = isParts(workload);
  to.u8((inParts ? Flag.PARTS : 0) | (runs === null ? 0 : Flag.RUNS)).u8(put.priority);
  writeKey(to, put.key);
  to.name(submit.home).u64(submit.number).f64(put.startMs);
  to.u16(functionName.length).u16(reducer.length).name(put.unique);
  to.text(functionName).text(reducer);
  if (runs !== null) writeRuns(to, runs);
  if (inParts) to.u32(workload.count).u32(workload.crc).u64(workload.byteCount);
  else to.u32(workload.length).bytes(workload);
}

function writeRuns(to: FieldWriter, runs: StoredRuns): void {
  to.u16(runs.attempts)
    .u16(runs.losses)
    .u8(runs.isDead ? 1 : 0);
  to.f64(runs.dueMs).f64(runs.delayMs).u32(runs.details.length).bytes(runs.details);
}

/** The commit that `bytes` are, or null. Workloads and details are views of `bytes`. */
export function decodeCommit(bytes: Uint8Array): Commit | null {
  if (bytes.length < HEAD_BYTES + 1 || bytes.length > COMMIT_BYTES_MAX) return null;
  const from = new FieldReader(bytes);
  if (from.u8() !== COMMIT_VERSION || from.u8() !== 0 || from.u16() !== 0) return null;
  if (from.u32() !== crcOf(entryBytesOf(bytes), 8, bytes.length, 0)) return null;
  const epoch = from.u64();
  const number = from.u64();
  const count = from.u32();
  const writer = from.name();
  const entries: Entry[] = [];
  while (entries.length < count && !from.isBad) entries.push(readEntry(from));
  return from.isBad || !from.isAtEnd ? null : { epoch, number, writer, entries };
}

function readEntry(from: FieldReader): Entry {
  const kind = from.u8();
  switch (kind) {
    case EntryKind.PUT:
      return readPut(from);
    case EntryKind.ANSWERED:
      return readAnswered(from);
    case EntryKind.FORGET:
      break;
    default:
      from.refuse();
  }
  return { kind: EntryKind.FORGET, key: readKey(from) };
}

function readKey(from: FieldReader): JobKey {
  return { epoch: from.u64(), serial: from.u64() };
}

function readPut(from: FieldReader): Put {
  const flags = from.u8();
  const priority = from.u8();
  if (priority > PRIORITY_MAX || flags > (Flag.PARTS | Flag.RUNS)) from.refuse();
  const key = readKey(from);
  const submit = { home: from.name(), number: from.u64() };
  const startMs = from.f64();
  const nameBytes = from.u16();
  const reducerBytes = from.u16();
  const unique = from.name();
  const functionName = from.text(nameBytes);
  const reducer = from.text(reducerBytes);
  const runs = (flags & Flag.RUNS) === 0 ? null : readRuns(from);
  const workload = (flags & Flag.PARTS) === 0 ? from.bytes(from.u32()) : readParts(from);
  const { PUT } = EntryKind;
  return {
    kind: PUT,
    key,
    functionName,
    unique,
    reducer,
    priority,
    startMs,
    runs,
    submit,
    workload,
  };
}

function readRuns(from: FieldReader): StoredRuns {
  const attempts = from.u16();
  const losses = from.u16();
  const dead = from.u8();
  if (dead > 1) from.refuse();
  const dueMs = from.f64();
  const delayMs = from.f64();
  return { attempts, losses, isDead: dead === 1, dueMs, delayMs, details: from.bytes(from.u32()) };
}

function readParts(from: FieldReader): Parts {
  return { count: from.u32(), crc: from.u32(), byteCount: from.u64() };
}

function readAnswered(from: FieldReader): Answered {
  const home = from.name();
  const lowest = from.u64();
  const count = from.u32();
  if (count * ANSWERED_JOB_BYTES > from.left) from.refuse();
  const jobs: [number, JobKey][] = [];
  while (jobs.length < count && !from.isBad) jobs.push([from.u64(), readKey(from)]);
  return { kind: EntryKind.ANSWERED, home, lowest, jobs };
}

/**
 * The bytes of a journal, versions 1 and 2. Numbers are little-endian; everything begins at a multiple of 8.
 *
 *   segment    header, header again, entries one after the other, zeros up to its end
 *
 *   header     0 "gtjournl"   8 version u32   12 shard u32   16 salt u32   20 0   24 0   28 crc u32 of bytes 0..27
 *
 *   entry      0 crc u32 of bytes 4 .. end, begun with the salt     4 bytes u32: whole entry, a multiple of 8
 *              8 kind u8     9 version u8   10 priority u8   11 bytes of the unique u8
 *             12 slot u32   16 id u64, ascending with the time of the submit
 *   put       24 start f64: ms since 1970, 0 = at once
 *             32 bytes of the function u16   34 of the reducer u16   36 of the workload u32
 *             40 function, unique, reducer, workload, zeros to a multiple of 8
 *   runs       24 to 39 as in a put: a put with what the store keeps of the job's runs
 *             40 due f64: ms since 1970, 0 = at once     48 delay f64: ms, 0 = none
 *             56 revision u64: 0 = the first put of the job; unique among all later ones of the journal
 *             64 attempts u16   66 losses u16   68 bytes of the details u32   72 dead u8, 0 or 1
 *             73 bytes of the handle u8, 0 = none is known   74 to 79 zeros
 *             80 function, unique, reducer, workload, details, handle, zeros to a multiple of 8
 *   forget     ends at 24: the puts of equal slot and id are over
 *
 * Rule: an entry is valid when its crc is. The salt keeps workloads, which clients choose, from looking like entries.
 * A second put, with or without runs, of the same slot and id was moved, or is an update: the last one counts. Entries
 * with runs have version 2 and are in segments of version 2 only, which also contain entries of version 1. A server
 * that reads only version 1 would take such an entry in a segment of version 1 for a torn write and erase it.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import { HANDLE_BYTES_MAX } from '../../protocol/limits.ts';
import {
  ATTEMPTS_MAX,
  DETAILS_BYTES_MAX,
  LOSSES_MAX,
  StoredJob,
  type StoredRuns,
} from '../stored-job.ts';
import { crcOf } from './crc.ts';
import { type EntryBytes, entryBytesOf } from './entry-bytes.ts';

/** Versions of segments and entries. */
export const Version = { PLAIN: 1, RUNS: 2 } as const;
export type Version = (typeof Version)[keyof typeof Version];
export const HEADER_BYTES = 64;
export const FORGET_BYTES = 24;
export const PUT_HEAD_BYTES = 40;
export const ALIGN = 8;

const EntryKind = { PUT: 1, FORGET: 2, RUNS: 3 } as const;
const RUNS_HEAD_BYTES = 80;

const MAGIC = Buffer.from('gtjournl', 'latin1');
const HEADER_COPY_BYTES = 32;
const TWO_32 = 0x1_0000_0000;
const NO_BYTES = new Uint8Array(0);

/** Size of the put of `job`, with its runs if it has any. */
export function putBytes(job: StoredJob): number {
  const { functionName, reducer, uniqueBytes, workloadBytes, runs } = job;
  const data = functionName.length + uniqueBytes + reducer.length + workloadBytes;
  const rest = runs === null ? PUT_HEAD_BYTES : RUNS_HEAD_BYTES + ownBytes(runs);
  return Math.ceil((rest + data) / ALIGN) * ALIGN;
}

function ownBytes({ details, handle = NO_BYTES }: StoredRuns): number {
  return details.length + handle.length;
}

/** The version of a segment that may have the put of `job`. */
export function versionOf(job: StoredJob): Version {
  return job.runs === null ? Version.PLAIN : Version.RUNS;
}

/** Writes a put of `byteCount` = `putBytes(job)` bytes at `at`. `revision` counts only for a job with runs. */
export function writePut(
  to: EntryBytes,
  at: number,
  byteCount: number,
  job: StoredJob,
  slot: number,
  id: number,
  salt: number,
  revision = 0,
): void {
  const { bytes, view } = to;
  const { functionName, reducer, uniqueBytes, workloadBytes, runs } = job;
  const workload = job.at + uniqueBytes;
  if (runs === null) writeHead(view, at, byteCount, EntryKind.PUT, slot, id);
  else writeRuns(to, at, byteCount, runs, slot, id, revision);
  bytes[at + 10] = job.priority;
  bytes[at + 11] = uniqueBytes;
  view.setFloat64(at + 24, job.startMs, true);
  view.setUint16(at + 32, functionName.length, true);
  view.setUint16(at + 34, reducer.length, true);
  view.setUint32(at + 36, workloadBytes, true);
  const data = at + (runs === null ? PUT_HEAD_BYTES : RUNS_HEAD_BYTES);
  let next = copyBytes(bytes, data, functionName, 0, functionName.length);
  next = copyBytes(bytes, next, job.bytes, job.at, workload);
  next = copyBytes(bytes, next, reducer, 0, reducer.length);
  next = copyBytes(bytes, next, job.bytes, workload, workload + workloadBytes);
  if (runs !== null) {
    const { details, handle = NO_BYTES } = runs;
    next = copyBytes(bytes, next, details, 0, details.length);
    next = copyBytes(bytes, next, handle, 0, handle.length);
  }
  const end = at + byteCount;
  while (next < end) bytes[next++] = 0;
  view.setUint32(at, crcOf(to, at + 4, end, salt), true);
}

/** Writes what a put with runs has besides a put: its head and bytes 40 to 79. */
function writeRuns(
  { bytes, view }: EntryBytes,
  at: number,
  byteCount: number,
  runs: StoredRuns,
  slot: number,
  id: number,
  revision: number,
): void {
  const { attempts, losses, details, handle = NO_BYTES } = runs;
  assert(attempts >= 0 && attempts <= ATTEMPTS_MAX, 'store runs: attempts are 0 to 1000');
  assert(losses >= 0 && losses <= LOSSES_MAX, 'store runs: losses are 0 to 65535');
  assert(details.length <= DETAILS_BYTES_MAX, 'store runs: details have at most 64 KiB');
  assert(handle.length <= HANDLE_BYTES_MAX, 'store runs: a handle has at most 63 bytes');
  writeHead(view, at, byteCount, EntryKind.RUNS, slot, id);
  bytes[at + 9] = Version.RUNS;
  view.setFloat64(at + 40, runs.dueMs, true);
  view.setFloat64(at + 48, runs.delayMs, true);
  writeU64(view, at + 56, revision);
  view.setUint16(at + 64, attempts, true);
  view.setUint16(at + 66, losses, true);
  view.setUint32(at + 68, details.length, true);
  bytes.fill(0, at + 72, at + RUNS_HEAD_BYTES);
  if (runs.isDead) bytes[at + 72] = 1;
  bytes[at + 73] = handle.length;
}

/** Writes a forget of FORGET_BYTES at `at`. */
export function writeForget(
  to: EntryBytes,
  at: number,
  slot: number,
  id: number,
  salt: number,
): void {
  const { bytes, view } = to;
  writeHead(view, at, FORGET_BYTES, EntryKind.FORGET, slot, id);
  bytes[at + 10] = 0;
  bytes[at + 11] = 0;
  view.setUint32(at, crcOf(to, at + 4, at + FORGET_BYTES, salt), true);
}

function writeHead(
  view: DataView,
  at: number,
  byteCount: number,
  kind: number,
  slot: number,
  id: number,
): void {
  view.setUint32(at + 4, byteCount, true);
  view.setUint8(at + 8, kind);
  view.setUint8(at + 9, Version.PLAIN);
  view.setUint32(at + 12, slot, true);
  writeU64(view, at + 16, id);
}

function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true); // Modulo 2^32.
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** Size of the valid entry at `at`, or 0 when there is none before `end`. */
export function goodEntryBytes(from: EntryBytes, at: number, end: number, salt: number): number {
  const { bytes, view } = from;
  if (at + FORGET_BYTES > end) return 0;
  const byteCount = view.getUint32(at + 4, true);
  if (byteCount % ALIGN !== 0 || byteCount > end - at) return 0;
  if (!mayBe(bytes[at + 8] as number, bytes[at + 9] as number, byteCount)) return 0;
  return crcOf(from, at + 4, at + byteCount, salt) === view.getUint32(at, true) ? byteCount : 0;
}

/** Whether there are entries of this kind, version and size. */
function mayBe(kind: number, version: number, byteCount: number): boolean {
  if (kind === EntryKind.RUNS) return version === Version.RUNS && byteCount >= RUNS_HEAD_BYTES;
  if (version !== Version.PLAIN) return false;
  if (kind === EntryKind.PUT) return byteCount >= PUT_HEAD_BYTES;
  return kind === EntryKind.FORGET && byteCount === FORGET_BYTES;
}

/** Size of a valid entry. */
export function entryBytesAt(from: EntryBytes, at: number): number {
  return from.view.getUint32(at + 4, true);
}

/** Whether it is a put, with or without runs. */
export function isPut(from: EntryBytes, at: number): boolean {
  return from.bytes[at + 8] !== EntryKind.FORGET;
}

/** Revision of a valid put; 0 without runs. */
export function revisionAt(from: EntryBytes, at: number): number {
  return from.bytes[at + 8] === EntryKind.RUNS ? readU64(from.view, at + 56) : 0;
}

export function slotAt(from: EntryBytes, at: number): number {
  return from.view.getUint32(at + 12, true);
}

export function idAt(from: EntryBytes, at: number): number {
  return readU64(from.view, at + 16);
}

/** The job of a valid put; its bytes are ranges of `from`. */
export function jobAt(from: EntryBytes, at: number): StoredJob {
  const { bytes, view } = from;
  const hasRuns = bytes[at + 8] === EntryKind.RUNS;
  const name = at + (hasRuns ? RUNS_HEAD_BYTES : PUT_HEAD_BYTES);
  const unique = name + view.getUint16(at + 32, true);
  const reducer = unique + (bytes[at + 11] as number);
  const workload = reducer + view.getUint16(at + 34, true);
  const workloadBytes = view.getUint32(at + 36, true);
  const runs = hasRuns ? runsAt(from, at, workload + workloadBytes) : null;
  const functionName = bytes.subarray(name, unique);
  const priority = bytes[at + 10] as number;
  const startMs = view.getFloat64(at + 24, true);
  if (workload > reducer)
    return StoredJob.of({
      ...{ functionName, priority, startMs, reducer: bytes.subarray(reducer, workload) },
      unique: bytes.subarray(unique, reducer),
      workload: bytes.subarray(workload, workload + workloadBytes),
      runs,
    });
  const uniqueBytes = reducer - unique;
  return new StoredJob(
    functionName,
    NO_BYTES,
    priority,
    startMs,
    bytes,
    unique,
    uniqueBytes,
    workloadBytes,
    runs,
  );
}

function runsAt({ bytes, view }: EntryBytes, at: number, details: number): StoredRuns {
  const handle = details + view.getUint32(at + 68, true);
  const handleBytes = bytes[at + 73] as number;
  return {
    ...(handleBytes > 0 && { handle: bytes.subarray(handle, handle + handleBytes) }),
    attempts: view.getUint16(at + 64, true),
    losses: view.getUint16(at + 66, true),
    dueMs: view.getFloat64(at + 40, true),
    delayMs: view.getFloat64(at + 48, true),
    isDead: bytes[at + 72] === 1,
    details: bytes.subarray(details, handle),
  };
}

/** The two headers at the start of a segment. */
export function segmentHeader(shard: number, salt: number, version: Version): Uint8Array {
  const { bytes, view } = entryBytesOf(new Uint8Array(HEADER_BYTES));
  bytes.set(MAGIC);
  view.setUint32(8, version, true);
  view.setUint32(12, shard, true);
  view.setUint32(16, salt, true);
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true);
  bytes.copyWithin(HEADER_COPY_BYTES, 0, HEADER_COPY_BYTES);
  return bytes;
}

/** Salt and version of a segment from either of its headers, or null when both are damaged. */
export function readHeader(
  from: EntryBytes,
  end: number,
): { salt: number; version: number } | null {
  const { bytes, view } = from;
  for (let at = 0; at + HEADER_COPY_BYTES <= Math.min(end, HEADER_BYTES); at += HEADER_COPY_BYTES) {
    if (!MAGIC.equals(bytes.subarray(at, at + MAGIC.length))) continue;
    if (crc32(bytes.subarray(at, at + 28)) !== view.getUint32(at + 28, true)) continue;
    return { version: view.getUint32(at + 8, true), salt: view.getUint32(at + 16, true) };
  }
  return null;
}

/**
 * The bytes of a journal, version 1. Numbers are little-endian; everything begins at a multiple of 8.
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
 *   forget     ends at 24: the put of equal slot and id is over
 *
 * Rule: an entry is valid when its crc is. The salt keeps workloads, which clients choose, from looking like entries.
 * A second put with the same slot and id was moved: the last one counts.
 */
import { crc32 } from 'node:zlib';
import { copyBytes } from '../../base/bytes.ts';
import { StoredJob } from '../stored-job.ts';
import { crcOf } from './crc.ts';
import { type EntryBytes, entryBytesOf } from './entry-bytes.ts';

export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 64;
export const FORGET_BYTES = 24;
export const PUT_HEAD_BYTES = 40;
export const ALIGN = 8;

export const EntryKind = { PUT: 1, FORGET: 2 } as const;

const MAGIC = Buffer.from('gtjournl', 'latin1');
const HEADER_COPY_BYTES = 32;
const TWO_32 = 0x1_0000_0000;
const NO_BYTES = new Uint8Array(0);

/** Size of the put of `job`. */
export function putBytes(job: StoredJob): number {
  const { functionName, reducer, uniqueBytes, workloadBytes } = job;
  const data = functionName.length + uniqueBytes + reducer.length + workloadBytes;
  return Math.ceil((PUT_HEAD_BYTES + data) / ALIGN) * ALIGN;
}

/** Writes a put of `byteCount` = `putBytes(job)` bytes at `at`. */
export function writePut(
  to: EntryBytes,
  at: number,
  byteCount: number,
  job: StoredJob,
  slot: number,
  id: number,
  salt: number,
): void {
  const { bytes, view } = to;
  const { functionName, reducer, uniqueBytes, workloadBytes } = job;
  const workload = job.at + uniqueBytes;
  writeHead(view, at, byteCount, EntryKind.PUT, slot, id);
  bytes[at + 10] = job.priority;
  bytes[at + 11] = uniqueBytes;
  view.setFloat64(at + 24, job.startMs, true);
  view.setUint16(at + 32, functionName.length, true);
  view.setUint16(at + 34, reducer.length, true);
  view.setUint32(at + 36, workloadBytes, true);
  let next = copyBytes(bytes, at + PUT_HEAD_BYTES, functionName, 0, functionName.length);
  next = copyBytes(bytes, next, job.bytes, job.at, workload);
  next = copyBytes(bytes, next, reducer, 0, reducer.length);
  next = copyBytes(bytes, next, job.bytes, workload, workload + workloadBytes);
  const end = at + byteCount;
  while (next < end) bytes[next++] = 0;
  view.setUint32(at, crcOf(to, at + 4, end, salt), true);
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
  view.setUint8(at + 9, FORMAT_VERSION);
  view.setUint32(at + 12, slot, true);
  view.setUint32(at + 16, id, true); // Modulo 2^32.
  view.setUint32(at + 20, Math.floor(id / TWO_32), true);
}

/** Size of the valid entry at `at`, or 0 when there is none before `end`. */
export function goodEntryBytes(from: EntryBytes, at: number, end: number, salt: number): number {
  const { bytes, view } = from;
  if (at + FORGET_BYTES > end) return 0;
  const byteCount = view.getUint32(at + 4, true);
  const kind = bytes[at + 8];
  if (byteCount % ALIGN !== 0 || byteCount > end - at) return 0;
  if (kind === EntryKind.PUT ? byteCount < PUT_HEAD_BYTES : byteCount !== FORGET_BYTES) return 0;
  if (kind !== EntryKind.PUT && kind !== EntryKind.FORGET) return 0;
  if (bytes[at + 9] !== FORMAT_VERSION) return 0;
  return crcOf(from, at + 4, at + byteCount, salt) === view.getUint32(at, true) ? byteCount : 0;
}

/** Size of a valid entry. */
export function entryBytesAt(from: EntryBytes, at: number): number {
  return from.view.getUint32(at + 4, true);
}

export function isPut(from: EntryBytes, at: number): boolean {
  return from.bytes[at + 8] === EntryKind.PUT;
}

export function slotAt(from: EntryBytes, at: number): number {
  return from.view.getUint32(at + 12, true);
}

export function idAt(from: EntryBytes, at: number): number {
  return from.view.getUint32(at + 20, true) * TWO_32 + from.view.getUint32(at + 16, true);
}

/** The job of a valid put; its bytes are ranges of `from`. */
export function jobAt(from: EntryBytes, at: number): StoredJob {
  const { bytes, view } = from;
  const name = at + PUT_HEAD_BYTES;
  const unique = name + view.getUint16(at + 32, true);
  const reducer = unique + (bytes[at + 11] as number);
  const workload = reducer + view.getUint16(at + 34, true);
  const workloadBytes = view.getUint32(at + 36, true);
  const functionName = bytes.subarray(name, unique);
  const priority = bytes[at + 10] as number;
  const startMs = view.getFloat64(at + 24, true);
  if (workload > reducer)
    return StoredJob.of({
      ...{ functionName, priority, startMs, reducer: bytes.subarray(reducer, workload) },
      unique: bytes.subarray(unique, reducer),
      workload: bytes.subarray(workload, workload + workloadBytes),
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
  );
}

/** The two headers at the start of a segment. */
export function segmentHeader(shard: number, salt: number): Uint8Array {
  const { bytes, view } = entryBytesOf(new Uint8Array(HEADER_BYTES));
  bytes.set(MAGIC);
  view.setUint32(8, FORMAT_VERSION, true);
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

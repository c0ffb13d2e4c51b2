/**
 * Rows of jobs on their way between a shard's thread and the store's: packed one after the other, so that a message is
 * one piece of memory. Numbers are little-endian.
 *
 *   key    0 bytes of the key u8   1 of the function u16   3 key, function
 *   put    0 form u8, bits: 1 dropped: skip it, 2 with runs   1 priority u8   2 start f64: seconds since 1970
 *         10 bytes of the workload u32   14 a key, then the workload, then the runs
 *   runs   0 change u8   1 dead u8   2 attempts u16   4 losses u16   6 due f64   14 delay f64   22 bytes of the id u8
 *         23 of the handle u8   24 of the details u32   28 id, handle, details
 */
import type { Change, Put, RowKey, RunsRow } from './backend.ts';

const KEY_HEAD_BYTES = 3;
const PUT_HEAD_BYTES = 14;
const RUNS_HEAD_BYTES = 28;
const FIRST_BYTES = 4096;
const Form = { DROPPED: 1, RUNS: 2 } as const;
const NO_BYTES = new Uint8Array(0);

/** Grows as rows are added. */
export class Packed {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** The rows so far; valid until the next one is added. */
  get used(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  addKey(key: Uint8Array, functionName: Uint8Array): void {
    this.#reserve(KEY_HEAD_BYTES + key.length + functionName.length);
    this.#writeKey(key, functionName);
  }

  /** Returns the offset of the put. */
  addPut(put: Put): number {
    const { key, functionName, workload } = put;
    const at = this.length;
    this.#reserve(putBytes(put));
    const { runs = null } = put;
    this.#view.setUint8(at, runs === null ? 0 : Form.RUNS);
    this.#view.setUint8(at + 1, put.priority);
    this.#view.setFloat64(at + 2, put.startSeconds, true);
    this.#view.setUint32(at + 10, workload.length, true);
    this.length += PUT_HEAD_BYTES;
    this.#writeKey(key, functionName);
    this.#bytes.set(workload, this.length);
    this.length += workload.length;
    if (runs !== null) this.#writeRuns(runs, put.change ?? 0);
    return at;
  }

  /** Drops the put at offset `at`. */
  drop(at: number): void {
    this.#view.setUint8(at, this.#view.getUint8(at) | Form.DROPPED);
  }

  /** Adds packed keys unchanged. */
  addPacked(keys: Uint8Array): void {
    this.#reserve(keys.length);
    this.#bytes.set(keys, this.length);
    this.length += keys.length;
  }

  #writeKey(key: Uint8Array, functionName: Uint8Array): void {
    this.#view.setUint8(this.length, key.length);
    this.#view.setUint16(this.length + 1, functionName.length, true);
    this.#bytes.set(key, this.length + KEY_HEAD_BYTES);
    this.#bytes.set(functionName, this.length + KEY_HEAD_BYTES + key.length);
    this.length += KEY_HEAD_BYTES + key.length + functionName.length;
  }

  #writeRuns(runs: RunsRow, change: Change): void {
    const view = this.#view;
    const at = this.length;
    const { id, handle = NO_BYTES, details } = runs;
    view.setUint8(at, change);
    view.setUint8(at + 1, runs.isDead ? 1 : 0);
    view.setUint16(at + 2, runs.attempts, true);
    view.setUint16(at + 4, runs.losses, true);
    view.setFloat64(at + 6, runs.dueMs, true);
    view.setFloat64(at + 14, runs.delayMs, true);
    view.setUint8(at + 22, id.length);
    view.setUint8(at + 23, handle.length);
    view.setUint32(at + 24, details.length, true);
    this.length += RUNS_HEAD_BYTES;
    for (const bytes of [id, handle, details]) {
      this.#bytes.set(bytes, this.length);
      this.length += bytes.length;
    }
  }

  #reserve(byteCount: number): void {
    const wanted = this.length + byteCount;
    if (wanted <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    bytes.set(this.used);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

export function putBytes({ key, functionName, workload, runs = null }: Put): number {
  const names = KEY_HEAD_BYTES + key.length + functionName.length;
  return PUT_HEAD_BYTES + names + workload.length + (runs === null ? 0 : runsBytes(runs));
}

function runsBytes({ id, handle = NO_BYTES, details }: RunsRow): number {
  return RUNS_HEAD_BYTES + id.length + handle.length + details.length;
}

/** The keys in `bytes`; they are views of it. */
export function unpackKeys(bytes: Uint8Array): RowKey[] {
  const view = viewOf(bytes);
  const keys: RowKey[] = [];
  for (let at = 0; at < bytes.length; ) {
    const row = keyAt(bytes, view, at);
    keys.push(row);
    at += KEY_HEAD_BYTES + row.key.length + row.functionName.length;
  }
  return keys;
}

/** The puts in `bytes`, null for dropped ones; they are views of it. */
export function unpackPuts(bytes: Uint8Array): (Put | null)[] {
  const view = viewOf(bytes);
  const puts: (Put | null)[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { key, functionName } = keyAt(bytes, view, at + PUT_HEAD_BYTES);
    const workloadBytes = view.getUint32(at + 10, true);
    const data = at + PUT_HEAD_BYTES + KEY_HEAD_BYTES + key.length + functionName.length;
    const form = view.getUint8(at);
    const priority = view.getUint8(at + 1);
    const startSeconds = view.getFloat64(at + 2, true);
    const workload = bytes.subarray(data, data + workloadBytes);
    const put = { key, functionName, priority, startSeconds, workload };
    at = data + workloadBytes;
    const more = (form & Form.RUNS) === 0 ? null : runsAt(bytes, view, at);
    if (more !== null) at += runsBytes(more.runs);
    const isDropped = (form & Form.DROPPED) !== 0;
    puts.push(isDropped ? null : more === null ? put : { ...put, ...more });
  }
  return puts;
}

function runsAt(
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { readonly change: Change; readonly runs: RunsRow } {
  const handle = at + RUNS_HEAD_BYTES + view.getUint8(at + 22);
  const details = handle + view.getUint8(at + 23);
  const runs: RunsRow = {
    id: bytes.subarray(at + RUNS_HEAD_BYTES, handle),
    handle: bytes.subarray(handle, details),
    attempts: view.getUint16(at + 2, true),
    losses: view.getUint16(at + 4, true),
    dueMs: view.getFloat64(at + 6, true),
    delayMs: view.getFloat64(at + 14, true),
    isDead: view.getUint8(at + 1) === 1,
    details: bytes.subarray(details, details + view.getUint32(at + 24, true)),
  };
  return { change: view.getUint8(at) as Change, runs };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function keyAt(bytes: Uint8Array, view: DataView, at: number): RowKey {
  const keyBytes = view.getUint8(at);
  const nameBytes = view.getUint16(at + 1, true);
  const name = at + KEY_HEAD_BYTES + keyBytes;
  return {
    key: bytes.subarray(at + KEY_HEAD_BYTES, name),
    functionName: bytes.subarray(name, name + nameBytes),
  };
}

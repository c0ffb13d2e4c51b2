/**
 * Rows of jobs on their way between a shard's thread and the store's: packed one after the other, so that a message is
 * one piece of memory. Numbers are little-endian.
 *
 *   key    0 bytes of the key u8   1 of the function u16   3 key, function
 *   put    0 dropped u8 (1: skip it)   1 priority u8   2 start f64: seconds since 1970   10 bytes of the workload u32
 *         14 a key, then the workload
 */
import type { Put, RowKey } from './backend.ts';

const KEY_HEAD_BYTES = 3;
const PUT_HEAD_BYTES = 14;
const FIRST_BYTES = 4096;

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
    this.#view.setUint8(at, 0);
    this.#view.setUint8(at + 1, put.priority);
    this.#view.setFloat64(at + 2, put.startSeconds, true);
    this.#view.setUint32(at + 10, workload.length, true);
    this.length += PUT_HEAD_BYTES;
    this.#writeKey(key, functionName);
    this.#bytes.set(workload, this.length);
    this.length += workload.length;
    return at;
  }

  /** Drops the put at offset `at`. */
  drop(at: number): void {
    this.#view.setUint8(at, 1);
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

  #reserve(byteCount: number): void {
    const wanted = this.length + byteCount;
    if (wanted <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    bytes.set(this.used);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

export function putBytes({ key, functionName, workload }: Put): number {
  return PUT_HEAD_BYTES + KEY_HEAD_BYTES + key.length + functionName.length + workload.length;
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
    const isDropped = view.getUint8(at) === 1;
    const priority = view.getUint8(at + 1);
    const startSeconds = view.getFloat64(at + 2, true);
    const workload = bytes.subarray(data, data + workloadBytes);
    puts.push(isDropped ? null : { key, functionName, priority, startSeconds, workload });
    at = data + workloadBytes;
  }
  return puts;
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

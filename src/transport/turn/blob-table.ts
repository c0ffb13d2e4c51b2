/**
 * Large data outside of the arena: blobs that fill as bytes arrive, reference counts, one memory account for each
 * thread. Rule: memory follows the bytes that have arrived, never the announced ones: a blob grows by doubling up to
 * its size.
 */
import { assert } from '../../base/assert.ts';
import { BLOB_DROPPED, Control } from '../../protocol/batch.ts';
import { copyOf } from './byte-queue.ts';

/** Blobs as connections use them. */
export interface Blobs {
  /** MiB of all blobs under a limit; 0 without one. */
  readonly limitedMib: number;
  /** True when `view` returns a copy that the caller owns. */
  readonly areViewsCopies: boolean;
  /**
   * A new empty blob for `announcedBytes` with one reference; takes no memory yet. BLOB_DROPPED when it would exceed
   * BLOB_KIB_MAX.
   */
  open(announcedBytes: number): number;
  /**
   * Appends `bytes[start, end)`. Returns `id`, or BLOB_DROPPED when that would exceed BLOB_KIB_MAX (or memory is out):
   * the blob is then released and its id is invalid.
   */
  append(id: number, bytes: Uint8Array, start: number, end: number): number;
  /** Releases one reference; the last one frees the blob. */
  release(id: number): void;
  /** Blob bytes `[offset, offset + count)`, read-only, valid while the caller holds a reference. */
  view(id: number, offset: number, count: number): Uint8Array;
  /** A copy of these bytes that the caller owns. */
  copy(id: number, offset: number, count: number): Uint8Array;
}

interface Blob {
  bytes: Uint8Array;
  /** Bytes filled so far. */
  length: number;
  readonly announcedBytes: number;
  references: number;
}

const FIRST_BYTES = 65536;
const KIB = 1024;

const kib = (bytes: number): number => Math.ceil(bytes / KIB);

/** All blobs of one thread. Ids are > 0 and are reused after the last release. */
export class BlobTable implements Blobs {
  readonly #control: Int32Array;
  readonly #blobs: (Blob | null)[] = [null];
  readonly #freeIds: number[] = [];
  readonly areViewsCopies = false;

  /** `control`: words of `Control`; this class writes BLOB_KIB and reads BLOB_KIB_MAX. */
  constructor(control: Int32Array) {
    this.#control = control;
  }

  get limitedMib(): number {
    return this.#control[Control.BLOB_KIB_MAX]! > 0 ? this.#control[Control.BLOB_KIB]! >> 10 : 0;
  }

  open(announcedBytes: number): number {
    return this.#wouldPass(announcedBytes) ? BLOB_DROPPED : this.#create(announcedBytes);
  }

  append(id: number, bytes: Uint8Array, start: number, end: number): number {
    if (id === BLOB_DROPPED) return BLOB_DROPPED;
    const blob = this.#get(id);
    const needed = blob.length + (end - start);
    assert(needed <= blob.announcedBytes, 'blob gets more bytes than announced');
    if (this.#wouldPass(end - start) || !this.#grow(blob, needed)) {
      this.release(id);
      return BLOB_DROPPED;
    }
    blob.bytes.set(bytes.subarray(start, end), blob.length);
    this.#account(kib(needed) - kib(blob.length));
    blob.length = needed;
    return id;
  }

  /** Copies `bytes[start, end)` into a new blob with one reference; not limited by BLOB_KIB_MAX. */
  from(bytes: Uint8Array, start: number, end: number): number {
    const id = this.#create(end - start);
    const blob = this.#get(id);
    blob.bytes = copyOf(bytes, start, end);
    blob.length = blob.bytes.length;
    this.#account(kib(blob.length));
    return id;
  }

  /** Adds one reference. */
  retain(id: number): void {
    this.#get(id).references++;
  }

  release(id: number): void {
    const blob = this.#get(id);
    if (--blob.references > 0) return;
    this.#account(-kib(blob.length));
    this.#blobs[id] = null;
    this.#freeIds.push(id);
  }

  /** Bytes filled so far. */
  bytes(id: number): number {
    return this.#get(id).length;
  }

  /** Copies blob bytes `[offset, offset + count)` to `target` at `at`. */
  read(id: number, offset: number, target: Uint8Array, at: number, count: number): void {
    target.set(this.view(id, offset, count), at);
  }

  view(id: number, offset: number, count: number): Uint8Array {
    const blob = this.#get(id);
    assert(offset >= 0 && count >= 0 && offset + count <= blob.length, 'blob span out of range');
    return blob.bytes.subarray(offset, offset + count);
  }

  copy(id: number, offset: number, count: number): Uint8Array {
    return copyOf(this.view(id, offset, count), 0, count);
  }

  /** Live blobs; for tests. */
  get count(): number {
    return this.#blobs.length - 1 - this.#freeIds.length;
  }

  #create(announcedBytes: number): number {
    const id = this.#freeIds.pop() ?? this.#blobs.length;
    this.#blobs[id] = { bytes: new Uint8Array(0), length: 0, announcedBytes, references: 1 };
    return id;
  }

  #get(id: number): Blob {
    const blob = this.#blobs[id];
    assert(blob !== null && blob !== undefined, 'blob id is not alive');
    return blob;
  }

  /** Makes room in a blob. False when there is no memory: the frame is dropped, and the server continues. */
  #grow(blob: Blob, needed: number): boolean {
    if (needed <= blob.bytes.length) return true;
    let capacity = Math.max(FIRST_BYTES, blob.bytes.length);
    while (capacity < needed) capacity *= 2;
    try {
      const grown = new Uint8Array(Math.min(capacity, blob.announcedBytes));
      grown.set(blob.bytes.subarray(0, blob.length));
      blob.bytes = grown;
      return true;
    } catch {
      return false;
    }
  }

  #wouldPass(moreBytes: number): boolean {
    const max = this.#control[Control.BLOB_KIB_MAX]!;
    return max > 0 && this.#control[Control.BLOB_KIB]! + kib(moreBytes) > max;
  }

  #account(moreKib: number): void {
    this.#control[Control.BLOB_KIB] = this.#control[Control.BLOB_KIB]! + moreKib;
  }
}

/**
 * Makes the addon's blobs usable by a turn engine, so that both kinds of connections share one table and one account.
 * Rule: reads return copies, because JavaScript never refers to the addon's memory.
 */
import type { AddonReactor } from '../../native/addon-reactor.ts';
import { BLOB_DROPPED, Control } from '../../protocol/batch.ts';
import type { Blobs } from '../turn/blob-table.ts';

export class AddonBlobs implements Blobs {
  readonly areViewsCopies = true;
  readonly #reactor: AddonReactor;
  /** Announced sizes of blobs that are filling. */
  readonly #announced = new Map<number, number>();

  constructor(reactor: AddonReactor) {
    this.#reactor = reactor;
  }

  get limitedMib(): number {
    const { control } = this.#reactor;
    return control[Control.BLOB_KIB_MAX]! > 0 ? control[Control.BLOB_KIB]! >> 10 : 0;
  }

  open(announcedBytes: number): number {
    const id = this.#reactor.blobOpen(announcedBytes);
    if (id !== BLOB_DROPPED) this.#announced.set(id, announcedBytes);
    return id;
  }

  append(id: number, bytes: Uint8Array, start: number, end: number): number {
    if (id === BLOB_DROPPED) return BLOB_DROPPED;
    const announced = this.#announced.get(id) as number;
    const isThere = this.#reactor.blobAppend(id, bytes, start, end, announced);
    if (!isThere) this.release(id);
    else if (this.#reactor.blobBytes(id) === announced) this.#announced.delete(id);
    return isThere ? id : BLOB_DROPPED;
  }

  release(id: number): void {
    this.#announced.delete(id);
    this.#reactor.blobRelease(id);
  }

  view(id: number, offset: number, count: number): Uint8Array {
    return this.copy(id, offset, count);
  }

  copy(id: number, offset: number, count: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(count);
    this.#reactor.blobRead(id, offset, bytes, 0, count);
    return bytes;
  }
}

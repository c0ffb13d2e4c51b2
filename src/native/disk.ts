/** A disk of the addon behind the contract: orders are done in their order, so the first that waits is the one that is told. */
import { checked, SystemError } from './addon-errors.ts';
import { type Bindings, bindings, type Handle } from './bindings.ts';
import type { Disk } from './contract.ts';

interface Order {
  readonly what: string;
  readonly done: (error: Error | null) => void;
}

export function openDisk(): Disk {
  return new AddonDisk(bindings());
}

class AddonDisk implements Disk {
  readonly #native: Bindings;
  readonly #handle: Handle;
  readonly #orders: Order[] = [];

  constructor(native: Bindings) {
    const handle = native.diskOpen((errno) => this.#onDone(errno));
    if (typeof handle === 'number') {
      checked(handle, 'start', 'a thread for the disk');
      throw new Error(`diskOpen: ${handle}`);
    }
    this.#native = native;
    this.#handle = handle;
  }

  write(
    fd: number,
    pieces: readonly Uint8Array[],
    at: number,
    isSynced: boolean,
    done: (error: Error | null) => void,
  ): void {
    this.#orders.push({ what: pieces.length === 0 ? 'fdatasync' : 'write', done });
    this.#native.diskGive(this.#handle, fd, pieces, at, isSynced);
  }

  close(): void {
    this.#native.diskClose(this.#handle);
  }

  #onDone(errno: number): void {
    const { what, done } = this.#orders.shift() as Order;
    done(errno === 0 ? null : new SystemError(what, 'file', errno));
  }
}

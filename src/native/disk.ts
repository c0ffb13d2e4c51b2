/**
 * The addon's disk of the contract. Orders end in the order in which they were given, so each end belongs to the oldest
 * order.
 */
import { checked, SystemError } from './addon-errors.ts';
import { type Bindings, bindings, NativeDisk } from './bindings.ts';
import type { Disk } from './contract.ts';

interface Order {
  readonly what: string;
  readonly done: (error: Error | null) => void;
}

export function openDisk(): Disk {
  return new AddonDisk(bindings());
}

class AddonDisk extends NativeDisk implements Disk {
  readonly #orders: Order[] = [];

  constructor(native: Bindings) {
    super();
    const handle = native.openDisk((errno) => this.#onDone(errno));
    if (typeof handle === 'number') {
      checked(handle, 'start', 'a thread for the disk');
      throw new Error(`openDisk: ${handle}`);
    }
    this.handle = handle;
  }

  write(
    fd: number,
    pieces: readonly Uint8Array[],
    at: number,
    isSynced: boolean,
    done: (error: Error | null) => void,
  ): void {
    this.#orders.push({ what: pieces.length === 0 ? 'fdatasync' : 'write', done });
    this.give(fd, pieces, at, isSynced);
  }

  #onDone(errno: number): void {
    const { what, done } = this.#orders.shift() as Order;
    done(errno === 0 ? null : new SystemError(what, 'file', errno));
  }
}

/**
 * The native reactor behind the contract: checks arguments and turns what the addon answers into errors.
 * Rule: no state of its own; every call goes to the addon with the reactor's handle.
 */
import { getSystemErrorName } from 'node:util';
import { unsentColumn } from '../protocol/batch.ts';
import { checked, ReactorError, unknownBlob } from './addon-errors.ts';
import { decoderSettings, optionNumbers, shapeBytes } from './addon-settings.ts';
import type { Bindings, Handle } from './bindings.ts';
import type { Detached, ListenAddress, Reactor, ReactorOptions } from './contract.ts';
import { ipOf } from './ip-of.ts';

/** A reactor on the loop of the calling thread. */
export class AddonReactor implements Reactor {
  readonly kind = 'addon';
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  readonly unsent = unsentColumn();

  readonly #native: Bindings;
  readonly #handle: Handle;
  readonly #closed: Promise<void>;

  /** `onOutput` is called before output is taken, while ids are reserved; it takes out what is for them. */
  constructor(native: Bindings, options: ReactorOptions, onOutput: () => void = () => {}) {
    let onClosed = (): void => {};
    this.#closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    const parts = native.create(
      decoderSettings(options.hashSeed, options.packetBytesMax),
      shapeBytes(),
      optionNumbers(options),
      options.onTurn,
      (errno) => options.onListenError(getSystemErrorName(errno)),
      onClosed,
      onOutput,
      this.unsent,
    );
    this.#native = native;
    this.#handle = parts.handle;
    this.arena = parts.arena;
    this.rows = parts.rows;
    this.out = parts.out;
    this.outRows = parts.outRows;
    this.control = parts.control;
  }

  async listen(address: ListenAddress): Promise<{ id: number; port: number }> {
    const native = this.#native;
    const handle = this.#handle;
    if ('path' in address) {
      const { path, mode, backlog } = address;
      const id = checked(native.listenPath(handle, path, mode, backlog), 'listen', path);
      return { id, port: 0 };
    }
    const { host, port, backlog, v6Only = true } = address;
    const ip = await ipOf(host);
    const result = native.listenIp(handle, ip, port, backlog, v6Only);
    const id = checked(result, 'listen', `${host} port ${port}`);
    return { id, port: native.listenerPort(handle, id) };
  }

  unlisten(id: number): void {
    this.#native.unlisten(this.#handle, id);
  }

  adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number {
    const result = this.#native.adopt(this.#handle, fd, unread, unsent);
    return checked(result, 'adopt', `descriptor ${fd}`);
  }

  spill(): void {
    this.#native.spill(this.#handle);
  }

  close(conn: number): void {
    this.#native.close(this.#handle, conn);
  }

  closeAfterFlush(conn: number, lingerMs: number): void {
    this.#native.closeAfterFlush(this.#handle, conn, lingerMs);
  }

  hold(conn: number, start: number): void {
    this.#native.hold(this.#handle, conn, start);
  }

  resume(conn: number): void {
    this.#native.resume(this.#handle, conn);
  }

  /** Throws ReactorError for a connection that is unknown, is closing, or holds a frame whose data was dropped. */
  detach(conn: number): Detached {
    const detached = this.#native.detach(this.#handle, conn);
    if (detached === undefined) {
      throw new ReactorError(`detach: connection ${conn} cannot leave its thread`);
    }
    return detached;
  }

  unsentBytes(conn: number): number {
    return this.#native.unsentBytes(this.#handle, conn);
  }

  unreadBytes(conn: number): number {
    return this.#native.unreadBytes(this.#handle, conn);
  }

  notifyDrained(conn: number, bytes: number): void {
    this.#native.notifyDrained(this.#handle, conn, bytes);
  }

  blobFrom(bytes: Uint8Array, start: number, end: number): number {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`make a blob: [${start}, ${end}) of ${bytes.length} bytes`);
    }
    const id = this.#native.blobFrom(this.#handle, bytes, start, end);
    if (id === 0) throw new ReactorError(`make a blob: no memory for ${end - start} bytes`);
    return id;
  }

  blobRetain(id: number): void {
    if (!this.#native.blobRetain(this.#handle, id)) throw unknownBlob('retain', id);
  }

  blobRelease(id: number): void {
    if (!this.#native.blobRelease(this.#handle, id)) throw unknownBlob('release', id);
  }

  blobBytes(id: number): number {
    const bytes = this.#native.blobBytes(this.#handle, id);
    if (bytes < 0) throw unknownBlob('measure', id);
    return bytes;
  }

  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void {
    if (!this.#native.blobRead(this.#handle, id, offset, target, at, count)) {
      throw new RangeError(`read blob ${id}: ${count} bytes from ${offset} to ${at}`);
    }
  }

  /** Takes an id of which the addon knows nothing but that it is not free; it keeps the loop alive. */
  reserve(): number {
    return checked(this.#native.reserve(this.#handle), 'reserve', 'a connection');
  }

  /** Gives a reserved id back. */
  unreserve(conn: number): void {
    this.#native.unreserve(this.#handle, conn);
  }

  /** A new empty blob that will hold `announcedBytes`. BLOB_DROPPED when they would pass the limit, or no id is left. */
  blobOpen(announcedBytes: number): number {
    return this.#native.blobOpen(this.#handle, announcedBytes);
  }

  /** Appends `bytes[start, end)` to a blob that fills; false when the limit or memory forbids it. */
  blobAppend(
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    announcedBytes: number,
  ): boolean {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`append to blob ${id}: [${start}, ${end}) of ${bytes.length} bytes`);
    }
    return this.#native.blobAppend(this.#handle, id, bytes, start, end, announcedBytes);
  }

  watchRings(
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    doorbellFd: number,
  ): void {
    const result = this.#native.watchRings(
      this.#handle,
      words,
      asleep,
      writeWords,
      readWords,
      doorbellFd,
    );
    checked(result, 'watch', `doorbell ${doorbellFd}`);
  }

  pauseReading(isPaused: boolean): void {
    this.#native.pauseReading(this.#handle, isPaused);
  }

  requestTurn(): void {
    this.#native.requestTurn(this.#handle);
  }

  destroy(): Promise<void> {
    this.#native.destroy(this.#handle);
    return this.#closed;
  }
}

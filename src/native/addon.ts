/**
 * The addon behind the contract: checks arguments, turns errno values into errors, keeps native/ free of both.
 * Rule: the addon knows no numbers of ours; packet shapes and limits are handed over from protocol/.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { CARRY_BYTES_MAX, HEAD_BYTES_MAX, LINE_BYTES_MAX, READ_BYTES } from '../protocol/limits.ts';
import { PACKETS } from '../protocol/packets.ts';
import { type Bindings, bindings, type Handle } from './bindings.ts';
import type {
  CreateDecoder,
  Detached,
  ListenAddress,
  NativeFunctions,
  Reactor,
  ReactorOptions,
} from './contract.ts';

/** A system call of the addon failed: `code` as EADDRINUSE, `errno` negative, `syscall` the attempt. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, what: string, errno: number) {
    const code = getSystemErrorName(errno);
    super(`${syscall} ${what}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** A connection or blob was asked for something that its state does not allow; a fault of the caller. */
export class ReactorError extends Error {
  override readonly name = 'ReactorError';
  readonly code = 'ERR_GEARTRAIN_REACTOR';
}

function checked(result: number, syscall: string, what: string): number {
  if (result < 0) throw new SystemError(syscall, what, result);
  return result;
}

/** The packet table as bytes, four a type. */
function shapeBytes(): Uint8Array {
  return Uint8Array.from(
    PACKETS.flatMap(({ argCount, hasData, names, mayBeShort }) => [
      argCount,
      hasData ? 1 : 0,
      names,
      mayBeShort ? 1 : 0,
    ]),
  );
}

function settings(hashSeed: number, packetBytesMax: number): Float64Array {
  return Float64Array.of(
    hashSeed | 0,
    packetBytesMax,
    HEAD_BYTES_MAX,
    LINE_BYTES_MAX,
    CARRY_BYTES_MAX,
    READ_BYTES,
  );
}

function optionNumbers(options: ReactorOptions): Float64Array {
  const { outputPauseBytes, outputBytesMax, keepalive } = options;
  return Float64Array.of(
    outputPauseBytes,
    outputBytesMax,
    keepalive === null ? 0 : 1,
    keepalive?.idleSeconds ?? -1,
    keepalive?.intervalSeconds ?? -1,
    keepalive?.count ?? -1,
  );
}

/** The native reactor on the calling thread's loop. Throws what loading the addon throws. */
export function createReactor(options: ReactorOptions): Reactor {
  return new AddonReactor(bindings(), options);
}

class AddonReactor implements Reactor {
  readonly kind = 'addon';
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;

  readonly #native: Bindings;
  readonly #handle: Handle;
  readonly #closed: Promise<void>;

  constructor(native: Bindings, options: ReactorOptions) {
    let onClosed = (): void => {};
    this.#closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    const parts = native.create(
      settings(options.hashSeed, options.packetBytesMax),
      shapeBytes(),
      optionNumbers(options),
      options.onTurn,
      (errno) => options.onListenError(getSystemErrorName(errno)),
      onClosed,
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
    const ip = isIP(host) === 0 ? (await lookup(host)).address : host;
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

  nudge(): void {
    this.#native.nudge(this.#handle);
  }

  destroy(): Promise<void> {
    this.#native.destroy(this.#handle);
    return this.#closed;
  }
}

function unknownBlob(what: string, id: number): ReactorError {
  return new ReactorError(`${what} blob ${id}: not alive`);
}

/** One connection's decoding by the addon, without its socket. Throws what loading the addon throws. */
export const createDecoder: CreateDecoder = (hashSeed, packetBytesMax) => {
  const native = bindings();
  const { handle, arena, rows } = native.decoderCreate(
    settings(hashSeed, packetBytesMax),
    shapeBytes(),
  );
  return {
    arena,
    rows,
    feed: (bytes) => native.decoderFeed(handle, bytes),
    blobRead(id, offset, target, at, count) {
      if (!native.decoderBlobRead(handle, id, offset, target, at, count)) {
        throw new RangeError(`read blob ${id}: ${count} bytes from ${offset} to ${at}`);
      }
    },
    blobRelease(id) {
      if (!native.decoderBlobRelease(handle, id)) throw unknownBlob('release', id);
    },
    blobBytes(id) {
      const bytes = native.decoderBlobBytes(handle, id);
      if (bytes < 0) throw unknownBlob('measure', id);
      return bytes;
    },
  };
};

/** The addon's free functions. Each throws what loading the addon throws. */
export const addonFunctions: NativeFunctions = {
  discard: (bytes) => bindings().discard(bytes),
  doorbellCreate: () => checked(bindings().doorbellCreate(), 'eventfd', 'for a doorbell'),
  doorbellRing: (fd) => bindings().doorbellRing(fd),
  doorbellClose: (fd) => bindings().closeDescriptor(fd),
  closeDescriptor: (fd) => bindings().closeDescriptor(fd),
  setFileLimit: (count) => checked(bindings().setFileLimit(count), 'setrlimit', `to ${count}`),
  syslogOpen: (ident) => bindings().syslogOpen(ident),
  syslog: (level, text) => bindings().syslog(level, text),
};

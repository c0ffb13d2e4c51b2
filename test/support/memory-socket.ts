/**
 * Sockets without a system: one end is a peer driven by hand, the other a memory reactor's connection. Rule: as in a
 * kernel, bytes and the end are kept until they are read, also while a connection moves between two reactors.
 */
import { ByteQueue, copyOf } from '../../src/transport/turn/byte-queue.ts';

/** The peer's end; a reactor takes the other one through `reader`. */
export class MemorySocket {
  /** Stands for a descriptor's number; good in every reactor of the same registry. */
  readonly fd: number;
  readonly address: string;
  readonly port: number;
  /** Output bytes that count as sent before they are taken: the kernel's send buffer and the peer's window. */
  readonly windowBytes: number;
  /** Bytes from the peer that no reactor has read. */
  readonly inbound = new ByteQueue();
  /** Bytes from reactors that the peer has not taken. */
  readonly outbound = new ByteQueue();
  hasEnded = false;
  isReset = false;
  isClosed = false;
  /** Told of everything new; null while no reactor has the socket. */
  reader: { readable(): void; sent(): void } | null = null;

  constructor(fd: number, address: string, port: number, windowBytes: number) {
    this.fd = fd;
    this.address = address;
    this.port = port;
    this.windowBytes = windowBytes;
  }

  /** The peer sends a copy of `bytes`; nothing when the connection is closed. */
  push(bytes: Uint8Array): void {
    if (this.isClosed || this.hasEnded || this.isReset) return;
    this.inbound.push(copyOf(bytes, 0, bytes.length));
    this.reader?.readable();
  }

  /** The peer will send nothing more, but still reads. */
  end(): void {
    this.hasEnded = true;
    this.reader?.readable();
  }

  /** The peer is gone: its bytes can be read, nothing reaches it. */
  reset(): void {
    this.isReset = true;
    this.outbound.clear();
    this.reader?.readable();
  }

  /** The peer reads received bytes, at most `count`. */
  take(count: number = Number.POSITIVE_INFINITY): Uint8Array {
    const bytes = new Uint8Array(Math.min(count, this.outbound.bytes));
    this.outbound.take(bytes, 0, bytes.length);
    this.reader?.sent();
    return bytes;
  }

  /** Output that is neither taken nor inside the window. */
  get unsentBytes(): number {
    return Math.max(0, this.outbound.bytes - this.windowBytes);
  }
}

/** The sockets of one simulation by descriptor number. */
export class MemoryRegistry {
  readonly #sockets = new Map<number, MemorySocket>();
  #nextFd = 1;

  /** Opens a socket. Numbers are not used again, so a stale one is an error and never a stranger's. */
  open(address: string, port: number, windowBytes: number): MemorySocket {
    const socket = new MemorySocket(this.#nextFd++, address, port, windowBytes);
    this.#sockets.set(socket.fd, socket);
    return socket;
  }

  /** Throws Error when `fd` is not open. */
  get(fd: number): MemorySocket {
    const socket = this.#sockets.get(fd);
    if (socket === undefined) throw new Error(`use memory socket ${fd}: it is not open`);
    return socket;
  }

  /** Closes like `close(2)`: the peer can still take sent bytes. */
  close(fd: number): void {
    this.get(fd).isClosed = true;
    this.#sockets.delete(fd);
  }

  /** Sockets that are open, with a reactor or between two. */
  get count(): number {
    return this.#sockets.size;
  }
}

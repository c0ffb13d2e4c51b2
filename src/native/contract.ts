/**
 * The contract of the native reactor and of the TypeScript one on node:net: sockets in, one batch of rows per turn,
 * one batch of output back, one send per connection and turn. Layout of both batches: protocol/batch.ts.
 *
 * A turn: read ready sockets (one read of at most READ_BYTES each), call `onTurn(rowCount)` once, take the output,
 * send. Output written outside of a turn (timers, promises) is taken just before the thread may sleep. While `onTurn`
 * runs, methods only record requests; the return values of `hold` and `detach` are valid at once.
 */
import type { Duplex } from 'node:stream';

export type ListenAddress =
  | {
      readonly host: string;
      readonly port: number;
      readonly backlog: number;
      readonly v6Only?: boolean;
      /**
       * TypeScript core only: the reactor does not read from peers of this address but calls `onSocket` for each. With
       * the addon such peers wait in a first-message queue.
       */
      readonly isRaw?: boolean;
    }
  | { readonly path: string; readonly mode: number; readonly backlog: number };

export interface KeepaliveOptions {
  /** Seconds; -1 = system default. */
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly count: number;
}

export interface ReactorOptions {
  /** Seed of `hashBytes`; equal in all threads of a server. */
  readonly hashSeed: number;
  /** Larger payloads are FAULT PACKET_TOO_LARGE. At most PACKET_BYTES_LIMIT. */
  readonly packetBytesMax: number;
  /** When a connection has more unsent output than this, reading from it is paused until half of it is left. */
  readonly outputPauseBytes: number;
  /**
   * A connection whose unsent output is above this and grows gets GONE OUTPUT_LIMIT. One packet of any size is allowed.
   */
  readonly outputBytesMax: number;
  readonly keepalive: KeepaliveOptions | null;
  /** Milliseconds that sent data may stay unacknowledged (TCP_USER_TIMEOUT); 0 or left out = the system's. Addon only. */
  readonly userTimeoutMs?: number;
  /** TypeScript core only: a raw listener has accepted `socket`, which the callee owns. Outside of a turn. */
  readonly onSocket?: (socket: Duplex, address: string, port: number) => void;
  /** Called once per turn with the number of rows (0 when only a ring or `requestTurn` woke the thread). */
  readonly onTurn: (rowCount: number) => void;
  /** A listener failed or recovered; called at most once a second. `code` is an errno name (EMFILE ...). */
  readonly onListenError: (code: string) => void;
}

/** The state of a connection that leaves this thread. All bytes are copies that the caller owns. */
export interface Detached {
  /** Descriptor number; the caller owns it from now on. */
  readonly fd: number;
  /** Bytes from the held frame on, including the data of a held blob. */
  readonly unread: Uint8Array;
  readonly unsent: Uint8Array;
}

export interface Reactor extends ReactorCalls {
  readonly kind: 'addon' | 'twin';
  /** Input bytes of the turn; always the same array. */
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  /** Output bytes and rows; the thread appends, counts are in `control`. */
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  /**
   * Waiting output bytes by slot (protocol/batch.ts), 0 for a new connection. The thread adds the bytes that it appends
   * to `out`; after every send the reactor writes the number of bytes that are left.
   */
  readonly unsent: Float64Array;

  /** Binds and listens. Returns the listener's id and the port bound (0 for a path). Throws Error with `code` (EADDRINUSE ...). */
  listen(address: ListenAddress): Promise<{ id: number; port: number }>;
  /** Closes all listeners and connections; `onTurn` is not called again. Resolves when every handle is closed. */
  destroy(): Promise<void>;
}

/**
 * Methods that are one function of the addon each (native/binding/reactor-calls.cc). Methods that need several
 * functions are in addon-reactor.ts.
 */
export interface ReactorCalls {
  /** Stops accepting on one listener and closes it. */
  unlisten(id: number): void;
  /**
   * Takes a connected descriptor; `unread` is decoded in the next turn as if just read, `unsent` is sent first.
   * Returns its conn. Throws the system's error; then the caller keeps the descriptor.
   */
  adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number;

  /** Moves all output written so far into the connections' own buffers, so that `out` and `outRows` are empty. */
  spill(): void;
  /**
   * Tries once more to send pending output, then closes. After this turn there are no rows of `conn`. Ignores an
   * unknown conn.
   */
  close(conn: number): void;
  /** Like close, but keeps trying to send for at most `lingerMs`; input is ignored meanwhile. */
  closeAfterFlush(conn: number, lingerMs: number): void;
  /**
   * Un-reads everything of `conn` from arena offset `start` (a row's START) and stops reading it. The caller skips its
   * later rows of this turn.
   */
  hold(conn: number, start: number): void;
  /** Ends `hold`: un-read bytes are decoded again in the next turn, then reading continues. */
  resume(conn: number): void;
  /** Removes a held connection without closing its descriptor. Addon only; throws in the TypeScript core. */
  detach(conn: number): Detached;
  /** Waiting output bytes in the connection's own buffer. */
  unsentBytes(conn: number): number;
  /** Received bytes that are kept here: of an incomplete frame, and un-read ones. */
  unreadBytes(conn: number): number;
  /** Requests one DRAINED row when unsent output is at most `bytes`. */
  notifyDrained(conn: number, bytes: number): void;

  /** Copies `bytes[start, end)` into a new blob with one reference. Returns its id (> 0). */
  blobFrom(bytes: Uint8Array, start: number, end: number): number;
  blobRetain(id: number): void;
  blobRelease(id: number): void;
  blobBytes(id: number): number;
  /** Copies blob bytes `[offset, offset + count)` to `target` at `at`. */
  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void;

  /**
   * Rings: `words` is the Int32Array over the SharedArrayBuffer with the (write, read) index pairs of all incoming
   * rings; `pairs` are the word offsets of each pair's write index (for the read index see ring/layout.ts), `asleep`
   * is the offset of this thread's asleep word. Before sleeping the reactor sets asleep = 1, checks every pair once
   * more, and runs a turn instead if a ring is not empty; a doorbell wakes it. Addon only: `doorbellFd` is an eventfd
   * that the reactor never closes.
   */
  watchRings(
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    doorbellFd: number,
  ): void;
  /**
   * Pauses or resumes reading from all connections, for the time in which other threads do not keep up. Listeners still
   * accept and output is still sent; input waits and is not lost. Held connections stay held.
   */
  pauseReading(isPaused: boolean): void;
  /** Makes the reactor run a turn soon even if no socket is ready. */
  requestTurn(): void;
}

/** A port whose peers wait in the addon until their first message is complete. Addon only. */
export interface FirstMessageOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly v6Only: boolean;
  /**
   * The first message: a complete record with a ClientHello, or the complete head of a request and its body, if it is
   * small and has a length.
   */
  readonly awaits: 'tls' | 'http';
  /** Counted from accept. */
  readonly timeoutMs: number;
  /** At most so many peers may wait; when there are more, the oldest is ended. */
  readonly waitingMax: number;
  /** For peers that are handed on. */
  readonly keepalive: KeepaliveOptions | null;
  readonly userTimeoutMs: number;
}

/** A peer of a first-message queue; the same object in all events. */
export interface FirstMessagePeer {
  readonly address: string;
  readonly port: number;
}

/**
 * `wrong`: not the protocol of the port, the peer was closed (HTTP: after a 400); `code` and `detail` as in
 * transport/tls/client-hello.ts. `left`: the peer ended the connection. `late`: no head within `timeoutMs` (HTTP: 408).
 * `pushedOut`: too many waited, and it was the oldest.
 */
export type FirstMessageEnd =
  | { readonly kind: 'wrong'; readonly code: number; readonly detail: number }
  | { readonly kind: 'left' | 'late' | 'pushedOut' };

/**
 * Called outside of a turn. After `entered` has returned true, exactly one of `whole` and `ended` follows, unless the
 * queue closes.
 */
export interface FirstMessageEvents {
  /** A peer was accepted. Return false to close it. */
  entered(peer: FirstMessagePeer): boolean;
  /** Its first message can be read from `fd`, which the callee owns. */
  whole(peer: FirstMessagePeer, fd: number): void;
  ended(peer: FirstMessagePeer, end: FirstMessageEnd): void;
  /** No peer can be accepted now (EMFILE ...); the queue tries again. Called at most once a second. */
  acceptFailed(code: string): void;
}

export interface FirstMessageQueue {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** Pauses or resumes accepting; waiting peers are still served. */
  pause(isPaused: boolean): void;
  /** Closes the port and all waiting peers, without further events. Resolves when the port is free. */
  close(): Promise<void>;
}

/** Binds and listens. Rejects with Error with `code` (EADDRINUSE ...). */
export type OpenFirstMessageQueue = (
  options: FirstMessageOptions,
  events: FirstMessageEvents,
) => Promise<FirstMessageQueue>;

/**
 * A thread that writes to files and makes them durable, one order after the other. It has a lower priority than the
 * serving thread: while that thread is busy and no other core is free, an order takes some milliseconds longer.
 */
export interface Disk {
  /**
   * Writes all pieces, at most four, one after the other, the first one at offset `at`. With `isSynced` they are
   * durable when `done` is called, with all earlier writes to the file. Pieces must not change until then; `done` is
   * called after this call has returned, with the system's error or null, and the process stays alive until then.
   */
  write(
    fd: number,
    pieces: readonly Uint8Array[],
    at: number,
    isSynced: boolean,
    done: (error: Error | null) => void,
  ): void;
  /** Ends the thread. No order may be pending. */
  close(): void;
}

/** Throws SystemError when no thread can be started. */
export type OpenDisk = () => Disk;

/** Functions of the addon without a reactor. The TypeScript core's versions are in native/typescript-core.ts. */
export interface NativeFunctions {
  /** Gives the pages of `bytes` back to the system; its content is zero afterwards (or unchanged in the TypeScript core, which drops chunks instead). */
  discard(bytes: Uint8Array): void;
  /** Gives the free pages of the C library's heap back to the system, where the library can. Takes milliseconds. */
  trimHeap(): void;
  /** Makes an event descriptor; it is closed at the latest when the calling thread ends. */
  doorbellCreate(): number;
  doorbellRing(fd: number): void;
  /** Call in the thread that made it. */
  doorbellClose(fd: number): void;
  closeDescriptor(fd: number): void;
  /** Two connected stream sockets without a name; the caller closes both. Throws Error with `code`. */
  socketPair(): [number, number];
  /** setrlimit(RLIMIT_NOFILE); returns the limit in force. Throws Error with `code`. */
  setFileLimit(count: number): number;
  /** Opens the system's log with this ident, facility USER and the pid in each line. Levels are 0 to 7. */
  syslogOpen(ident: string): void;
  syslog(level: number, text: string): void;
}

/**
 * Decoding of one connection without its socket; addon and TypeScript core export `createDecoder` with equal
 * behaviour. Its conn is `1 + (1 << SLOT_BITS)`. For the parity suite and benches.
 */
export interface SocketlessDecoder {
  /** Input bytes of the last `feed`; valid until the next one. */
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  /**
   * Decodes `bytes` (at most READ_BYTES) as one read. Returns the number of rows; for rows that did not fit, call
   * `feed` with no bytes.
   */
  feed(bytes: Uint8Array): number;
  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void;
  blobRelease(id: number): void;
  blobBytes(id: number): number;
}
export type CreateDecoder = (hashSeed: number, packetBytesMax: number) => SocketlessDecoder;

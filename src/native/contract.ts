/**
 * The contract of the native reactor and of the TypeScript one on node:net: sockets in, one batch of rows per turn,
 * one batch of output back, one send per connection and turn. Layout of both batches: protocol/batch.ts.
 *
 * A turn: read ready sockets (one read of at most READ_BYTES each), call `onTurn(rowCount)` once, take the output,
 * send. Output written outside of a turn (timers, promises) is taken just before the thread may sleep.
 * While `onTurn` runs, methods only note what to do; `hold` and `detach` take effect at once for what they return.
 */
import type { Duplex } from 'node:stream';

export type ListenAddress =
  | {
      readonly host: string;
      readonly port: number;
      readonly backlog: number;
      readonly v6Only?: boolean;
      /** TypeScript core only: peers are not read here, `onSocket` is called for each. With the addon they wait in a first-message queue. */
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
  /** Payload bytes above this: FAULT PACKET_TOO_LARGE. At most PACKET_BYTES_LIMIT. */
  readonly packetBytesMax: number;
  /** Unsent output above this: the connection is not read until half of it is left. */
  readonly outputPauseBytes: number;
  /** Unsent output that is above this already and grows: GONE OUTPUT_LIMIT. One packet of any size passes. */
  readonly outputBytesMax: number;
  readonly keepalive: KeepaliveOptions | null;
  /** Milliseconds that sent data may stay unacknowledged (TCP_USER_TIMEOUT); 0 or left out = the system's. Addon only. */
  readonly userTimeoutMs?: number;
  /** TypeScript core only: a raw listener has accepted `socket`, which is the callee's. Outside of a turn. */
  readonly onSocket?: (socket: Duplex, address: string, port: number) => void;
  /** Called once per turn with the number of rows (may be 0 when only a ring or `requestTurn` woke the thread). */
  readonly onTurn: (rowCount: number) => void;
  /** A listener failed or recovered (EMFILE ...), at most once a second; `code` as in errno names. */
  readonly onListenError: (code: string) => void;
}

/** What is left of a connection that leaves this thread. All bytes are the caller's own copies. */
export interface Detached {
  /** The descriptor's number now belongs to the caller. */
  readonly fd: number;
  /** Bytes from the held frame on, including the data of a held blob. */
  readonly unread: Uint8Array;
  readonly unsent: Uint8Array;
}

export interface Reactor extends ReactorCalls {
  readonly kind: 'addon' | 'twin';
  /** Input bytes of the turn; the same array for the reactor's life. */
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  /** Output bytes and rows; the thread appends, counts are in `control`. */
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  /**
   * Bytes of output that wait, by slot (protocol/batch.ts). The thread adds what it appends to `out`; behind every send
   * the reactor writes what is left. 0 for a new connection.
   */
  readonly unsent: Float64Array;

  /** Binds and listens. Returns the listener's id and the port bound (0 for a path). Throws Error with `code` (EADDRINUSE ...). */
  listen(address: ListenAddress): Promise<{ id: number; port: number }>;
  /** Closes all listeners and connections; `onTurn` is not called again. Resolves when every handle is closed. */
  destroy(): Promise<void>;
}

/** In the addon each is one function (native/binding/reactor-calls.cc); addon-reactor.ts has those that need more. */
export interface ReactorCalls {
  /** Stops accepting on one listener and closes it. */
  unlisten(id: number): void;
  /** Takes a connected descriptor; `unread` is decoded in the next turn as if just read, `unsent` leaves first. Returns its conn. Throws the system's error; then the descriptor stays the caller's. */
  adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number;

  /** Moves all output written so far into the connections' own buffers, so that `out` and `outRows` are empty again. */
  spill(): void;
  /** Sends what is owed once more, then closes. No row of `conn` comes after this turn. Unknown conn: nothing. */
  close(conn: number): void;
  /** Like close, but keeps trying to send for at most `lingerMs`; input is ignored meanwhile. */
  closeAfterFlush(conn: number, lingerMs: number): void;
  /** Un-reads everything of `conn` from arena offset `start` (a row's START) and stops reading it. The caller skips its later rows of this turn. */
  hold(conn: number, start: number): void;
  /** Ends `hold`: what was un-read is decoded again in the next turn, then reading goes on. */
  resume(conn: number): void;
  /** Removes a held connection without closing its descriptor. Addon only; throws in the TypeScript core. */
  detach(conn: number): Detached;
  /** Bytes of output that wait in the connection's own buffer. */
  unsentBytes(conn: number): number;
  /** Bytes that have come and are kept here: of a frame that is not whole yet, and what was un-read. */
  unreadBytes(conn: number): number;
  /** Asks for one DRAINED row as soon as unsent output is at most `bytes`. */
  notifyDrained(conn: number, bytes: number): void;

  /** Copies `bytes[start, end)` into a new blob with one reference. Returns its id (> 0). */
  blobFrom(bytes: Uint8Array, start: number, end: number): number;
  blobRetain(id: number): void;
  blobRelease(id: number): void;
  blobBytes(id: number): number;
  /** Copies blob bytes `[offset, offset + count)` to `target` at `at`. */
  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void;

  /**
   * Rings: `words` is the Int32Array over the SharedArrayBuffer that holds every incoming ring's (write, read) index pairs;
   * `pairs` are the word offsets of each pair's write index (its read index is at +1... see ring/layout.ts), `asleep` the
   * offset of this thread's asleep word. Before sleeping the reactor sets asleep = 1, looks at every pair once more, and runs
   * a turn instead if one is not empty; a doorbell wakes it. Addon only: `doorbellFd` is an eventfd that the reactor never closes.
   */
  watchRings(
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    doorbellFd: number,
  ): void;
  /**
   * Stops reading all connections, or goes on: other threads do not keep up. Listeners still accept and output still
   * leaves; nothing that peers sent is given meanwhile, and nothing is lost. Held connections stay held.
   */
  pauseReading(isPaused: boolean): void;
  /** Makes the reactor run a turn soon even if no socket is ready. */
  requestTurn(): void;
}

/** A port whose peers wait natively until their first message is whole. Addon only. */
export interface FirstMessageOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly v6Only: boolean;
  /**
   * The first message: a whole record with a ClientHello, or the whole head of a request and its body, if it is small
   * and its length is announced.
   */
  readonly awaits: 'tls' | 'http';
  /** From accept on. */
  readonly timeoutMs: number;
  /** Peers that may wait: of more the oldest is ended. */
  readonly waitingMax: number;
  /** Of those that are handed on. */
  readonly keepalive: KeepaliveOptions | null;
  readonly userTimeoutMs: number;
}

/** A peer of a first-message queue; the same object in all events. */
export interface FirstMessagePeer {
  readonly address: string;
  readonly port: number;
}

/**
 * `wrong`: not what the port speaks, it was given an end (HTTP: 400 before it); `code` and `detail` as in
 * transport/tls/client-hello.ts. `left`: it has ended before. `late`: after `timeoutMs` without a head (HTTP: 408). `pushedOut`: the
 * oldest of too many.
 */
export type FirstMessageEnd =
  | { readonly kind: 'wrong'; readonly code: number; readonly detail: number }
  | { readonly kind: 'left' | 'late' | 'pushedOut' };

/** Outside of a turn. Whoever was let in by `entered` comes once more, with `whole` or `ended`, unless the queue closes. */
export interface FirstMessageEvents {
  /** Accepted. False: it is closed. */
  entered(peer: FirstMessagePeer): boolean;
  /** Its first message can be read from `fd`, which is the callee's. */
  whole(peer: FirstMessagePeer, fd: number): void;
  ended(peer: FirstMessagePeer, end: FirstMessageEnd): void;
  /** Nobody can be accepted now (EMFILE ...); it is tried again. At most once a second. */
  acceptFailed(code: string): void;
}

export interface FirstMessageQueue {
  /** In digits. */
  readonly host: string;
  readonly port: number;
  /** Accepts nobody for a while, or goes on; who is there is heard all the same. */
  pause(isPaused: boolean): void;
  /** Closes the port and everybody who waits, of whom nothing more is heard. Resolves when the port is free. */
  close(): Promise<void>;
}

/** Binds and listens. Rejects with Error with `code` (EADDRINUSE ...). */
export type OpenFirstMessageQueue = (
  options: FirstMessageOptions,
  events: FirstMessageEvents,
) => Promise<FirstMessageQueue>;

/**
 * A thread that writes to files and makes them durable, one order behind the other. It does not interrupt the thread that
 * serves: while that is busy, and there is no other core, an order takes some milliseconds more.
 */
export interface Disk {
  /**
   * Writes all pieces, at most four, behind each other, the first one at offset `at`. With `isSynced` they are durable
   * when `done` is called, with all that was written to the file before. Pieces must not change until then; `done` is
   * called after this call, with the system's error or null, and keeps the process alive until then.
   */
  write(
    fd: number,
    pieces: readonly Uint8Array[],
    at: number,
    isSynced: boolean,
    done: (error: Error | null) => void,
  ): void;
  /** Ends the thread. Nothing is under way; nothing is written any more. */
  close(): void;
}

/** Throws SystemError when there can be no more threads. */
export type OpenDisk = () => Disk;

/** Functions of the addon that belong to no reactor. The TypeScript core's versions are in native/typescript-core.ts. */
export interface NativeFunctions {
  /** Gives the pages of `bytes` back to the system; its content is zero afterwards (or unchanged in the TypeScript core, which drops chunks instead). */
  discard(bytes: Uint8Array): void;
  /** An event descriptor; closed at the latest when the calling thread ends. */
  doorbellCreate(): number;
  doorbellRing(fd: number): void;
  /** In the thread that made it. */
  doorbellClose(fd: number): void;
  closeDescriptor(fd: number): void;
  /** Two connected stream sockets without a name; the caller closes both. Throws Error with `code`. */
  socketPair(): [number, number];
  /** setrlimit(RLIMIT_NOFILE); returns the limit in force. Throws Error with `code`. */
  setFileLimit(count: number): number;
  /** syslog: opens with ident (facility USER, with pid); level 0..7. */
  syslogOpen(ident: string): void;
  syslog(level: number, text: string): void;
}

/**
 * One connection's decoding without its socket; addon and TypeScript core export `createDecoder` with equal behaviour.
 * Its conn is `1 + (1 << SLOT_BITS)`. Made for the parity suite and for benches.
 */
export interface SocketlessDecoder {
  /** Input bytes of the last `feed`; valid until the next one. */
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  /**
   * Decodes `bytes` (at most READ_BYTES) as one read. Returns the number of rows; what did not fit
   * comes with `feed` of nothing.
   */
  feed(bytes: Uint8Array): number;
  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void;
  blobRelease(id: number): void;
  blobBytes(id: number): number;
}
export type CreateDecoder = (hashSeed: number, packetBytesMax: number) => SocketlessDecoder;

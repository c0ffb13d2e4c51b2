/**
 * What native/ exports, function by function, and loading it once per thread.
 * Rule: only addon.ts calls these; a negative number is a negated errno, arguments must be right (the addon aborts).
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Detached } from './contract.ts';

/** A native object; opaque. */
export type Handle = object & { readonly __handle: never };

interface ReactorParts {
  readonly handle: Handle;
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
}

interface DecoderParts {
  readonly handle: Handle;
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
}

interface FirstMessageParts {
  readonly handle: Handle;
  readonly rows: Int32Array;
  readonly texts: Uint8Array;
}

/** `settings` and `options` are the number arrays that addon.ts makes, `shapes` four bytes a packet type. */
export interface Bindings {
  create(
    settings: Float64Array,
    shapes: Uint8Array,
    options: Float64Array,
    onTurn: (rowCount: number) => void,
    onListenError: (errno: number) => void,
    onClosed: () => void,
    onOutput: () => void,
    unsent: Float64Array,
  ): ReactorParts;
  listenIp(handle: Handle, ip: string, port: number, backlog: number, v6Only: boolean): number;
  listenPath(handle: Handle, path: string, mode: number, backlog: number): number;
  listenerPort(handle: Handle, id: number): number;
  unlisten(handle: Handle, id: number): void;
  adopt(handle: Handle, fd: number, unread: Uint8Array, unsent: Uint8Array): number;
  spill(handle: Handle): void;
  close(handle: Handle, conn: number): void;
  closeAfterFlush(handle: Handle, conn: number, lingerMs: number): void;
  hold(handle: Handle, conn: number, start: number): void;
  resume(handle: Handle, conn: number): void;
  detach(handle: Handle, conn: number): Detached | undefined;
  unsentBytes(handle: Handle, conn: number): number;
  unreadBytes(handle: Handle, conn: number): number;
  notifyDrained(handle: Handle, conn: number, bytes: number): void;
  /** conn, or a negative errno. */
  reserve(handle: Handle): number;
  unreserve(handle: Handle, conn: number): void;
  blobOpen(handle: Handle, announcedBytes: number): number;
  blobAppend(
    handle: Handle,
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    announcedBytes: number,
  ): boolean;
  blobFrom(handle: Handle, bytes: Uint8Array, start: number, end: number): number;
  blobRetain(handle: Handle, id: number): boolean;
  blobRelease(handle: Handle, id: number): boolean;
  blobBytes(handle: Handle, id: number): number;
  blobRead(
    handle: Handle,
    id: number,
    offset: number,
    target: Uint8Array,
    at: number,
    count: number,
  ): boolean;
  watchRings(
    handle: Handle,
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    doorbellFd: number,
  ): number;
  pauseReading(handle: Handle, isPaused: boolean): void;
  requestTurn(handle: Handle): void;
  destroy(handle: Handle): void;

  /** A negative errno when it cannot listen. `numbers` as addon-settings.ts makes them. */
  firstMessageOpen(
    numbers: Float64Array,
    ip: string,
    onRows: (rowCount: number) => void,
    onAcceptError: (errno: number) => void,
    onClosed: () => void,
  ): FirstMessageParts | number;
  firstMessagePort(handle: Handle): number;
  firstMessageRefuse(handle: Handle, id: number): void;
  firstMessagePause(handle: Handle, isPaused: boolean): void;
  firstMessageClose(handle: Handle): void;
  /** What a first-message queue sees in the first bytes of a peer: -1 more is awaited (-2: of a body), 0 whole, else what is wrong. For the parity suite. */
  lookAtFirst(awaits: number, bytes: Uint8Array): number;

  /** A negative errno when the thread cannot be started. */
  diskOpen(onDone: (errno: number) => void): Handle | number;
  diskGive(
    handle: Handle,
    fd: number,
    pieces: readonly Uint8Array[],
    at: number,
    isSynced: boolean,
  ): void;
  diskClose(handle: Handle): void;

  decoderCreate(settings: Float64Array, shapes: Uint8Array): DecoderParts;
  decoderFeed(handle: Handle, bytes: Uint8Array): number;
  decoderBlobRead(
    handle: Handle,
    id: number,
    offset: number,
    target: Uint8Array,
    at: number,
    count: number,
  ): boolean;
  decoderBlobRelease(handle: Handle, id: number): boolean;
  decoderBlobBytes(handle: Handle, id: number): number;

  discard(bytes: Uint8Array): void;
  doorbellCreate(): number;
  doorbellRing(fd: number): void;
  doorbellClose(fd: number): void;
  closeDescriptor(fd: number): void;
  /** The first plus 2^32 times the second. */
  socketPair(): number;
  setFileLimit(count: number): number;
  syslogOpen(ident: string): void;
  syslog(level: number, text: string): void;
}

let loaded: Bindings | undefined;

/** The addon, loaded at the first call. Throws Error when there is none for this system or it cannot be loaded. */
export function bindings(): Bindings {
  loaded ??= load();
  return loaded;
}

/** Looks in build/Release, then prebuilds/, of the package; src/native and dist/native lie equally deep in it. */
function load(): Bindings {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const require = createRequire(import.meta.url);
  const nodeGypBuild = require('node-gyp-build') as (root: string) => Bindings;
  return nodeGypBuild(root);
}

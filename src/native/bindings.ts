/**
 * Loads the exports of native/, once per thread, and types them. The functions of native/binding/*-calls.cc become
 * methods of the classes here; contract.ts documents them. Rule: arguments must have the right types (otherwise the
 * addon aborts); a negative result is a negated errno.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { fail } from './addon-errors.ts';
import type {
  Disk,
  FirstMessageQueue,
  NativeFunctions,
  ReactorCalls,
  SocketlessDecoder,
} from './contract.ts';

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

/**
 * `settings` and `options` are the number arrays of addon-settings.ts, `shapes` has four bytes for each packet type.
 */
export interface Bindings {
  /** Call once, before everything else: `fail` makes and throws the errors of calls. */
  setFail(fail: (syscall: string, what: string, errno: number) => never): void;
  createReactor(
    settings: Float64Array,
    shapes: Uint8Array,
    options: Float64Array,
    onTurn: (rowCount: number) => void,
    onListenError: (errno: number) => void,
    onClosed: () => void,
    onOutput: () => void,
    unsent: Float64Array,
  ): ReactorParts;
  /** Returns a negative errno when it cannot listen. */
  openFirstMessageQueue(
    numbers: Float64Array,
    ip: string,
    onRows: (rowCount: number) => void,
    onAcceptError: (errno: number) => void,
    onClosed: () => void,
  ): FirstMessageParts | number;
  /**
   * The result of a first-message queue for the first bytes of a peer, for the parity suite: -1 incomplete (-2: in a
   * body), 0 complete, otherwise the number of the problem.
   */
  lookAtFirst(awaits: number, bytes: Uint8Array): number;
  /** Returns a negative errno when the thread cannot be started. */
  openDisk(onDone: (errno: number) => void): Handle | number;
  createDecoder(settings: Float64Array, shapes: Uint8Array): DecoderParts;
  readonly functions: NativeFunctions;
  readonly reactor: Table;
  readonly firstMessageQueue: Table;
  readonly disk: Table;
  readonly decoder: Table;
}

/** Functions whose first argument is the handle of an object. */
type Table = Readonly<Record<string, (handle: Handle, ...rest: unknown[]) => unknown>>;

/** An object of the addon. The constructor of the derived class sets its handle. */
interface NativeObject {
  handle: Handle;
}

export interface NativeReactor extends NativeObject, ReactorCalls {
  listenIp(ip: string, port: number, backlog: number, v6Only: boolean): number;
  listenPath(path: string, mode: number, backlog: number): number;
  listenerPort(id: number): number;
  /** Reserves a connection id for the caller's own use; it keeps the loop alive. */
  reserve(): number;
  /** Gives a reserved id back. */
  unreserve(conn: number): void;
  /** A new empty blob for `announcedBytes`. BLOB_DROPPED when it would exceed the limit, or no id is left. */
  blobOpen(announcedBytes: number): number;
  /** Appends `bytes[start, end)` to an incomplete blob; false when the limit or memory forbids it. */
  blobAppend(
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    announcedBytes: number,
  ): boolean;
  startDestroy(): void;
}

export interface NativeFirstMessageQueue
  extends NativeObject,
    Omit<FirstMessageQueue, 'host' | 'port' | 'close'> {
  boundPort(): number;
  refuse(id: number): void;
  startClose(): void;
}

export interface NativeDisk extends NativeObject, Omit<Disk, 'write'> {
  give(fd: number, pieces: readonly Uint8Array[], at: number, isSynced: boolean): void;
}

export interface NativeDecoder extends NativeObject, Omit<SocketlessDecoder, 'arena' | 'rows'> {}

/** Classes whose methods are the functions of one table each, set when the addon is loaded. */
export const NativeReactor = class {} as new () => NativeReactor;
export const NativeFirstMessageQueue = class {} as new () => NativeFirstMessageQueue;
export const NativeDisk = class {} as new () => NativeDisk;
export const NativeDecoder = class {} as new () => NativeDecoder;

let loaded: Bindings | undefined;

/** The addon, loaded at the first call. Throws Error when there is none for this system or it cannot be loaded. */
export function bindings(): Bindings {
  loaded ??= load();
  return loaded;
}

/** Looks in build/Release, then prebuilds/, of the package; src/native and dist/native have the same depth. */
function load(): Bindings {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const require = createRequire(import.meta.url);
  const nodeGypBuild = require('node-gyp-build') as (root: string) => Bindings;
  const native = nodeGypBuild(root);
  native.setFail(fail);
  addMethods(NativeReactor, native.reactor);
  addMethods(NativeFirstMessageQueue, native.firstMessageQueue);
  addMethods(NativeDisk, native.disk);
  addMethods(NativeDecoder, native.decoder);
  return native;
}

/**
 * Adds the functions of a table as methods. Each passes on a fixed number of arguments, enough for every call; the
 * addon ignores extra ones.
 */
function addMethods(to: new () => NativeObject, table: Table): void {
  for (const [name, call] of Object.entries(table)) {
    Object.defineProperty(to.prototype, name, {
      value(this: NativeObject, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) {
        return call(this.handle, a, b, c, d, e);
      },
    });
  }
}

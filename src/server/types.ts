/** What a program sees of a server; `createServer` makes one. */
import type { Duplex } from 'node:stream';
import type { ThreadStats } from '../session/thread-queries.ts';
import type { StoreHealth } from '../store/store.ts';

/** An address that is bound now. */
export type ServerAddress =
  | {
      readonly host: string;
      readonly port: number;
      /** Served with TLS. */
      readonly isSecure?: boolean;
      /** Addresses that one entry of `listen` stands for have the same number, and the same port. */
      readonly group?: number;
    }
  | { readonly path: string };

/** Where to listen instead of what the options say. `path` is a Unix socket and excludes the others. */
export interface ListenRequest {
  /** 0 = any free port. */
  readonly port?: number;
  /** A name or an address; every address of a name is bound. */
  readonly host?: string;
  /** TLS; default as option `ssl` says. */
  readonly isSecure?: boolean;
  /** Unix socket; mode by option `socketMode`. */
  readonly path?: string;
}

/** Figures of the whole server since its start, except for what is there now. */
export interface ServerStats {
  /** Now. */
  readonly connections: number;
  /** Now. */
  readonly functions: number;
  /** Queued, scheduled and running jobs, now. */
  readonly jobs: number;
  /** Jobs that were made by submits, foreground and background. */
  readonly submitted: number;
  /** Submits that joined a job of the same unique. */
  readonly coalesced: number;
  /** Submits that were answered with QUEUE_ERROR. */
  readonly refused: number;
  /** Times that a job was given to a worker. */
  readonly assigned: number;
  /** Jobs that ended with WORK_COMPLETE. */
  readonly completed: number;
  /** Jobs that ended with WORK_FAIL, WORK_EXCEPTION, or were given up. */
  readonly failed: number;
  /** Jobs that went back to their queue because their worker was lost. */
  readonly requeued: number;
  /** Bytes of job rows, workloads and indexes in use, now. */
  readonly queueBytes: number;
  /** Bytes that peers make the server keep, now: what counts against `maxMemory`. */
  readonly memoryBytes: number;
  /** Of all stores together; null while background jobs are kept in memory. */
  readonly store: StoreHealth | null;
  /** The same by thread; the first is the acceptor. */
  readonly threads: readonly ThreadStats[];
}

/** A job server. Usable once; a program may have many. */
export interface Server {
  /**
   * Binds and listens; without arguments as configured. May be called again for further addresses. Rejects with the
   * system's error (`EADDRINUSE`, `EACCES`, `ENOTFOUND` ...), or ServerClosedError when the server ends.
   */
  listen(request?: ListenRequest): Promise<void>;
  /**
   * Connects a client or worker of this process, in memory: no port, path or descriptor; `new Client({ server })` uses
   * it. Needs no `listen`. The stream is ready at once. Throws ServerClosedError when the server ends.
   */
  connect(): Duplex;
  /** All bound addresses, in the order of the options. */
  readonly addresses: readonly ServerAddress[];
  /** Where the HTTP protocol is bound; empty without it, and before the first `listen`. */
  readonly httpAddresses: readonly { readonly host: string; readonly port: number }[];
  /** Where the control port is bound; null without one, and before the first `listen`. */
  readonly controlAddress: { readonly host: string; readonly port: number } | null;
  /** The first of them; null before `listen` and after `close`. */
  readonly address: ServerAddress | null;
  /** The native core, or its version in TypeScript. */
  readonly kind: 'addon' | 'twin';
  /** Why the TypeScript core is used; empty for the addon. */
  readonly kindReason: string;
  /** Shards; 0 = everything in the caller's thread. */
  readonly threads: number;
  /** Of a server whose threads do not run, before `listen` and after `close`, the figures of this thread alone. */
  stats(): Promise<ServerStats>;
  /** Has lines up to `level` (LogLevel) logged from now on. False when the logger has no `setLevel`. */
  setLogLevel(level: number): boolean;
  /**
   * Reads the files of TLS again, for connections from now on. Throws TlsFileError (`ERR_GEARMAN_TLS`) when one cannot
   * be used; what was in use stays then.
   */
  reload(): void;
  /**
   * Stops listening, writes what is owed and closes all connections. `graceful`: connections go on until no job is
   * left. A further call without it ends a graceful one at once. May be called any number of times.
   */
  close(options?: { readonly graceful?: boolean }): Promise<void>;
  /** Resolves after `close`; rejects when the server ends because of an error of its own. */
  readonly closed: Promise<void>;
  /** `error`: the server ends by itself because of it. `close`: it has ended. */
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'close', listener: () => void): this;
  /** The same, at the first one only. */
  once(event: 'error', listener: (error: Error) => void): this;
  once(event: 'close', listener: () => void): this;
  [Symbol.asyncDispose](): Promise<void>;
}

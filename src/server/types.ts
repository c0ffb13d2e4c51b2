/** The public types of a server; `createServer` makes one. */
import type { Duplex } from 'node:stream';
import type { ThreadStats } from '../session/thread-queries.ts';
import type { StoreHealth } from '../store/store.ts';

/** A bound address: `host` and `port`, or the `path` of a Unix socket. */
export type ServerAddress =
  | {
      readonly host: string;
      readonly port: number;
      /** The address uses TLS. */
      readonly isSecure?: boolean;
      /** Addresses of one entry of `listen` have the same number, and the same port. */
      readonly group?: number;
    }
  | { readonly path: string };

/** An address to listen on instead of those in the options. `path` is a Unix socket and excludes the others. */
export interface ListenRequest {
  /** 0 to 65535; 0 = any free port. Default: that of the options. */
  readonly port?: number;
  /** A host name or an IP address; every address of a name is bound. Default: all addresses of the machine. */
  readonly host?: string;
  /** Whether to use TLS. Default: as option `ssl` says. */
  readonly isSecure?: boolean;
  /** Path of a Unix socket; its mode is option `socketMode`. */
  readonly path?: string;
}

/** Figures of the whole server. Counters count since its start; fields marked "now" are current values. */
export interface ServerStats {
  /** Open connections, now. */
  readonly connections: number;
  /** Known functions, now. */
  readonly functions: number;
  /** Queued, scheduled and running jobs, now. */
  readonly jobs: number;
  /** Jobs created by submits, foreground and background; joined submits do not count. */
  readonly submitted: number;
  /** Submits that joined a job with the same unique. */
  readonly coalesced: number;
  /** Submits that were answered with QUEUE_ERROR. */
  readonly refused: number;
  /** Times that a job was given to a worker; a job that is tried again counts again. */
  readonly assigned: number;
  /** Jobs that ended with WORK_COMPLETE. */
  readonly completed: number;
  /** Jobs that ended with WORK_FAIL or WORK_EXCEPTION, or after their last attempt. */
  readonly failed: number;
  /** Times that a job returned to its queue because its worker was lost. */
  readonly requeued: number;
  /** Bytes of job rows, workloads and indexes in use, now. */
  readonly queueBytes: number;
  /** Bytes that peers make the server keep, now: what `maxMemory` limits. */
  readonly memoryBytes: number;
  /** All stores together; null while background jobs are kept in memory. */
  readonly store: StoreHealth | null;
  /** The figures of each thread; the first is the acceptor. */
  readonly threads: readonly ThreadStats[];
}

/** A job server. Usable once; a program may have several. */
export interface Server {
  /**
   * Binds and listens: on the addresses of the options, or on those of `request`. May be called again for further
   * addresses. Rejects with the system's error (`code` is `EADDRINUSE`, `EACCES`, `ENOTFOUND` ...), or with
   * ServerClosedError (`ERR_GEARTRAIN_CLOSED`) when the server is closing.
   */
  listen(request?: ListenRequest): Promise<void>;
  /**
   * Opens a connection for a client or worker of this process, in memory, without port, path or descriptor; `new
   * Client({ server })` uses it. Needs no `listen`. The stream is ready at once. Throws ServerClosedError when the
   * server is closing.
   */
  connect(): Duplex;
  /** All bound addresses, in the order of the options. */
  readonly addresses: readonly ServerAddress[];
  /** Addresses of the HTTP protocol; empty without it, and before the first `listen`. */
  readonly httpAddresses: readonly { readonly host: string; readonly port: number }[];
  /** Address of the control port; null without one, and before the first `listen`. */
  readonly controlAddress: { readonly host: string; readonly port: number } | null;
  /** The first of `addresses`; null before `listen` and after `close`. */
  readonly address: ServerAddress | null;
  /** 'addon' with the native core, 'twin' with the TypeScript core. */
  readonly kind: 'addon' | 'twin';
  /** Why the TypeScript core is used; empty for the addon. */
  readonly kindReason: string;
  /** Number of shards; 0 = everything runs in the caller's thread. */
  readonly threads: number;
  /** Figures of the server. Before `listen` and after `close` they cover the caller's thread only. */
  stats(): Promise<ServerStats>;
  /** Sets the greatest LogLevel that is logged from now on. False when the logger has no `setLevel`. */
  setLogLevel(level: number): boolean;
  /**
   * Reads the TLS and token files again, for new connections. Throws TlsFileError (`ERR_GEARMAN_TLS`), or an error
   * with code `ERR_GEARMAN_TOKENS`, when a file is unusable; the files in use then stay.
   */
  reload(): void;
  /**
   * Stops listening, sends pending replies and closes all connections. With `graceful` connections stay open until the
   * last job has ended; a later call without it ends that at once. May be called more than once.
   */
  close(options?: { readonly graceful?: boolean }): Promise<void>;
  /** Resolves when the server has closed; rejects when it ended because of an error of its own. */
  readonly closed: Promise<void>;
  /** `error`: the server ends by itself because of this error. `close`: it has ended. */
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'close', listener: () => void): this;
  /** The same, at the first one only. */
  once(event: 'error', listener: (error: Error) => void): this;
  once(event: 'close', listener: () => void): this;
  [Symbol.asyncDispose](): Promise<void>;
}

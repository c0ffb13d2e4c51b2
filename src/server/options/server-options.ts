/**
 * The options of `createServer`, as a program gives them and as the server uses them. The rows of the table stay the
 * only source of defaults and ranges; the check at the end of the file does not compile when the two disagree.
 */
import type { Logger } from '../../base/logger.ts';
import type { accessRows } from './access-rows.ts';
import type { ListenTarget } from './address-types.ts';
import type { ControlAddress, controlRows } from './control-rows.ts';
import type { databaseRows } from './database-rows.ts';
import type { httpRows } from './http-rows.ts';
import type { keyValueRows } from './key-value-rows.ts';
import type { listenRows } from './listen-rows.ts';
import type { QueueName, storeRows } from './queue-rows.ts';
import type { jobRows, limitRows, warningRows } from './server-rows.ts';
import type { tlsRows } from './tls-rows.ts';

/** Options of `createServer`. All may be left out; keys are gearmand's option names in camel case. */
export interface ServerOptions {
  /** Port of the binary and text protocol, or the name of a TCP service; 0 = any free port. Default 4730. */
  port?: number | string;
  /** One address to listen on; short for `listen: [host]`. Not together with `listen`. */
  host?: string;
  /**
   * Addresses to listen on: `HOST`, `HOST:PORT`, `[IPV6]:PORT`, each also with `tls://` or `tcp://` in front, or
   * `unix:/PATH`. Default: all addresses of the machine.
   */
  listen?: string | readonly string[];
  /** Connections that may wait to be accepted; the system may allow fewer. 1 to 2^31-1, default 4096. */
  backlog?: number;
  /** Permission bits of Unix sockets, default 0o660. */
  socketMode?: number;
  /** TCP keepalive on accepted connections, default true. */
  keepalive?: boolean;
  /** Seconds of silence before the first keepalive probe. 1 to 32767, -1 = as the system has it, default 120. */
  keepaliveIdle?: number;
  /** Seconds between keepalive probes. 1 to 32767, -1 = as the system has it, default 30. */
  keepaliveInterval?: number;
  /** Unanswered keepalive probes that end a connection. 1 to 127, -1 = as the system has it, default 4. */
  keepaliveCount?: number;
  /** Seconds that sent data may stay unacknowledged (Linux, native core); 0 = as the system has it, default 240. */
  tcpUserTimeout?: number;
  /** Who may send admin commands: `any` (default), or `loopback`, addresses and `ADDRESS/BITS`, as list or with commas. */
  adminFrom?: string | readonly string[];
  /** TLS on every address that does not say otherwise. Default false. */
  ssl?: boolean;
  /** PEM file of the server's certificate and those between it and a root. Default `/etc/ssl/certs/gearmand.pem`. */
  sslCertificate?: string;
  /** PEM file of its private key. Default `/etc/ssl/certs/gearmand.key`. */
  sslKey?: string;
  /** PEM file of certificates that complete the server's chain. Default null. */
  sslCaFile?: string | null;
  /** The oldest version of TLS that is spoken, default `1.2`. */
  tlsMinVersion?: '1.2' | '1.3';
  /** PEM file of those who sign certificates of clients; null (default) = clients are asked for none. */
  tlsClientCa?: string | null;
  /** Whether a client without a certificate is refused, with `tlsClientCa`. Default `required`. */
  tlsClientAuth?: 'required' | 'optional';
  /** Seconds for a TLS handshake. 1 to 3600, default 10. */
  handshakeTimeout?: number;
  /** TLS handshakes that may be open at a time in each thread; a further one ends the oldest. Default 1000. */
  maxHandshakes?: number;
  /**
   * Who may do what, as `WHO=RIGHTS` or `WHO=RIGHTS:FUNCTIONS`: `any=submit:public_*`, `token:NAME=submit,work`,
   * `cert:COMMON-NAME=admin`. Given, everything else is refused. Default: everybody may do everything.
   */
  allow?: string | readonly string[];
  /** File with a token a line, as `NAME TOKEN` or `NAME sha256:HEX`. Default null. */
  tokenFile?: string | null;
  /**
   * Threads that share the functions: 0 (default in a program) = everything in the caller's thread, 1 to 30, or
   * `auto` = usable processors - 1, at least 1, at most 16.
   */
  threads?: number | 'auto';
  /** Every connection starts with the `exceptions` option on. Default false. */
  exceptions?: boolean;
  /** Further attempts for a job whose worker was lost. 0 to 255, -1 = no limit (default). */
  jobRetries?: number;
  /** How every job handle begins: 1 to 28 bytes without blanks. Default (null): `H:` and the host name, cut to 28 bytes. */
  jobHandlePrefix?: string | null;
  /** How a worker of several functions is served: as gearmand `2.0` (default) or `1.1.20` does. */
  jobOrder?: '2.0' | '1.1.20';
  /** With `jobOrder: '1.1.20'`: functions in rotation. Default false; `2.0` always rotates. */
  roundRobin?: boolean;
  /** Sleeping workers to wake for each job. 0 to 65535, 0 (default) counts as 1. */
  workerWakeup?: number;
  /** Milliseconds after which a woken worker that has not come no longer counts. 1 to 86400000, default 100. */
  wakeupDelay?: number;
  /**
   * Seconds that `close({ graceful: true })` waits for running and foreground jobs where a store keeps the others. 0 to
   * 86400, default 30.
   */
  drainTimeout?: number;
  /** Milliseconds that each thread, also the caller's, tries its code out before the server listens. 0 to 1000, default 0. */
  warmUp?: number;
  /** The native core: `auto` (default) = where it loads, `on` = not without it, `off` = never. */
  native?: 'auto' | 'on' | 'off';
  /** Connections at a time; 0 (default) = no limit. */
  maxConnections?: number;
  /** Connections of one IP address at a time; 0 (default) = no limit. */
  maxConnectionsPerAddress?: number;
  /** Packets and text lines that one connection may send in a second before it is paused; 0 (default) = no limit. */
  maxPacketRate?: number;
  /** Bytes that one connection may send in a second before it is paused, from 1 KiB; 0 (default) = no limit. */
  maxByteRate?: number;
  /** Bytes of the longest packet that is taken. 8 KiB to 2047 MiB, default 256 MiB. */
  maxPacketSize?: number;
  /** Bytes of unsent output above which a connection is dropped; one packet may be larger. 64 KiB to 2047 MiB, default 64 MiB. */
  outputLimit?: number;
  /** Bytes of queued workloads and unfinished packets. From 1 MiB; 0 (default) = no limit. */
  maxMemory?: number;
  /** Function names known at a time, default 1000000. */
  maxFunctions?: number;
  /** Milliseconds above which a turn of a thread is logged; 0 = never, default 100. */
  slowTurnMs?: number;
  /** Seconds after which a function with queued jobs and no worker is logged; 0 = never, default 60. */
  idleQueueWarning?: number;
  /** `HOST:PORT` of the HTTP port for health and metrics; null (default) = none. `tls://` in front makes it HTTPS. Unless on loopback it needs a token, or TLS and `tlsClientCa`. */
  control?: string | ControlAddress | null;
  /** File with the token that the control port asks for, at least 16 characters. Default null. */
  controlTokenFile?: string | null;
  /** Functions with metrics of their own, 0 to 100000, default 200; the others are summed. */
  metricsFunctions?: number;
  /** `http`: gearmand's HTTP protocol too, on the same addresses. Default null. */
  protocol?: 'http' | null;
  /** Port of the HTTP protocol, or the name of a TCP service; 0 = any free port. Default 8080. */
  httpPort?: number | string;
  /** Seconds after which an HTTP request without a result is answered with 504; 0 (default) = no limit. */
  httpTimeout?: number;
  /** HTTP statuses for jobs that fail, or as gearmand does 200 for all of them. Default `http`. */
  httpStatus?: 'http' | 'gearmand';
  /**
   * Where background jobs are kept: `builtin` (default) = in memory, `journal` = in files of `stateDir`, `libsqlite3`,
   * `mysql`, `postgres` = in a table that gearmand can use too, `redis`, `libmemcached` = under its keys there.
   */
  queueType?: QueueName;
  /** Folder of this server alone, for its journal; null (default) = the platform's state directory of the user. */
  stateDir?: string | null;
  /** `synced` (default): a background job is on disk before its JOB_CREATED. `relaxed`: within `flushInterval`. */
  durability?: 'synced' | 'relaxed';
  /** Of single functions: `NAME=synced` or `NAME=relaxed`. Default: none. */
  durabilityOf?: string | readonly string[];
  /** Milliseconds that `durability: 'relaxed'` may lose in a crash. 1 to 60000, default 100. */
  flushInterval?: number;
  /**
   * With `queueType` postgres, mysql or redis: start although the store is away, refuse background jobs until it comes, and
   * bring back then what it keeps. Default false: refuse to start. With libmemcached always true.
   */
  storeWait?: boolean;
  /** With `queueType: 'libsqlite3'`: the SQLite file; made when it is missing. */
  libsqlite3Db?: string | null;
  /** Its table; made when it is missing. Default `gearman_queue`. */
  libsqlite3Table?: string;
  /** Jobs are written to it when the server closes and not before, as gearmand can do. Default false: at once. */
  storeQueueOnShutdown?: boolean;
  /** With `queueType: 'postgres'`: libpq's connection string; the PG variables stand in for what it does not say. */
  libpqConninfo?: string | null;
  /** Its table; made when it is missing. Default `queue`. */
  libpqTable?: string;
  /** With `queueType: 'mysql'`: host of MySQL or MariaDB. Default `localhost`. */
  mysqlHost?: string;
  /** Its port, or the name of a TCP service. Default 3306. */
  mysqlPort?: number | string;
  /** User; null (default): as MySQL's option files have it. */
  mysqlUser?: string | null;
  /** Password of the user; null (default): as MySQL's option files have it. */
  mysqlPassword?: string | null;
  /** Database; null (default): as MySQL's option files have it. */
  mysqlDb?: string | null;
  /** Its table; made when it is missing. Default `gearman_queue`. */
  mysqlTable?: string;
  /** With `queueType: 'redis'`: host of Redis or Valkey. Default `127.0.0.1`. */
  redisServer?: string;
  /** Its port, or the name of a TCP service. Default 6379. */
  redisPort?: number | string;
  /** Sent with AUTH; null (default): none is sent. */
  redisPassword?: string | null;
  /** How its keys begin. Default `_gear_`. */
  redisPrefix?: string;
  /** With `queueType: 'libmemcached'`: memcached servers, `host:port` with commas in between. */
  libmemcachedServers?: string | null;
  /** How their keys begin. Default `gear_`. */
  libmemcachedPrefix?: string;
  /** Where log lines go. Default: nowhere. */
  logger?: Logger;
}

type Computed =
  | 'host'
  | 'logger'
  | 'port'
  | 'listen'
  | 'adminFrom'
  | 'durabilityOf'
  | 'allow'
  | 'threads'
  | 'jobHandlePrefix'
  | 'control'
  | 'redisPort'
  | 'httpPort'
  | 'mysqlPort';

/** All options with their values. Plain data: it can be posted to other threads. */
export interface ResolvedOptions extends Readonly<Required<Omit<ServerOptions, Computed>>> {
  readonly port: number;
  /** Every target has its port; an empty list is every address of the machine at `port`. */
  readonly listen: readonly ResolvedTarget[];
  /** For `compileAdminFrom`. */
  readonly adminFrom: readonly string[];
  readonly durabilityOf: readonly string[];
  readonly allow: readonly string[];
  readonly threads: number;
  readonly jobHandlePrefix: string;
  readonly control: ControlAddress | null;
  readonly redisPort: number;
  readonly httpPort: number;
  readonly mysqlPort: number;
}

/** A place to listen on: a host name or address with a port, or the path of a Unix socket. */
export type ResolvedTarget =
  | { readonly host: string; readonly port: number; readonly isSecure?: boolean }
  | Extract<ListenTarget, { path: string }>;

/** Rows of the table that are options of `createServer` too. */
export type ServerRow =
  | (typeof listenRows)[number]
  | (typeof tlsRows)[number]
  | (typeof accessRows)[number]
  | (typeof jobRows)[number]
  | (typeof limitRows)[number]
  | (typeof warningRows)[number]
  | (typeof controlRows)[number]
  | (typeof httpRows)[number]
  | (typeof storeRows)[number]
  | (typeof databaseRows)[number]
  | (typeof keyValueRows)[number];

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
/** Does not compile when a row lacks its documented key in ServerOptions, or the other way round. */
export const everyRowIsAKey: Same<
  ServerRow['key'],
  Exclude<keyof ServerOptions, 'host' | 'logger'>
> = true;

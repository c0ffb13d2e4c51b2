/**
 * The options of `createServer` as a program gives them. Generated from the options tables, see server/options.ts.
 * `npm run docs` writes it anew; do not edit it.
 */
import type { Logger } from '../../base/logger.ts';
import type { FunctionPolicy } from '../../policy/policy.ts';
import type { FunctionAlias } from '../../policy/rule.ts';

/** Options of `createServer`. All may be left out; keys are gearmand's option names in camel case. */
export interface ServerOptions {
  /** Port of the binary and text protocol. A number or the name of a TCP service, 0 = any free port; default 4730. */
  port?: number | string;
  /** One address to listen on; short for `listen: [host]`. Not together with `listen`. */
  host?: string;
  /**
   * Addresses to listen on; every address of a name is bound; `tls://` in front selects TLS, `tcp://` no TLS, whatever
   * `ssl` says. HOST, HOST:PORT, [IPV6]:PORT, each also with tls:// or tcp:// in front, or unix:/PATH (at most 107
   * bytes of path); default [] = all addresses.
   */
  listen?: string | readonly string[];
  /** Connections that may wait to be accepted; the system may allow fewer. 1 to 2147483647; default 4096. */
  backlog?: number;
  /** Permissions of Unix sockets. Default 0o660. */
  socketMode?: number;
  /** TCP keepalive on accepted connections. Default true. */
  keepalive?: boolean;
  /** Silence before the first keepalive probe. 1 to 32767 seconds, -1 = the system decides; default 120. */
  keepaliveIdle?: number;
  /** Time between keepalive probes. 1 to 32767 seconds, -1 = the system decides; default 30. */
  keepaliveInterval?: number;
  /** Unanswered keepalive probes that end a connection. 1 to 127, -1 = the system decides; default 4. */
  keepaliveCount?: number;
  /**
   * How long sent data may stay unacknowledged before a peer counts as dead (Linux, native core). 1 to 86400 seconds, 0
   * = the system decides; default 240.
   */
  tcpUserTimeout?: number;
  /**
   * Peers that may send admin commands. `any`, or `loopback`, addresses and `ADDRESS/BITS`, as a list or with commas;
   * default any.
   */
  adminFrom?: string | readonly string[];
  /**
   * TLS on every address of `listen` that does not begin with tcp:// or unix:; without it on those that begin with
   * tls://. Default false.
   */
  ssl?: boolean;
  /**
   * PEM file with the server's certificate and its intermediate certificates. Default `/etc/ssl/certs/gearmand.pem`.
   */
  sslCertificate?: string;
  /** PEM file with its private key, not encrypted. Default `/etc/ssl/certs/gearmand.key`. */
  sslKey?: string;
  /** PEM file with certificates that complete the server's chain. Default null. */
  sslCaFile?: string | null;
  /** The oldest accepted version of TLS. Default `1.2`. */
  tlsMinVersion?: '1.2' | '1.3';
  /**
   * PEM file with the authorities of client certificates; with it, clients are asked for a certificate. Default null.
   */
  tlsClientCa?: string | null;
  /** Whether a client without a certificate is refused, with `tlsClientCa`. Default `required`. */
  tlsClientAuth?: 'required' | 'optional';
  /**
   * Time limit for the first message of a peer of a TLS address, and again for its handshake; a peer that exceeds it is
   * closed. 1 to 3600 seconds; default 10.
   */
  handshakeTimeout?: number;
  /**
   * Peers without a first message that may wait at each TLS address, and open handshakes in each thread; beyond that
   * the oldest is closed. 1 to 1000000; default 1000.
   */
  maxHandshakes?: number;
  /**
   * Access rules: which peers may submit, work and give text commands; with rules, everything else is refused.
   * WHO=RIGHTS or WHO=RIGHTS:FUNCTIONS; WHO is any, token:NAME or cert:COMMON-NAME; RIGHTS is a list of
   * submit,work,admin and, for the control port, view,inspect,operate; * in a name matches any text; default [] = every
   * peer may do everything.
   */
  allow?: string | readonly string[];
  /** File with one token on each line, as NAME TOKEN or NAME sha256:HEX. Default null. */
  tokenFile?: string | null;
  /** File with one line of JSON for each change that the JSON API or a text command has made. Default null. */
  auditLog?: string | null;
  /**
   * Threads that share the functions; 0 = everything in the caller's thread, `auto` = usable processors - 1, at least
   * 1, at most 16. 0 to 30; default 0.
   */
  threads?: number | 'auto';
  /** Every connection starts with the exceptions option on. Default false. */
  exceptions?: boolean;
  /** Further attempts for a job whose worker was lost. 0 to 255, 0 = no second attempt, -1 = no limit; default -1. */
  jobRetries?: number;
  /**
   * Prefix of every job handle. 1 to 28 bytes without blanks and control characters; default null = H: and the host
   * name.
   */
  jobHandlePrefix?: string | null;
  /**
   * Order in which a worker of several functions is served: 2.0 = best priority of all, functions in rotation; 1.1.20 =
   * function by function, the last registered first. Default `2.0`.
   */
  jobOrder?: '2.0' | '1.1.20';
  /** Serve the functions of a worker in rotation; always so with `jobOrder` 2.0. Default false. */
  roundRobin?: boolean;
  /** Sleeping workers to wake for each job. 0 to 65535, 0 = 1; default 0. */
  workerWakeup?: number;
  /**
   * When a woken worker has not grabbed a job in this time, the next one is woken. 1 to 86400000 milliseconds; default
   * 100.
   */
  wakeupDelay?: number;
  /**
   * How long `close({ graceful: true })` waits for running and foreground jobs, with a store that keeps the others. 0
   * to 86400 seconds; default 30.
   */
  drainTimeout?: number;
  /**
   * How long each thread, also the caller's, warms up its code before the server listens. 1 to 1000 milliseconds, 0 =
   * off; default 0.
   */
  warmUp?: number;
  /** The native core: auto = where it loads, on = required, off = never; GEARTRAIN_NATIVE=0 is off. Default `auto`. */
  native?: 'auto' | 'on' | 'off';
  /**
   * Policies of single functions: how many of their jobs may run, and start in a time. FUNCTION=KEY:VALUE,...;
   * concurrency: 0 to 1000000, 0 = no limit; rate: N/s, N/m or N/h with N from 1 to 10000000, 0 = no limit; burst: 1 to
   * 1000000; attempts: 1 to 1000; backoff: exp:FIRST:MAX (FIRST at most MAX), fixed:TIME or list:TIME:TIME..., with
   * times such as 500ms, 30s, 5m, 1d; jitter: 0 to 1; timeout: 10ms to 30d, with a unit (ms, s, m, h, d); 0 = no limit;
   * fg: 0 or 1; dead: 0 to 10000000, 0 = dead jobs are not kept; dead_age: 1s to 3650d, with a unit (s, m, h, d);
   * dead_bytes: 1K to 1024G; default [] = none.
   */
  policies?: Readonly<Record<string, FunctionPolicy | string>> | string | readonly string[];
  /**
   * Other names for functions, for submits: their jobs are those of the function, with the priority of the alias.
   * ALIAS=FUNCTION or ALIAS=FUNCTION{priority:high|normal|low}; default [] = none.
   */
  aliases?: Readonly<Record<string, FunctionAlias | string>> | string | readonly string[];
  /**
   * Memory of the dead jobs of all functions; beyond it the oldest are dropped; never more than half of `maxMemory`. 64
   * KiB to 1024 GiB, 0 = no limit; default 256 MiB.
   */
  deadMemory?: number;
  /** Connections at a time; beyond that new ones are closed at once. 0 to 2147483647, 0 = no limit; default 0. */
  maxConnections?: number;
  /**
   * Connections of one IP address at a time; beyond that new ones are closed at once. 0 to 2147483647, 0 = no limit;
   * default 0.
   */
  maxConnectionsPerAddress?: number;
  /**
   * Packets and text lines that one connection may send in a second; beyond that it is paused, not dropped. 0 to
   * 2147483647, 0 = no limit; default 0.
   */
  maxPacketRate?: number;
  /**
   * Bytes that one connection may send in a second; beyond that it is paused, not dropped. 1 KiB to 1024 GiB, 0 = no
   * limit; default 0.
   */
  maxByteRate?: number;
  /**
   * Longest packet in bytes; a longer one is answered with ERROR and its connection is closed. 8 KiB to 2047 MiB;
   * default 256 MiB.
   */
  maxPacketSize?: number;
  /** Unsent output of one connection; beyond that the connection is dropped. 64 KiB to 2047 MiB; default 64 MiB. */
  outputLimit?: number;
  /**
   * Memory that peers may make the server keep: jobs, function names, connections; new jobs stop at 7/8 of it. 1 MiB to
   * 1048576 GiB, 0 = no limit; default 0.
   */
  maxMemory?: number;
  /** Functions known at a time. 1 to 2147483647; default 1000000. */
  maxFunctions?: number;
  /**
   * A turn of a thread that takes longer is logged with its content. 1 to 86400000 milliseconds, 0 = off; default 100.
   */
  slowTurnMs?: number;
  /**
   * A function that has queued jobs and no worker for so long is logged as a WARNING. 1 to 86400 seconds, 0 = off;
   * default 60.
   */
  idleQueueWarning?: number;
  /**
   * HTTP port for health, metrics, the level of the log and the JSON API; `tls://` in front makes it HTTPS; unless on
   * loopback it needs a token, or TLS and `tlsClientCa`. HOST:PORT or [IPV6]:PORT, also with tls:// in front, port 0 =
   * any free port; default null.
   */
  control?:
    | string
    | { readonly host: string; readonly port: number; readonly isSecure?: boolean }
    | null;
  /**
   * File with the token that /metrics and /log-level ask for (at least 16 characters); needed unless the control port
   * is on loopback or asks for client certificates. Default null.
   */
  controlTokenFile?: string | null;
  /** Pages for browsers at / of the control port; their data need the same rights as everything there. Default `on`. */
  dashboard?: 'on' | 'off';
  /**
   * Functions with metrics of their own; later ones are summed up as "(other)". 0 to 100000, 0 = all of them together;
   * default 200.
   */
  metricsFunctions?: number;
  /** Additional protocol: http, on the addresses of `listen`. Default null. */
  protocol?: 'http' | null;
  /** Port of the HTTP protocol. A number or the name of a TCP service, 0 = any free port; default 8080. */
  httpPort?: number | string;
  /**
   * Time limit of an HTTP request; without a result it is answered with 504, and its job is dropped unless it is in the
   * background. 1 to 86400 seconds, 0 = no limit; default 0.
   */
  httpTimeout?: number;
  /**
   * HTTP statuses of jobs: `http` = 500 for a failed job, 503 for a full queue; `gearmand` = always 200. Default
   * `http`.
   */
  httpStatus?: 'http' | 'gearmand';
  /**
   * Where background jobs are kept: builtin = in memory, journal = in files of `stateDir`, libsqlite3, mysql, postgres
   * = in the table of a database that gearmand can use too, redis, libmemcached = under its keys there. Default
   * `builtin`.
   */
  queueType?:
    | 'builtin'
    | 'journal'
    | 'libsqlite3'
    | 'mysql'
    | 'postgres'
    | 'redis'
    | 'libmemcached'
    | 'libtokyocabinet'
    | 'libdrizzle';
  /**
   * Folder of this server only, for the journal and for what operators change at run time; made when it is missing;
   * with another store the default is none. Default null = $STATE_DIRECTORY; /var/lib/geartrain for root; else
   * ~/.local/state/geartrain.
   */
  stateDir?: string | null;
  /**
   * When a background job is on disk: `synced` = before its JOB_CREATED, `relaxed` = within `flushInterval`. Default
   * `synced`.
   */
  durability?: 'synced' | 'relaxed';
  /**
   * Durability of single functions, whatever `durability` says. FUNCTION=synced or FUNCTION=relaxed; default [] = none.
   */
  durabilityOf?: string | readonly string[];
  /** With `durability` relaxed: how much a crash may lose. 1 to 60000 milliseconds; default 100. */
  flushInterval?: number;
  /**
   * With `queueType` postgres, mysql, redis: start although the store is unreachable, refuse background jobs until it
   * comes, and then restore its jobs; libmemcached always does. Default false.
   */
  storeWait?: boolean;
  /** With `queueType: 'libsqlite3'`: the SQLite file, made when it is missing. Default null. */
  libsqlite3Db?: string | null;
  /** With `queueType: 'libsqlite3'`: its table, made when it is missing. Default `gearman_queue`. */
  libsqlite3Table?: string;
  /**
   * With `queueType: 'libsqlite3'`: as with gearmand, jobs are written only at an orderly end of the server, and a
   * crash loses them; JOB_CREATED does not mean that a job is on disk. Default false.
   */
  storeQueueOnShutdown?: boolean;
  /**
   * With `queueType: 'postgres'`: libpq's connection string, key=value words or a URI; the PG variables are its
   * defaults. Default null.
   */
  libpqConninfo?: string | null;
  /** With `queueType: 'postgres'`: table, made when it is missing. Default `queue`. */
  libpqTable?: string;
  /** With `queueType: 'mysql'`: host; localhost is the server's own socket if it exists. Default `localhost`. */
  mysqlHost?: string;
  /** With `queueType: 'mysql'`: port. A number or the name of a TCP service, 0 = any free port; default 3306. */
  mysqlPort?: number | string;
  /** With `queueType: 'mysql'`: user; default: from [gearmand] or [client] of the option files. Default null. */
  mysqlUser?: string | null;
  /** With `queueType: 'mysql'`: password; default: as for the user. Default null. */
  mysqlPassword?: string | null;
  /** With `queueType: 'mysql'`: database; default: as for the user. Default null. */
  mysqlDb?: string | null;
  /** With `queueType: 'mysql'`: table, made when it is missing. Default `gearman_queue`. */
  mysqlTable?: string;
  /** With `queueType: 'redis'`: host of Redis or Valkey. Default `127.0.0.1`. */
  redisServer?: string;
  /** With `queueType: 'redis'`: its port. A number or the name of a TCP service, 0 = any free port; default 6379. */
  redisPort?: number | string;
  /** With `queueType: 'redis'`: its password. Default null. */
  redisPassword?: string | null;
  /** With `queueType: 'redis'`: prefix of keys. Default `_gear_`. */
  redisPrefix?: string;
  /** With `queueType: 'libmemcached'`: memcached servers, host:port separated by commas. Default null. */
  libmemcachedServers?: string | null;
  /** With `queueType: 'libmemcached'`: prefix of keys. Default `gear_`. */
  libmemcachedPrefix?: string;
  /** Where log lines go. Default: nowhere. */
  logger?: Logger;
}

/**
 * Common options of clients and workers: job servers, behaviour of connections, codec. Rule: options are checked once,
 * when the client or worker is made; an invalid one throws ArgumentError.
 */
import type { LookupFunction } from 'node:net';
import { CLIENT_ID_BYTES_MAX } from '../protocol/limits.ts';
import { DEFAULT_PORT, type ServerAddress } from './address.ts';
import {
  type Endpoint,
  endpointInProcess,
  endpointOf,
  type InProcessServer,
  type TlsSetting,
} from './endpoint.ts';
import { ArgumentError } from './errors.ts';
import { checkKnown, type Known } from './known-options.ts';

/**
 * Options of every client and worker. An invalid option makes the constructor throw ArgumentError
 * (`ERR_GEARMAN_ARGUMENT`).
 */
export interface ConnectionOptions {
  /**
   * Job servers: `host`, `host:port`, `[ipv6]:port`, `unix:/path`; at least one, none of them twice. Default:
   * `localhost:4730`.
   */
  readonly servers?: readonly ServerAddress[];
  /**
   * A job server in this process, from `createServer`, instead of `servers`. Connections to it are in memory, without
   * port or path.
   */
  readonly server?: InProcessServer;
  /**
   * TLS: `true`, or options of `tls.connect` (`ca`, `cert`, `key` ...). The server's certificate is verified unless
   * these disable it. Default: no TLS.
   */
  readonly tls?: TlsSetting;
  /**
   * Sent to the job server before any other request (`--token-file` there): 16 to 256 characters of ASCII without
   * blanks. Default: none.
   */
  readonly token?: string;
  /** Name shown by `gearadmin --workers`: text without NUL, at most 127 bytes of UTF-8. Default: none. */
  readonly id?: string;
  /**
   * Time limit from the look-up of the name to the server's first answer, in milliseconds, 1 to 2^31 - 1. Default:
   * 5000.
   */
  readonly connectTimeoutMs?: number;
  /**
   * An ECHO is sent when a connection has received nothing for so long, in milliseconds, 1 to 2^31 - 1. Default:
   * 10000.
   */
  readonly keepaliveMs?: number;
  /**
   * A connection that receives nothing for so long after that ECHO is ended with `ERR_GEARMAN_SILENT`, in
   * milliseconds, 1 to 2^31 - 1. Default: 10000.
   */
  readonly answerTimeoutMs?: number;
  /**
   * Wait before a failed server is tried again, in milliseconds: a random time up to `minMs`, doubled with each
   * failure, at most `maxMs`. Default: `{ minMs: 100, maxMs: 10000 }`.
   */
  readonly backoff?: { readonly minMs?: number; readonly maxMs?: number };
  /** Resolves names, anew for every connection. Default: `dns.lookup`. */
  readonly lookup?: LookupFunction;
}

/** The options, checked and complete. */
export interface ConnectionSettings {
  readonly endpoints: readonly Endpoint[];
  readonly id: string | null;
  readonly token: string | null;
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly answerTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** Every option of ConnectionOptions. */
export const CONNECTION_OPTIONS: Known<ConnectionOptions> = {
  servers: true,
  server: true,
  tls: true,
  token: true,
  id: true,
  connectTimeoutMs: true,
  keepaliveMs: true,
  answerTimeoutMs: true,
  backoff: true,
  lookup: true,
};
const BACKOFF_OPTIONS: Known<NonNullable<ConnectionOptions['backoff']>> = {
  minMs: true,
  maxMs: true,
};

const TOKEN = /^[\x21-\x7e]{16,256}$/;
/** The longest time of a timer. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`). */
export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  checkKnown('option backoff', options.backoff ?? {}, BACKOFF_OPTIONS);
  const backoffMinMs = checkMs('backoff.minMs', options.backoff?.minMs ?? 100);
  const backoffMaxMs = checkMs('backoff.maxMs', options.backoff?.maxMs ?? 10_000);
  if (backoffMaxMs < backoffMinMs)
    throw new ArgumentError(`option backoff: maxMs ${backoffMaxMs} is below minMs ${backoffMinMs}`);
  return {
    endpoints: endpointsOf(options),
    id: checkId(options.id),
    token: checkToken(options.token),
    connectTimeoutMs: checkMs('connectTimeoutMs', options.connectTimeoutMs ?? 5000),
    keepaliveMs: checkMs('keepaliveMs', options.keepaliveMs ?? 10_000),
    answerTimeoutMs: checkMs('answerTimeoutMs', options.answerTimeoutMs ?? 10_000),
    backoffMinMs,
    backoffMaxMs,
  };
}

/** Returns `value` if it is a whole number from 1 to TIMER_MS_MAX; throws ArgumentError otherwise. */
export function checkMs(name: string, value: number): number {
  return checkWhole(name, value, 1, TIMER_MS_MAX);
}

/** Returns `value` if it is a whole number in the range; throws ArgumentError otherwise. */
export function checkWhole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ArgumentError(`option ${name}: ${String(value)}, allowed is ${min} to ${max}`);
}

function endpointsOf(options: ConnectionOptions): Endpoint[] {
  const { server, servers, tls = false, lookup } = options;
  if (server !== undefined) {
    if (servers !== undefined) throw new ArgumentError('option server: excludes option servers');
    return [endpointInProcess(server)];
  }
  const addresses = servers ?? [`localhost:${DEFAULT_PORT}`];
  if (!Array.isArray(addresses) || addresses.length === 0)
    throw new ArgumentError('option servers: a list with at least one job server is needed');
  const endpoints = addresses.map((address) => endpointOf(address, tls, lookup));
  const labels = new Set(endpoints.map((endpoint) => endpoint.label));
  if (labels.size < endpoints.length)
    throw new ArgumentError('option servers: the same job server is named twice');
  return endpoints;
}

/** No message contains the token. */
function checkToken(token: string | undefined): string | null {
  if (token === undefined) return null;
  if (typeof token !== 'string' || !TOKEN.test(token))
    throw new ArgumentError(
      'option token: 16 to 256 characters of ASCII without blanks are needed',
    );
  return token;
}

function checkId(id: string | undefined): string | null {
  if (id === undefined) return null;
  if (typeof id !== 'string' || id.includes('\0'))
    throw new ArgumentError('option id: a text without NUL is needed');
  if (Buffer.byteLength(id) > CLIENT_ID_BYTES_MAX)
    throw new ArgumentError(
      `option id: is ${Buffer.byteLength(id)} bytes, limit ${CLIENT_ID_BYTES_MAX}`,
    );
  return id;
}

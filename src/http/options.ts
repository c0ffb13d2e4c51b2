/** Options of the HTTP services: the control port with its metrics, and gearmand's HTTP protocol. */
import { isIPv6 } from 'node:net';
import { port } from '../option/address-types.ts';
import { OptionGroup } from '../option/groups.ts';
import type { OptionTable, OptionValues, ProgramEntry } from '../option/row.ts';
import { choice, integer, type ProgramType, text } from '../option/types.ts';
import { isLoopback } from '../shard/admin-from.ts';

/** Where the control port is bound. */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
  /** TLS, with the certificates of --ssl-certificate and --tls-client-ca. */
  readonly isSecure?: boolean;
}

function parse(word: string): ControlAddress | undefined {
  const match = /^(tls:\/\/|tcp:\/\/)?(?:\[([^\]]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(word);
  if (match === null || Number(match[4]) > 65_535) return undefined;
  const [, scheme, bracketed, plain, port] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  const address = { host: (bracketed ?? plain) as string, port: Number(port) };
  return scheme === 'tls://' ? { ...address, isSecure: true } : address;
}

function accept(value: unknown): ControlAddress | null | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return parse(value);
  const { host, port, isSecure = false } = Object(value) as Partial<ControlAddress>;
  if (typeof host !== 'string' || typeof port !== 'number' || typeof isSecure !== 'boolean')
    return undefined;
  return parse(textOf({ host, port, isSecure }));
}

function textOf({ host, port, isSecure }: ControlAddress): string {
  const scheme = isSecure === true ? 'tls://' : '';
  return `${scheme}${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

const controlAddress: ProgramType<ControlAddress | null> = {
  argument: 'host:port',
  allowed: 'HOST:PORT or [IPV6]:PORT, also with tls:// in front, port 0 = any free port',
  readText: parse,
  accept,
  show: (value) => (value === null ? 'off' : textOf(value)),
  codeType:
    'string | { readonly host: string; readonly port: number; readonly isSecure?: boolean } | null',
};

/** Whether only this machine can reach an address; a name counts when it is `localhost`. */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || (host !== '' && isLoopback(host));
}

/** At most so many functions have rows: with more, the page would take long to write and the rows much memory. */
const MEASURED_MAX = 100_000;

/** All of these are extensions. */
export const controlTable = {
  group: OptionGroup.control,
  rows: [
    {
      name: 'control',
      type: controlAddress,
      defaultValue: null,
      conflict: (value: ControlAddress | null, values) =>
        value === null ||
        isThisMachine(value.host) ||
        values.controlTokenFile !== null ||
        (value.isSecure === true && values.tlsClientCa !== null)
          ? null
          : `${value.host} can be reached from other machines, so it needs --control-token-file, or tls:// and --tls-client-ca`,
      doc: 'HTTP port for health, metrics, the level of the log and the JSON API; `tls://` in front makes it HTTPS; unless on loopback it needs a token, or TLS and `tlsClientCa`',
      help: 'HTTP port for /healthz, /readyz, /metrics, /log-level and the JSON API; tls:// in front makes it HTTPS',
    },
    {
      name: 'control-token-file',
      type: text({ argument: 'file' }),
      defaultValue: null,
      help: 'file with the token that /metrics and /log-level ask for (at least 16 characters); needed unless the control port is on loopback or asks for client certificates',
    },
    {
      name: 'dashboard',
      type: choice('on', 'off'),
      defaultValue: 'on',
      help: 'pages for browsers at / of the control port; their data need the same rights as everything there',
    },
    {
      name: 'metrics-functions',
      type: integer({ min: 0, max: MEASURED_MAX, special: { 0: 'all of them together' } }),
      defaultValue: 200,
      help: 'functions with metrics of their own; later ones are summed up as "(other)"',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;

const SECONDS_MAX = 86_400;

const http = choice('http');

const protocolName: ProgramType<'http' | null> = {
  ...http,
  accept: (value) => (value === null ? null : http.accept(value)),
  show: (value) => value ?? 'none',
  codeType: `${http.codeType} | null`,
};

const missing = (values: OptionValues): string | null =>
  values.protocol === null ? '--protocol http' : null;

/** gearmand's HTTP protocol; timeout and statuses are extensions. */
export const httpTable = {
  group: OptionGroup.plugins,
  rows: [
    {
      name: 'protocol',
      short: 'r',
      type: protocolName,
      defaultValue: null,
      help: 'additional protocol: http, on the addresses of --listen',
    },
    {
      name: 'http-port',
      type: port,
      defaultValue: 8080,
      missing,
      help: 'port of the HTTP protocol',
    },
    {
      name: 'http-timeout',
      type: integer({ min: 1, max: SECONDS_MAX, unit: 'seconds', special: { 0: 'no limit' } }),
      defaultValue: 0,
      missing,
      help: 'time limit of an HTTP request; without a result it is answered with 504, and its job is dropped unless it is in the background',
    },
    {
      name: 'http-status',
      type: choice('http', 'gearmand'),
      defaultValue: 'http',
      missing,
      doc: 'HTTP statuses of jobs: `http` = 500 for a failed job, 503 for a full queue; `gearmand` = always 200',
      help: 'http = 500 for a failed job, 503 for a full queue; gearmand = always 200',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;

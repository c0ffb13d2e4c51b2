/** Rows of the options table for the control port and what is measured for it. All are our own. */
import { isIPv6 } from 'node:net';
import { isLoopback } from '../../shard/admin-from.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { integer, type OptionType, text } from './option-type.ts';

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

const controlAddress: OptionType<ControlAddress | null> = {
  argument: 'host:port',
  allowed: 'HOST:PORT or [IPV6]:PORT, also with tls:// in front, port 0 = any free port',
  readText: parse,
  accept,
  show: (value) => (value === null ? 'off' : textOf(value)),
};

/** Whether only this machine can reach an address; a name counts when it is `localhost`. */
function isNear(host: string): boolean {
  return host === 'localhost' || (host !== '' && isLoopback(host));
}

/** More rows make a page that is slow to write and dear to keep. */
const MEASURED_MAX = 100_000;

export const controlRows = [
  {
    name: 'control',
    key: 'control',
    type: controlAddress,
    fallback: null,
    group: OptionGroup.control,
    scope: 'server',
    effect: 'used',
    conflict: (value, values) =>
      value === null ||
      isNear(value.host) ||
      values.controlTokenFile !== null ||
      (value.isSecure === true && values.tlsClientCa !== null)
        ? null
        : `${value.host} can be reached from other machines, so it needs --control-token-file, or tls:// and --tls-client-ca`,
    help: 'HTTP port for /healthz, /readyz, /metrics and /log-level; tls:// in front makes it HTTPS',
  },
  {
    name: 'control-token-file',
    key: 'controlTokenFile',
    type: text({ argument: 'file' }),
    fallback: null,
    group: OptionGroup.control,
    scope: 'server',
    effect: 'used',
    help: 'file with the token that /metrics and /log-level ask for (at least 16 characters); needed unless the control port is on loopback or asks for client certificates',
  },
  {
    name: 'metrics-functions',
    key: 'metricsFunctions',
    type: integer({ min: 0, max: MEASURED_MAX, special: { 0: 'all of them together' } }),
    fallback: 200,
    group: OptionGroup.control,
    scope: 'server',
    effect: 'used',
    help: 'functions with metrics of their own; those made later are summed as "(other)"',
  },
] as const satisfies readonly [
  OptionRow<ControlAddress | null>,
  OptionRow<string | null>,
  OptionRow<number>,
];
